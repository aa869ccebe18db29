"""The report: figures as in the files, everything escaped, one page without any request."""

from __future__ import annotations

import base64
import csv
import io
import json
import pickle
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from superglobal_core.config import parse_suite, save_suite
from superglobal_core.data.groundtruth import GroundTruth, Query, load_groundtruth
from superglobal_core.errors import UserError
from superglobal_core.evaluation.protocol import PROTOCOLS, evaluate
from superglobal_core.evaluation.ranks import LabelledRanks, labelled_pairs
from superglobal_core.files import sha256_of, write_json
from superglobal_core.reporting.collect import Study, read_study
from superglobal_core.reporting.gallery import KINDS, choose, make_exhibit
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.pictures import BUDGET, QUERY_THUMBNAIL, THUMBNAIL, Album, thumbnail
from superglobal_core.reporting.report import write_report
from superglobal_core.reporting.sources import find_datasets
from superglobal_core.reporting.study import group_results, missing_results
from superglobal_core.results import Stopwatch, record_path
from superglobal_core.search.rankings import Ranking

# What would run, or break a table, if it were not escaped.
EVIL = '<script>alert(1)</script> & a_b|c $x$ "q" 100%'
NAUGHTY_IMAGE = "db_05<img onerror=alert(2)>"
IMAGES, DISTRACTORS, QUERIES = 12, 5, 5
QUERY_NAMES = tuple(f"q{number}" for number in range(QUERIES))
NAMES = tuple(NAUGHTY_IMAGE if number == 5 else f"db_{number:02}" for number in range(IMAGES))

# Each query's own order of the 12 images before and after; query 4 has no hard images.
GAINS = (0, 1)  # queries whose easy image 0 comes to the front
LOSSES = (2,)
TRUTH = GroundTruth(
    NAMES,
    QUERY_NAMES,
    tuple(
        Query((4.0, 6.0, 30.0, 28.0), (0, 1), () if number == 4 else (2,), (3,)) for number in range(QUERIES)
    ),
)


