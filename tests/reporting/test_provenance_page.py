"""The page of provenance: how to make it again, machines, versions, data, steps, and the graph as a picture."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from made_up_results import EVIL, Page

from superglobal_core.config import parse_suite, read_saved_suite, save_suite
from superglobal_core.files import write_json
from superglobal_core.reporting.collect import StoredRecord, Study, read_study
from superglobal_core.reporting.data_read import data_read
from superglobal_core.reporting.graph_svg import graph_svg
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.remaking import remaking
from superglobal_core.reporting.report import write_pages
from superglobal_core.reporting.step_graph import Graph, step_graph
from superglobal_core.reporting.surroundings import absent, machines, states, totals, versions
from superglobal_core.reporting.texts import ABSENT

HERE = {"cpu": "a cpu", "cores": 2, "memory_bytes": 8_000_000_000, "system": "Linux"}
OLD, NEW = "a" * 40, "b" * 40


def record(step: str, **facts: Any) -> dict[str, Any]:
    common = {"date": "2026-01-02T03:04:05+00:00", "wall_time_s": 1.0, "software": {"numpy": "2.9"}}
    return {"step": step, **common, "hardware": HERE, "code": {"commit": OLD, "dirty": False}} | facts


def stored(step: str = "search", **facts: Any) -> StoredRecord:
    return StoredRecord(**record(step, **facts))


def given(role: str, path: str, sha256: str | None = "5" * 64) -> dict[str, str | None]:
    return {"role": role, "path": path, "sha256": sha256}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Steps from images to an evaluation, and a tuning that does not list what it read."""
    root = tmp_path / "results"
    suite = {
        "suite": "tiny",
        "title": "Tiny",
        "datasets": {"toy": {"label": EVIL, "synthetic": {}}},
        "descriptors": {"mini": {"extract": {"backbone": "mini"}}},
        "methods": {"single": {"reranker": "none"}},
    }
    save_suite(parse_suite(suite, "suite"), root / "suite.json")
    data, made = "results/tiny/data/toy", "results/tiny"
    gnd = given("ground truth", f"{data}/gnd.pkl")
    (root / "data/toy").mkdir(parents=True)
    (root / "data/toy/gnd.pkl").write_bytes(b"labels")
    write_json(root / "data/toy/MANIFEST.json", {"folders": {"database": {"images": 7, "bytes": 900}}})
    for split in ("queries", "database"):
        inputs = [given("images", f"{data}/{split}", None), given("checkpoint", "weights/a.pth", "1" * 64)]
        write_json(
            root / f"features/mini/toy/{split}/record.json",
            record("extract", inputs=inputs, wall_time_s=60.0),
        )
    features = [given("database", f"{made}/features/mini/toy/database", None)]
    write_json(root / "search/mini/toy/plain/topk.record.json", record("search", inputs=[*features, gnd]))
    search = [given("search", f"{made}/search/mini/toy/plain/topk.npz")]
    write_json(root / "rankings/mini/toy/plain/single.record.json", record("rerank", inputs=search))
    ranking = given("ranking", f"{made}/rankings/mini/toy/plain/single.npz")
    figures = {"map": 0.5, "mean_precision": {}, "queries_with_positives": 1, "average_precision": [0.5]}
    last = record("evaluate", inputs=[ranking, gnd], method="none", code={"commit": NEW, "dirty": True})
    content = dict.fromkeys(("easy", "medium", "hard"), figures) | {
        "record": last | {"date": "2026-02-01T00:00:00+00:00"}
    }
    write_json(root / "evaluation/mini/toy/plain/single.json", content)
    read = f"--queries {made}/features/mini/toy/queries --groundtruth {data}/gnd.pkl"
    command = f"superglobal tune {read} --out {made}/search/x"
    write_json(root / "tuning/toy-to-toy.json", {"record": record("tune", command=command)})
    return root


