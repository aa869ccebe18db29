"""The pictures of the report: who gained, who lost, and what stands where a picture is missing."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_up_results import (
    DISTRACTORS,
    IMAGES,
    NAMES,
    QUERIES,
    QUERY_NAMES,
    Page,
    add_result,
    orders,
    read_csv,
)

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.reporting.collect import read_study
from superglobal_core.reporting.first_places import KINDS
from superglobal_core.reporting.gallery import Card, make_sections, split
from superglobal_core.reporting.pictures import BUDGET, THUMBNAIL, Album, Thumbnails, thumbnail
from superglobal_core.reporting.query_figures import choose
from superglobal_core.reporting.report import write_report
from superglobal_core.reporting.sources import find_datasets
from superglobal_core.reporting.study import group_results


def all_cards(results: Path) -> list[Card]:
    study = read_study(results)
    (section,) = make_sections(study, group_results(study), find_datasets(study), Thumbnails())
    assert section.remark == ""
    return [card for leaf in section.leaves for card in leaf.cards]


def test_cards_show_every_query_failures_first_with_the_right_frames(results: Path) -> None:
    cards = all_cards(results)
    assert [card.name for card in cards] == ["q2", "q4", "q3", "q0", "q1"]
    lowest = [min(answer.main.ap or 0 for answer in card.answers) for card in cards]
    assert lowest == sorted(lowest)
    first = next(card for card in cards if card.name == "q0")
    assert [answer.group.variant for answer in first.answers] == ["plain", "distractors"]
    answer = first.answers[1]
    assert answer.main.ap == 1.0
    assert answer.before is not None
    assert answer.before.ap is not None
    assert answer.main.change == 1.0 - answer.before.ap > 0
    after, before = answer.main.places, answer.before.places
    assert after is not None
    assert before is not None
    assert [place.kind for place in after[:5]] == ["easy", "junk", "easy", "hard", "negative"]
    assert [place.frame for place in after[:5]] == ["positive", "junk", "positive", "positive", "negative"]
    assert [place.before for place in after[:3]] == [3, 1, IMAGES + DISTRACTORS]
    assert answer.main.marks[:5] == "✓\N{EN DASH}✓✓✕"
    assert len(before) == len(after) == 10
    assert {place.before for place in before} == {None}
    # The lost query's first places are the distractors, which no label names.
    lost = cards[0].answers[1].main.places
    assert lost is not None
    assert {(place.kind, place.name[:4]) for place in lost[:5]} == {("negative", "far_")}
    assert first.picture is not None
    # The box of the small query image is drawn at its own scale: its border is no longer the image's colour.
    data = base64.b64decode(first.picture.uri.partition(",")[2])
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(int)
    assert abs(picture[6, 17] - picture[1, 1]).max() > 80
    assert abs(picture[34, 44] - picture[1, 1]).max() < 40


def test_labels_come_from_rows_even_when_a_distractor_has_an_image_s_name(results: Path) -> None:
    before, after = orders(IMAGES + 1)
    for method, reranker, order in (("single-stage", "none", before), ("better", "superglobal", after)):
        add_result(results, "distractors", method, reranker, order, [*NAMES, NAMES[0]])
    places = all_cards(results)[0].answers[1].main.places
    assert [(place.name, place.kind) for place in places or () if place.name == NAMES[0]] == [
        (NAMES[0], "negative")
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([0.1, None, -0.2, 0.0, 0.3], ([4, 0], [2])),
        ([0.5, 0.5, 0.4, 0.6], ([3, 0, 1], [])),
        ([0.00001, -0.00001, None], ([], [])),
    ],
)
def test_only_queries_that_changed_are_chosen(
    changes: list[float | None], expected: tuple[list[int], list[int]]
) -> None:
    assert choose(changes) == expected


def test_symbols_differ_without_colour() -> None:
    frames = {frame: symbol for frame, symbol, _ in KINDS.values()}
    assert len(set(frames.values())) == len(frames) == 3


def test_without_images_names_stand_in_their_place(results: Path, tmp_path: Path) -> None:
    for folder in ("queries", "database", "distractors"):
        for path in (results / "data" / "toy" / folder).iterdir():
            path.unlink()
        (results / "data" / "toy" / folder).rmdir()
    page = Page((write_report(results, tmp_path / "out").parent / "queries-2.html").read_text())
    assert "The images are not at hand, so their names stand here." in page.text
    assert "image" not in {tag for tag, _ in page.elements}
    assert any(text.strip() == "far_0" for text in page.texts)
    assert "q2" in page.text


def test_one_damaged_image_is_named_and_counted(results: Path, tmp_path: Path) -> None:
    (results / "data" / "toy" / "database" / "db_00.jpg").write_bytes(b"no image")
    page = Page((write_report(results, tmp_path / "out").parent / "queries-2.html").read_text())
    # Pictures are named by a title; the name that stands for a picture is plain text.
    assert not any(text.startswith("db_00,") for text in page.texts)
    assert "db_00" in page.texts
    assert any(text.startswith("db_01,") for text in page.texts)
    images = IMAGES + DISTRACTORS
    assert re.search(r"1 of \d+ pictures are missing; names stand in their place\.", page.text)
    assert len([tag for tag, _ in page.elements if tag == "image"]) <= images - 1 + QUERIES


def test_without_rankings_the_figures_stand(results: Path, report: Path, tmp_path: Path) -> None:
    for path in (results / "rankings").rglob("*.npz"):
        path.unlink()
    page = write_report(results, tmp_path / "again")
    assert "their rankings are not at hand" in (page.parent / "queries.html").read_text()
    assert (page.parent / "map.csv").read_bytes() == (report / "map.csv").read_bytes()


def test_another_ground_truth_is_not_used_for_pictures(results: Path, tmp_path: Path) -> None:
    gnd = results / "data" / "toy" / "gnd_toy.pkl"
    gnd.write_bytes(gnd.read_bytes().replace(b"far", b"fat") + b" ")
    assert load_groundtruth(gnd).query_names == QUERY_NAMES
    page = write_report(results, tmp_path / "out")
    assert "gnd_toy.pkl is not the one that" in (page.parent / "queries.html").read_text()
    assert {row["query_name"] for row in read_csv(page.parent / "per_query.csv")} == {""}


def test_a_page_carries_only_so_many_pictures(results: Path, tmp_path: Path) -> None:
    folder = results / "data" / "toy" / "database"
    album = Album(budget=600)
    pictures = [album.add(path) for path in sorted(folder.iterdir())]
    assert pictures[0] is not None
    assert pictures[-1] is None
    assert sum(len(picture.uri) for picture in album.pictures) <= 600
    assert album.left_out == sum(picture is None for picture in pictures)
    assert album.add(sorted(folder.iterdir())[0]) is pictures[0]
    assert BUDGET <= 15_000_000


def test_an_image_is_read_once_for_all_pages(results: Path) -> None:
    path = results / "data" / "toy" / "database" / "db_00.jpg"
    thumbnails = Thumbnails()
    first = Album(thumbnails=thumbnails).add(path)
    path.unlink()
    assert first is not None
    assert Album(thumbnails=thumbnails).add(path) == first


def test_pages_of_cards_are_few_and_alike() -> None:
    assert [list(part) for part in split(range(7), 3)] == [[0, 1, 2], [3, 4], [5, 6]]
    assert [len(part) for part in split(range(70), 24)] == [24, 23, 23]
    assert [len(part) for part in split(range(24), 24)] == [24]


def test_thumbnails_keep_proportions_and_are_never_enlarged() -> None:
    assert thumbnail(np.zeros((300, 600, 3), np.uint8), THUMBNAIL).shape == (THUMBNAIL // 2, THUMBNAIL, 3)
    assert thumbnail(np.zeros((20, 10, 3), np.uint8), THUMBNAIL).shape == (20, 10, 3)
    boxed = thumbnail(np.full((300, 600, 3), 128, np.uint8), 100, (100, 100, 300, 200))
    changed = np.argwhere((boxed != 128).any(axis=2))
    # Two pixels of border outside the scaled box.
    assert changed.min(axis=0).tolist() == [15, 15]
    assert changed.max(axis=0).tolist() == [35, 52]
    assert (boxed[24:27, 22:45] == 128).all()
