"""Results that were made up, with names that must be escaped, and a reader of pages."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import pickle
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from superglobal_core.config import parse_suite, save_suite
from superglobal_core.data.groundtruth import GroundTruth, Query
from superglobal_core.evaluation.protocol import evaluate
from superglobal_core.evaluation.ranks import LabelledRanks, labelled_pairs
from superglobal_core.files import sha256_of, write_json
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


def make_results(root: Path) -> Path:
    """Write a suite's whole results folder, as the workflow leaves it, and return it."""
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


class Page(HTMLParser):
    """All elements of a page with their attributes, the text, and whether the tags nest."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input", "image", "use", "path"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
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
        inside = self.open[-1] if self.open else ""
        if inside == "script":
            # What has a type is data: a page's policy is of what runs.
            if "type" not in self.elements[-1][1]:
                self.scripts.append(data)
        elif inside != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def only_own_scripts(self) -> bool:
        """Whether every script is one that the page's policy names by its hash."""
        (policy,) = (text for text in self.attributes("content") if "default-src" in text)
        hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in self.scripts]
        return bool(hashes) and all(f"'sha256-{each}'" in policy for each in hashes)

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]


def read_evaluation(root: Path, variant: str, method: str) -> dict[str, Any]:
    return json.loads((root / "evaluation" / "mini" / "toy" / variant / f"{method}.json").read_text())


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))