def graph_of(study: Study) -> Graph:
    return step_graph(study, Labels(study.suite), [file for file in data_read(study) if file.made_by is None])


def named(graph: Graph) -> set[tuple[str, str]]:
    return {(graph.nodes[one].name, graph.nodes[other].name) for one, other in graph.edges}


def test_the_graph_is_what_the_records_say(root: Path) -> None:
    graph = graph_of(read_study(root))
    assert named(graph) == {
        ("images", "extract"),
        ("checkpoint", "extract"),
        ("extract", "search"),
        ("ground truth", "search"),
        ("search", "rerank"),
        ("rerank", "evaluate"),
        ("ground truth", "evaluate"),
        # Of its command: what it read, not what it wrote.
        ("extract", "tune"),
        ("ground truth", "tune"),
        ("evaluate", "report"),
        ("tune", "report"),
    }
    amounts = {node.name: node.amount for node in graph.nodes}
    assert amounts["extract"] == "2 files, 2 min 0 s"
    assert amounts["images"] == "2 files"


def test_a_step_of_many_descriptors_is_one_node(root: Path) -> None:
    for number in range(8):
        write_json(root / f"search/other{number}/toy/plain/topk.record.json", record("search"))
    nodes = [node for node in graph_of(read_study(root)).nodes if node.name == "search"]
    assert [(node.subjects, node.amount) for node in nodes] == [((), "9 files, 9.0 s")]