def orders(images: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.arange(images)
    middling = np.array([3, 5, 0, 4, 2, *[row for row in rows if row not in (0, 1, 2, 3, 4, 5)], 1])
    best = np.array([0, 3, 1, 2, *[row for row in rows if row not in (0, 1, 2, 3)]])
    worst = best[::-1].copy()
    before = np.stack([middling] * QUERIES)
    after = before.copy()
    after[list(GAINS)] = best
    after[list(LOSSES)] = worst
    return before, after


def make_pickle(path: Path) -> None:
    gnd = [
        {"bbx": list(q.box), "easy": list(q.easy), "hard": list(q.hard), "junk": list(q.junk)}
        for q in TRUTH.queries
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps({"imlist": list(NAMES), "qimlist": list(QUERY_NAMES), "gnd": gnd}))


def make_image(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((36, 48, 3), (shade, 255 - shade, (7 * shade) % 256), np.uint8)
    assert cv2.imwrite(str(path), picture)


def add_result(
    root: Path, variant: str, method: str, reranker: str, order: np.ndarray, ids: list[str], **changes: Any
) -> dict[str, Any]:
    """Write a ranking, its record and its evaluation, as the steps do; return the evaluation."""
    gnd = root / "data" / "toy" / "gnd_toy.pkl"
    query, image = labelled_pairs(TRUTH.queries)
    ranks = LabelledRanks(query, image, np.argsort(order, axis=1)[query, image])
    scores = np.tile(np.linspace(1, 0, order.shape[1], dtype=np.float32), (len(order), 1))
    folder = Path("mini") / "toy" / variant
    ranking = root / "rankings" / folder / f"{method}.npz"
    ranking.parent.mkdir(parents=True, exist_ok=True)
    Ranking(order, scores, {}, labelled=ranks, rows=image).named(ids).save(ranking)
    facts: dict[str, Any] = {
        "suite": "tiny",
        "dataset": "toy",
        "descriptor": {"backbone": "mini"},
        "method": reranker,
        "distractors": len(ids) - IMAGES,
        "parameters": {"shortlist": 400, "bootstrap": 50},
        "protocol": {"ties": "ascending index", "database": len(ids), "groundtruth_sha256": sha256_of(gnd)},
        "seed": 0,
    } | changes
    write_json(record_path(ranking), Stopwatch().record("rerank", **facts).model_dump())
    results = evaluate(TRUTH.queries, labelled_ranks=ranks, bootstrap=50)
    content = {name: result.as_dict() for name, result in results.items()}
    content["record"] = Stopwatch().record("evaluate", **facts).model_dump()
    write_json(root / "evaluation" / folder / f"{method}.json", content)
    return content


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite's whole results folder, as the workflow leaves it; only to be read."""
    root = tmp_path_factory.mktemp("whole") / "results"
    make_pickle(root / "data" / "toy" / "gnd_toy.pkl")
    for number, name in enumerate(QUERY_NAMES):
        make_image(root / "data" / "toy" / "queries" / f"{name}.jpg", 20 + number)
    for number, name in enumerate(NAMES):
        make_image(root / "data" / "toy" / "database" / f"{name}.jpg", 60 + 9 * number)
    distractors = [f"far_{number}" for number in range(DISTRACTORS)]
    for number, name in enumerate(distractors):
        make_image(root / "data" / "toy" / "distractors" / f"{name}.jpg", 200 + 9 * number)
    suite = {
        "suite": "tiny",
        "title": "Tiny <b>suite</b>",
        "note": "Drawn, not photographed: no figure of Oxford.",
        "datasets": {"toy": {"label": "Toy", "synthetic": {"distractors": DISTRACTORS}}},
        "descriptors": {"mini": {"label": "Mini", "extract": {"backbone": "mini"}}},
        "methods": {
            "single-stage": {"label": "single stage", "reranker": "none"},
            "better": {"label": EVIL, "reranker": "superglobal"},
        },
    }
    save_suite(parse_suite(suite, "suite"), root / "suite.json")
    for variant, ids in (("plain", list(NAMES)), ("distractors", [*NAMES, *distractors])):
        before, after = orders(len(ids))
        add_result(root, variant, "single-stage", "none", before, ids)
        add_result(root, variant, "better", "superglobal", after, ids)
    return root


@pytest.fixture
def results(whole: Path, tmp_path: Path) -> Path:
    """A copy of the results to be changed."""
    return Path(shutil.copytree(whole, tmp_path / "results"))


@pytest.fixture(scope="module")
def report(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the report of the whole results."""
    page = write_report(whole, tmp_path_factory.mktemp("report") / "out")
    assert page.name == "index.html"
    return page.parent


class Page(HTMLParser):
    """All elements of a page with their attributes, the text, and whether the tags nest."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input", "image", "use", "path"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]


def read_evaluation(root: Path, variant: str, method: str) -> dict[str, Any]:
    return json.loads((root / "evaluation" / "mini" / "toy" / variant / f"{method}.json").read_text())


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_csv_holds_the_figures_of_the_files(whole: Path, report: Path) -> None:
    rows = read_csv(report / "map.csv")
    assert [(row["distractors"], row["method"]) for row in rows] == [
        ("0", "single-stage"),
        ("0", "better"),
        (str(DISTRACTORS), "single-stage"),
        (str(DISTRACTORS), "better"),
    ]
    for row in rows:
        stored = read_evaluation(
            whole, "distractors" if row["distractors"] != "0" else "plain", row["method"]
        )
        assert row["dataset_label"] == "Toy (synthetic)"
        for protocol in PROTOCOLS:
            figures = stored[protocol]
            assert float(row[f"{protocol}_map_percent"]) == pytest.approx(100 * figures["map"], abs=1e-9)
            low, high = figures["map_interval_95"]
            assert float(row[f"{protocol}_map_low_percent"]) == pytest.approx(100 * low, abs=1e-9)
            assert float(row[f"{protocol}_map_high_percent"]) == pytest.approx(100 * high, abs=1e-9)
            for cutoff in ("1", "5", "10"):
                expected = 100 * figures["mean_precision"][cutoff]
                assert float(row[f"{protocol}_mp{cutoff}_percent"]) == pytest.approx(expected, abs=1e-9)


def test_per_query_csv_has_every_ap_and_leaves_undefined_ones_empty(whole: Path, report: Path) -> None:
    rows = read_csv(report / "per_query.csv")
    assert len(rows) == 4 * QUERIES
    for row in rows:
        stored = read_evaluation(
            whole, "distractors" if row["distractors"] != "0" else "plain", row["method"]
        )
        number = int(row["query"])
        assert row["query_name"] == QUERY_NAMES[number]
        for protocol in PROTOCOLS:
            value = stored[protocol]["average_precision"][number]
            written = row[f"{protocol}_ap_percent"]
            if value is None:
                assert (written, number, protocol) == ("", 4, "hard")
            else:
                assert float(written) == pytest.approx(100 * value, abs=1e-9)


def test_page_shows_figures_intervals_changes_and_distractors(whole: Path, report: Path) -> None:
    text = Page((report / "index.html").read_text()).text
    before, after = (
        read_evaluation(whole, "distractors", name)["medium"] for name in ("single-stage", "better")
    )
    low, high = after["map_interval_95"]
    assert f"{100 * after['map']:.2f} {100 * low:.2f} to {100 * high:.2f}" in text
    change = 100 * (after["map"] - before["map"])
    assert change > 0
    assert f"{change:+.2f}" in text
    assert "2 up, 1 down" in text
    assert f"Toy (synthetic) · Mini · with {DISTRACTORS} distractors" in text
    assert f"{QUERIES} queries, {IMAGES} database images, {DISTRACTORS} distractors" in text
    assert "Synthetic images. Drawn, not photographed: no figure of Oxford." in text


def test_markdown_and_latex_hold_the_figures(whole: Path, report: Path) -> None:
    markdown, latex = (report / "map.md").read_text(), (report / "map.tex").read_text()
    for variant in ("plain", "distractors"):
        figures = read_evaluation(whole, variant, "better")["hard"]
        low, high = (100 * bound for bound in figures["map_interval_95"])
        assert f"{100 * figures['map']:.2f} ({low:.2f} to {high:.2f})" in markdown
        assert f"{100 * figures['map']:.2f} {{\\scriptsize {low:.2f}--{high:.2f}}}" in latex
    assert "no figure of Oxford" in markdown
    assert "no figure of Oxford" in latex


def test_names_are_text_everywhere(report: Path) -> None:
    html = (report / "index.html").read_text()
    page = Page(html)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "b>suite", "img"}
    assert not page.attributes("onerror")
    assert " ".join(EVIL.split()) in page.text
    assert "Tiny <b>suite</b>" in page.text
    assert any(NAUGHTY_IMAGE in label for label in page.attributes("aria-label"))
    for chart in (report / "figures").glob("*.svg"):
        assert "<script" not in chart.read_text()
    assert r"\<script\>alert(1)\</script\> \& a\_b\|c \$x\$" in (report / "map.md").read_text()
    assert r"\textless{}script\textgreater{}alert(1)" in (report / "map.tex").read_text()
    assert (
        r"\& a\_b\textbar{}c \$x\$ \textquotedbl{}q\textquotedbl{} 100\%" in (report / "map.tex").read_text()
    )


def test_page_is_whole_and_asks_for_nothing(report: Path) -> None:
    html = (report / "index.html").read_text()
    page = Page(html)
    assert page.wrong == []
    assert page.open == []
    assert "http:" not in html
    assert "https:" not in html
    assert "@import" not in html
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    assert not page.attributes("src")
    assert not {"link", "script", "iframe", "object", "img"} & {tag for tag, _ in page.elements}
    references = page.attributes("href")
    pictures = [reference for reference in references if reference.startswith("data:image/jpeg;base64,")]
    assert len(pictures) > 10
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    for reference in set(references) - set(pictures):
        assert reference[1:] in ids if reference.startswith("#") else (report / reference).is_file()
    for named in page.attributes("aria-labelledby"):
        assert named in ids
    for picture in pictures:
        data = np.frombuffer(base64.b64decode(picture.partition(",")[2]), np.uint8)
        assert max(cv2.imdecode(data, cv2.IMREAD_COLOR).shape) <= QUERY_THUMBNAIL


def test_each_picture_is_embedded_once(report: Path) -> None:
    page = Page((report / "index.html").read_text())
    # Five queries could be shown; three change. Every database image and distractor comes at most once.
    embedded = [attributes["href"] for tag, attributes in page.elements if tag == "image"]
    shown = [
        attributes["href"]
        for tag, attributes in page.elements
        if tag == "use" and attributes["href"][1:2] == "p"
    ]
    assert len(embedded) == len(set(embedded))
    assert len(embedded) <= IMAGES + DISTRACTORS + 3
    assert len(shown) == 2 * 3 * (1 + 10 + 10)


def test_same_results_give_the_same_bytes(whole: Path, report: Path, tmp_path: Path) -> None:
    again = write_report(whole, tmp_path / "again").parent
    first = {path.relative_to(report): path.read_bytes() for path in report.rglob("*") if path.is_file()}
    second = {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()}
    assert {path.as_posix() for path in first} == {
        "index.html", "map.csv", "map.md", "map.tex", "per_query.csv", "citations.bib", "figures/map-toy.svg",
        "figures/change-toy.svg", "statistics.html", "statistics.csv", "statistics.md", "statistics.tex",
        "figures/ranking-1.svg", "figures/ranking-2.svg", "verdict.html", "verdict.csv", "verdict.md",
    }  # fmt: skip
    assert first == second


def test_gallery_shows_who_gained_and_lost_with_the_right_frames(results: Path) -> None:
    study = read_study(results)
    group = next(group for group in group_results(study) if group.variant == "distractors")
    album = Album()
    exhibit = make_exhibit(study, group, group.comparisons[0], find_datasets(study)["toy"], album)
    assert exhibit.remark == ""
    assert [case.query for case in exhibit.gained] == ["q0", "q1"]
    assert [case.query for case in exhibit.lost] == ["q2"]
    first = exhibit.gained[0]
    assert first.ap_after == 1.0
    assert [place.kind for place in first.after[:5]] == ["easy", "junk", "easy", "hard", "negative"]
    assert [place.frame for place in first.after[:5]] == [
        "positive",
        "junk",
        "positive",
        "positive",
        "negative",
    ]
    assert [place.before for place in first.after[:3]] == [3, 1, IMAGES + DISTRACTORS]
    # The lost query's first places are the distractors, which no label names.
    assert {(place.kind, place.name[:4]) for place in exhibit.lost[0].after[:5]} == {("negative", "far_")}
    assert len(first.before) == len(first.after) == 10
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
    study = read_study(results)
    group = next(group for group in group_results(study) if group.variant == "distractors")
    exhibit = make_exhibit(study, group, group.comparisons[0], find_datasets(study)["toy"], Album())
    assert [(place.name, place.kind) for place in exhibit.lost[0].after if place.name == NAMES[0]] == [
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
    page = Page(write_report(results, tmp_path / "out").read_text())
    assert "The images are not at hand, so their names stand here." in page.text
    assert "image" not in {tag for tag, _ in page.elements}
    assert any(text.strip() == "far_0" for text in page.texts)
    assert "Gained most" in page.text


def test_one_damaged_image_is_named_and_counted(results: Path, tmp_path: Path) -> None:
    (results / "data" / "toy" / "database" / "db_00.jpg").write_bytes(b"no image")
    page = Page(write_report(results, tmp_path / "out").read_text())
    shown = page.attributes("aria-label")
    assert not any("db_00," in label for label in shown)
    assert any("db_01," in label for label in shown)
    assert re.search(r"[1-9]\d* of 60 pictures are missing; names stand in their place\.", page.text)


def test_without_rankings_the_figures_stand(results: Path, report: Path, tmp_path: Path) -> None:
    for path in (results / "rankings").rglob("*.npz"):
        path.unlink()
    page = write_report(results, tmp_path / "again")
    assert "their rankings are not at hand" in page.read_text()
    assert (page.parent / "map.csv").read_bytes() == (report / "map.csv").read_bytes()


def test_another_ground_truth_is_not_used_for_pictures(results: Path, tmp_path: Path) -> None:
    gnd = results / "data" / "toy" / "gnd_toy.pkl"
    gnd.write_bytes(gnd.read_bytes().replace(b"far", b"fat") + b" ")
    assert load_groundtruth(gnd).query_names == QUERY_NAMES
    page = write_report(results, tmp_path / "out")
    assert "gnd_toy.pkl is not the one that" in page.read_text()
    assert {row["query_name"] for row in read_csv(page.parent / "per_query.csv")} == {""}


def test_a_page_carries_only_so_many_pictures(results: Path, tmp_path: Path) -> None:
    folder = results / "data" / "toy" / "database"
    album = Album(budget=2000)
    pictures = [album.add(path) for path in sorted(folder.iterdir())]
    assert pictures[0] is not None
    assert pictures[-1] is None
    assert sum(len(picture.uri) for picture in album.pictures) <= 2000
    assert album.left_out == sum(picture is None for picture in pictures)
    assert album.add(sorted(folder.iterdir())[0]) is pictures[0]
    assert BUDGET <= 15_000_000


def test_thumbnails_keep_proportions_and_are_never_enlarged() -> None:
    assert thumbnail(np.zeros((300, 600, 3), np.uint8), THUMBNAIL).shape == (48, 96, 3)
    assert thumbnail(np.zeros((20, 10, 3), np.uint8), THUMBNAIL).shape == (20, 10, 3)
    boxed = thumbnail(np.full((300, 600, 3), 128, np.uint8), 100, (100, 100, 300, 200))
    changed = np.argwhere((boxed != 128).any(axis=2))
    # Two pixels of border outside the scaled box.
    assert changed.min(axis=0).tolist() == [15, 15]
    assert changed.max(axis=0).tolist() == [35, 52]
    assert (boxed[24:27, 22:45] == 128).all()


def test_by_hand_results_need_no_suite(results: Path, tmp_path: Path) -> None:
    (results / "suite.json").unlink()
    flat = tmp_path / "flat"
    flat.mkdir()
    for method in ("single-stage", "better"):
        source = results / "evaluation" / "mini" / "toy" / "distractors" / f"{method}.json"
        (flat / f"{method}.json").write_bytes(source.read_bytes())
    (flat / "unrelated.json").write_text('{"other": 1}')
    page = write_report(flat, tmp_path / "out")
    text = Page(page.read_text()).text
    assert "The results folder has no suite.json" in text
    assert "toy · mini · with 5 distractors" in text
    assert "its ground truth is not at hand" in text
    rows = read_csv(page.parent / "map.csv")
    assert [(row["dataset"], row["method"], row["method_label"]) for row in rows] == [
        ("toy", "single-stage", "single stage"),
        ("toy", "better", "better"),
    ]
    assert {path.name for path in (page.parent / "figures").iterdir()} == {
        "map-1-toy.svg",
        "change-1-toy.svg",
        "ranking-1.svg",
    }


def test_a_data_set_s_name_cannot_leave_the_folder(results: Path, tmp_path: Path) -> None:
    content = read_evaluation(results, "plain", "single-stage")
    content["record"]["dataset"] = "../../elsewhere"
    write_json(tmp_path / "flat" / "a.json", content)
    page = write_report(tmp_path / "flat", tmp_path / "deep" / "er" / "out")
    assert [path.name for path in (page.parent / "figures").iterdir()] == ["map-1-elsewhere.svg"]
    assert not list(tmp_path.glob("*elsewhere*"))


def test_unknown_numbers_of_distractors_are_said(results: Path, tmp_path: Path) -> None:
    for method, reranker, order in zip(
        ("single-stage", "better"), ("none", "superglobal"), orders(IMAGES), strict=True
    ):
        add_result(results, "plain", method, reranker, order, list(NAMES), distractors=None)
    text = Page(write_report(results, tmp_path / "out").read_text()).text
    assert "number of distractors not recorded" in text


def chart_text(path: Path) -> str:
    """Return the words of a chart, whose titles are broken into lines."""
    words = " ".join(re.findall(r"<(?:text|tspan)[^>]*>([^<]*)<", path.read_text()))
    return " ".join(words.split())


def add_numbers(root: Path, numbers: dict[str, int]) -> None:
    """Let each method's results with distractors say that they searched so many."""
    for (method, number), reranker, order in zip(
        numbers.items(), ("none", "superglobal"), orders(IMAGES + DISTRACTORS), strict=True
    ):
        ids = [*NAMES, *(f"far_{row}" for row in range(DISTRACTORS))]
        add_result(root, "distractors", method, reranker, order, ids, distractors=number)


def test_each_figure_says_its_own_number_of_distractors(results: Path, tmp_path: Path) -> None:
    other = results / "evaluation" / "other" / "toy" / "distractors"
    suite = json.loads((results / "suite.json").read_text())
    suite["descriptors"]["other"] = {"extract": {"backbone": "mini"}}
    write_json(results / "suite.json", suite)
    add_numbers(results, {"single-stage": 123_456, "better": 123_456})
    for path in (results / "evaluation" / "mini" / "toy" / "distractors").iterdir():
        write_json(other / path.name, json.loads(path.read_text()))
    add_numbers(results, {"single-stage": 999_412, "better": 999_412})
    page = write_report(results, tmp_path / "out")
    out, text = page.parent, Page(page.read_text()).text
    expected = {("mini", "0"), ("mini", "999412"), ("other", "123456")}
    for name in ("map.csv", "per_query.csv"):
        assert {(row["descriptor"], row["distractors"]) for row in read_csv(out / name)} == expected
    for name, separator in (("map.md", "|"), ("map.tex", "&")):
        lines = [
            [cell.strip() for cell in line.split(separator)] for line in (out / name).read_text().split("\n")
        ]
        rows = {
            (cells[cells.index("Toy (synthetic)") + 1], *cells)
            for cells in lines
            if "Toy (synthetic)" in cells
        }
        found = sorted((row[0], "Mini" in row, "other" in row) for row in rows)
        assert found == [
            *[("0", True, False)] * 2,
            *[("123,456", False, True)] * 2,
            *[("999,412", True, False)] * 2,
        ]
    assert "Toy (synthetic) · Mini · with 999,412 distractors" in text
    assert "Toy (synthetic) · other · with 123,456 distractors" in text
    assert "database images, 123,456 or 999,412 distractors" in text
    for chart in ("map-toy.svg", "change-toy.svg"):
        drawn = chart_text(out / "figures" / chart)
        assert "Mini, with 999,412 distractors" in drawn
        assert "other, with 123,456 distractors" in drawn
    rounded = r"1\s?M\b|million"
    assert not re.search(rounded, text)
    assert not any(re.search(rounded, (out / name).read_text()) for name in ("map.csv", "map.md", "map.tex"))


def test_results_of_one_group_with_differing_numbers_say_each_its_own(results: Path, tmp_path: Path) -> None:
    add_numbers(results, {"single-stage": 999_412, "better": 5_000})
    page = write_report(results, tmp_path / "out")
    text = Page(page.read_text()).text
    rows = [(row["method"], row["distractors"]) for row in read_csv(page.parent / "map.csv")]
    assert rows[2:] == [("single-stage", "999412"), ("better", "5000")]
    assert "Toy (synthetic) · Mini · different numbers of distractors" in text
    assert "single stage with 999,412 distractors" in text
    assert " ".join(f"{EVIL} with 5,000 distractors".split()) in text
    assert "because their numbers of distractors differ." in text
    chart = chart_text(page.parent / "figures" / "map-toy.svg")
    assert "single stage with 999,412 distractors" in chart
    assert "with 5,000 distractors" in chart


def test_provenance_says_which_distractors_were_gathered(results: Path, report: Path, tmp_path: Path) -> None:
    assert "In the archives" not in Page((report / "index.html").read_text()).text
    counts = {"listed": 1_001_001, "in_archives": 999_500, "undecodable": 61, "not_listed": 27}
    for name, step, more in (
        ("mini/revisitop1m/distractors", "gather", {"asked": None, "used": 999_412}),
        ("mini/<b>set/distractors-5000", "gather", {"listed": None, "asked": 5_000, "used": 4_711}),
        ("mini/revisitop1m/part-001", "gather", {"used": 31_337}),
        ("mini/toy/distractors", "extract", {"used": 31_337}),
    ):
        record = Stopwatch().record(step, parameters=counts | more, seed=3)
        write_json(results / "features" / name / "record.json", record.model_dump())
    page = Page(write_report(results, tmp_path / "out").read_text())
    assert (
        "Mini revisitop1m 1,001,001 999,500 61 27 all 999,412 features/mini/revisitop1m/distractors/"
        in page.text
    )
    assert (
        "Mini <b>set no list 999,500 61 27 5,000, seed 3 4,711 features/mini/<b>set/distractors-5000/"
        in page.text
    )
    assert "31,337" not in page.text
    assert (page.wrong, page.open) == ([], [])


def test_results_that_do_not_belong_together_are_not_compared(results: Path, tmp_path: Path) -> None:
    add_result(
        results,
        "plain",
        "better",
        "superglobal",
        orders(IMAGES)[1],
        list(NAMES),
        descriptor={"backbone": "other"},
    )
    study = read_study(results)
    assert {group.variant: len(group.comparisons) for group in group_results(study)} == {
        "plain": 0,
        "distractors": 1,
    }
    text = Page(write_report(results, tmp_path / "out").read_text()).text
    assert "is not compared with the single stage, because their descriptors differ." in text


def test_missing_and_foreign_results_are_named(results: Path, tmp_path: Path) -> None:
    folder = results / "evaluation" / "mini" / "toy" / "plain"
    (folder / "better.json").rename(folder / "older.json")
    text = Page(write_report(results, tmp_path / "out").read_text()).text
    assert "The suite asks for 1 more results, which are not there: mini/toy/plain/better." in text
    assert "left from an earlier run, are not shown: evaluation/mini/toy/plain/older.json." in text
    for file in (tmp_path / "out").rglob("*.*"):
        if file.suffix in (".csv", ".md", ".tex", ".svg"):
            assert "older" not in file.read_text()
    study = read_study(results)
    assert all("older" not in source for source, _ in study.records)
    # What somebody evaluated beside the suite has a name of its own, and is shown.
    (folder / "older.json").rename(results / "evaluation" / "own.json")
    assert (
        "evaluated beside it: evaluation/own.json."
        in Page(write_report(results, tmp_path / "out").read_text()).text
    )


def test_results_among_a_downloaded_set_of_distractors_are_missed_too(tmp_path: Path) -> None:
    suite = {
        "suite": "tiny",
        "title": "Tiny",
        "datasets": {"photos": {"groundtruth": "gnd.pkl", "query_images": "q", "database_images": "d"}},
        "distractor_set": "revisitop1m",
        "descriptors": {"mini": {"extract": {"backbone": "mini"}}},
        "methods": {"single-stage": {"reranker": "none"}},
    }
    parsed = parse_suite(suite, "suite")
    expected = ["mini/photos/plain/single-stage", "mini/photos/distractors/single-stage"]
    assert missing_results(Study(tmp_path, parsed, (), ())) == expected


def test_a_record_s_silence_is_not_filled_with_this_machine(results: Path, tmp_path: Path) -> None:
    for path in (results / "evaluation").rglob("*.json"):
        content = json.loads(path.read_text())
        for key in ("code", "software", "hardware"):
            del content["record"][key]
        write_json(path, content)
    study = read_study(results)
    assert all(result.record.hardware == {} and result.record.code == {} for result in study.results)
    assert "commit not recorded" in Page(write_report(results, tmp_path / "out").read_text()).text


def test_suite_labels_name_every_drawn_data_set(results: Path) -> None:
    study = read_study(results)
    assert Labels(study.suite).dataset("toy") == "Toy (synthetic)"
    assert Labels(None).dataset("toy") == "toy"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content["medium"].pop("map"), r"better\.json is damaged: medium\.map is missing"),
        (lambda content: content.pop("hard"), r"better\.json is damaged: hard is missing"),
        (lambda content: content.pop("record"), r"better\.json is damaged: record is missing"),
        (lambda content: content["easy"].update(map=56.7), r"better\.json is damaged: easy\.map is wrong"),
        (
            lambda content: content["easy"].update(map=float("nan")),
            r"better\.json is damaged: easy\.map is wrong",
        ),
        (
            lambda content: content["easy"]["average_precision"].append(0.5),
            r"better\.json is damaged: easy\.average_precision has 6",
        ),
        (
            lambda content: content["easy"]["average_precision"].__setitem__(1, "x"),
            r"easy\.average_precision\.1 is wrong",
        ),
    ],
)
def test_damaged_evaluations_are_named_with_the_key(
    results: Path, tmp_path: Path, damage: Any, message: str
) -> None:
    content = read_evaluation(results, "plain", "better")
    damage(content)
    path = results / "evaluation" / "mini" / "toy" / "plain" / "better.json"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        write_report(results, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_json_no_evaluation_no_folder(whole: Path, results: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no folder of results"):
        write_report(tmp_path / "absent", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        UserError, match=r"holds no evaluation: run the suite first, or `superglobal evaluate"
    ):
        write_report(tmp_path / "empty", tmp_path / "out")
    (results / "evaluation" / "mini" / "toy" / "plain" / "better.json").write_text("{")
    with pytest.raises(UserError, match=r"better\.json is not valid JSON"):
        write_report(results, tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_report(whole, tmp_path / "file")


def test_importing_the_report_needs_neither_torch_nor_matplotlib() -> None:
    heavy = {"torch", "matplotlib", "scipy.stats"}
    code = f"import sys, superglobal_core.reporting.report; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