def test_the_picture_is_whole_the_same_each_time_and_escaped(root: Path) -> None:
    graph = graph_of(read_study(root))
    svg = graph_svg(graph)
    assert svg == graph_svg(graph_of(read_study(root)))
    picture = ElementTree.fromstring(svg)
    space = {"s": "http://www.w3.org/2000/svg"}
    assert len(picture.findall("s:g", space)) == len(graph.nodes)
    titles = {element.text for element in picture.findall("s:g/s:title", space)}
    assert titles == {node.sentence for node in graph.nodes}
    assert any(EVIL in (title or "") for title in titles)
    # Nothing stands outside the picture.
    width, height = (float(picture.attrib[key]) for key in ("width", "height"))
    for box in picture.findall("s:g/s:rect", space):
        x, y, wide, tall = (float(box.attrib[key]) for key in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= width
        assert 0 <= y <= y + tall <= height
    # In a page, its colours are the page's.
    assert "#" not in re.sub(r"url\(#[^)]*\)|&#\d+;", "", graph_svg(graph, inline=True))


def test_data_have_hashes_sizes_and_readers(root: Path) -> None:
    found = {file.path: file for file in data_read(read_study(root))}
    truth = found["results/tiny/data/toy/gnd.pkl"]
    assert (truth.roles, truth.states, truth.steps) == ("ground truth", (f"sha256 {'5' * 64}",), 2)
    assert (truth.size, truth.made_by) == (6, None)
    images = found["results/tiny/data/toy/database"]
    assert (images.size, images.images, images.states) == (900, 7, ())
    assert found["weights/a.pth"].size is None
    assert found["results/tiny/search/mini/toy/plain/topk.npz"].made_by == "search"
    # What came from outside stands first.
    made = [file.made_by is not None for file in found.values()]
    assert made == sorted(made)


def test_a_file_that_changed_between_steps_has_both_hashes(root: Path) -> None:
    path = root / "search/mini/toy/plain/topk.record.json"
    changed = json.loads(path.read_text())
    changed["inputs"][1]["sha256"] = "9" * 64
    path.write_text(json.dumps(changed))
    found = {file.path: file.states for file in data_read(read_study(root))}
    states = found["results/tiny/data/toy/gnd.pkl"]
    assert set(states) == {f"sha256 {'5' * 64}", f"sha256 {'9' * 64}"}


def test_machines_are_told_apart_and_a_gpu_is_the_machines() -> None:
    gpu = {"gpu": "a card", "driver": "550.1", "cuda": "12.4", "threads": 4}
    records = [stored(hardware=HERE), stored(hardware=HERE | gpu), stored(hardware={"cpu": "other"})]
    first, other = machines(records)
    assert (first.cpu, first.cores, first.memory, first.steps) == ("a cpu", "2", "8.00 GB", 2)
    assert (first.gpu, first.driver, first.threads) == ("a card", "driver 550.1, CUDA 12.4", "4")
    assert (other.cores, other.gpu, other.driver) == ("not recorded", "none used", ABSENT)


def test_every_version_and_state_of_the_code_is_counted() -> None:
    records = [
        stored(software={"numpy": "1", "torch": "2", "faiss-gpu": None}),
        stored(software={"numpy": "2", "torch": "2", "faiss-gpu": None}, code={"commit": NEW, "dirty": True}),
    ]
    assert [(each.package, each.version, each.steps) for each in versions(records)] == [
        ("numpy", "1", 1),
        ("numpy", "2", 1),
        ("torch", "2", 2),
    ]
    assert absent(records) == ["faiss-gpu"]
    found = states([*records, stored()])
    assert [(each.commit, each.steps, each.sentence) for each in found] == [
        (OLD, 2, "clean"),
        (NEW, 1, "changed since (dirty)"),
    ]


def test_totals_say_the_longest_step_first() -> None:
    records = [
        stored("search", peak_memory_bytes=5),
        stored("extract", wall_time_s=9.0),
        stored("search", wall_time_s=3.0, peak_memory_bytes=7),
    ]
    assert [(t.step, t.files, t.wall_time_s, t.longest_s, t.peak_memory_bytes) for t in totals(records)] == [
        ("extract", 1, 9.0, 9.0, None),
        ("search", 2, 4.0, 3.0, 7),
    ]


def test_without_a_suite_or_commit_nothing_is_made_up(root: Path) -> None:
    (root / "suite.json").unlink()
    found = remaking(read_study(root), states([stored(code={})]))
    assert found.commit is None
    assert found.run == ()
    assert not any("checkout" in line for line in found.setup)


def test_the_page_has_it_all_in_order(root: Path, tmp_path: Path) -> None:
    [path] = write_pages(root, tmp_path / "out", ["provenance"])
    text = path.read_text()
    page = Page(text)
    assert page.wrong == []
    assert page.only_own_scripts
    assert EVIL in page.text
    titles = ["again", "machines", "versions", "data", "steps", "graph", "records"]
    places = [text.index(f'<h3 id="{name}-title">') for name in titles]
    assert places == sorted(places)
    # The code of the latest step.
    assert f"git checkout {NEW}\n" in text
    assert "snakemake --cores all --configfile suite.json\n" in text
    assert "superglobal verify results/tiny --report reports/tiny\n" in text
    assert text.count("<table") == text.count('<div class="scroll') - 1  # the graph's
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.attributes("href") if link.startswith("#")} <= set(ids) | {"content"}
    assert set(page.attributes("data-tools")) == {
        "Data from outside",
        "Made by one step, read by another",
        "steps",
    }
    for name in page.attributes("href"):
        assert name.startswith("#") or name in {"provenance.html"} or (path.parent / name).is_file(), name
    # What the list says is what the picture says.
    listed = re.findall(r"<li><b>(.*?)</b>", text)
    assert len(listed) == sum(node.is_step for node in graph_of(read_study(root)).nodes)


def test_the_settings_beside_the_page_are_those_that_were_used(root: Path, tmp_path: Path) -> None:
    [path] = write_pages(root, tmp_path / "out", ["provenance"])
    settings = path.parent / "suite.json"
    assert read_saved_suite(settings) == read_saved_suite(root / "suite.json")
    assert (path.parent / "figures/workflow.svg").is_file()
    assert (path.parent / "figures/workflow.pdf").read_bytes().startswith(b"%PDF-")
