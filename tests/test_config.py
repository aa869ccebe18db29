"""Suites: what they may say, and that manual, schema and shipped suites follow the model."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from superglobal_core.config import load_suite, parse_suite, read_saved_suite, save_suite, schema
from superglobal_core.config_manual import MANUAL_PATH, SCHEMA_PATH, manual_text, schema_text, write_all
from superglobal_core.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
SUITES = sorted((ROOT / "config").glob("*.yaml"))

GOOD: dict[str, Any] = {
    "suite": "mine",
    "title": "Mine",
    "datasets": {
        "drawn": {"synthetic": {"seed": 3}},
        "oxford": {"groundtruth": "gnd.pkl", "query_images": "q", "database_images": "db"},
    },
    "descriptors": {
        "mini": {"extract": {"backbone": "mini"}},
        "codes": {
            "existing": {
                "drawn": {"queries": "q", "database": "db"},
                "oxford": {"codes": "codes.npz", "bits": 500},
            }
        },
    },
    "methods": {"none": {"reranker": "none"}, "sg": {"reranker": "superglobal", "shortlist": 100}},
}


def test_there_are_suites_and_the_default_is_among_them() -> None:
    assert "mini" in [path.stem for path in SUITES]


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_shipped_suites_are_valid(path: Path) -> None:
    suite = load_suite(path)
    assert suite.suite == path.stem
    jsonschema.validate(yaml.safe_load(path.read_text()), schema())


def test_manual_and_schema_are_the_models(tmp_path: Path) -> None:
    advice = "run python -m superglobal_core.config_manual"
    assert (ROOT / MANUAL_PATH).read_text(encoding="utf-8") == manual_text(), advice
    assert (ROOT / SCHEMA_PATH).read_text(encoding="utf-8") == schema_text(), advice
    write_all(tmp_path)
    assert (tmp_path / MANUAL_PATH).read_text(encoding="utf-8") == manual_text()
    assert json.loads((tmp_path / SCHEMA_PATH).read_text()) == schema()


def test_the_manual_names_every_key() -> None:
    manual = manual_text()
    for part in [schema(), *schema()["$defs"].values()]:
        for key, field in part["properties"].items():
            assert f"| `{key}` |" in manual
            assert field.get("description") or key in manual
    assert "| any |" not in manual


def test_a_good_suite_and_its_defaults(tmp_path: Path) -> None:
    suite = parse_suite(GOOD, "mine.yaml")
    assert suite.places == 400
    assert suite.datasets["drawn"].synthetic is not None
    assert suite.datasets["drawn"].synthetic.size == 256
    assert suite.methods["sg"].beta is None
    save_suite(suite, tmp_path / "suite.json")
    assert read_saved_suite(tmp_path / "suite.json") == suite
    jsonschema.validate(GOOD, schema())


def test_parameters_of_any_method_keep_their_kinds(tmp_path: Path) -> None:
    given = {"k1": 30, "lambda_value": 0.5}
    content = changed("methods.kr", {"reranker": "k-reciprocal", "parameters": given})
    jsonschema.validate(content, schema())
    suite = parse_suite(content, "mine.yaml")
    save_suite(suite, tmp_path / "suite.json")
    for found in (suite, read_saved_suite(tmp_path / "suite.json")):
        assert found.methods["kr"].parameters == given
        assert isinstance(found.methods["kr"].parameters["k1"], int)


def test_a_suite_is_checked_without_loading_torch() -> None:
    program = "import sys, superglobal_core.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good suite with one key set (`a.b.c`), or removed where the value is Ellipsis."""
    content = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    at = content
    for key in parents:
        at = at[key]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return content


WRONG: list[tuple[str, Any, list[str]]] = [
    ("title", ..., ["title is missing: add it"]),
    ("datasets", ..., ["datasets: at least 1 item"]),
    ("datasets", {}, ["datasets: at least 1 item"]),
    ("colour", "red", ["colour is no key of a suite: remove it or correct its spelling"]),
    ("datasets.drawn.synthetic.sead", 3, ["datasets.drawn.synthetic.sead is no key of a suite"]),
    ("suite", "../up", ["suite is '../up': use letters, digits"]),
    ("suite", 7, ["suite is 7: "]),
    ("places", 0, ["places is 0: ", "greater than or equal to 1"]),
    ("methods.none.shortlist", 500, ["places is 400, fewer than the longest shortlist (500)"]),
    ("bootstrap", "many", ["bootstrap is 'many': ", "integer"]),
    ("methods.sg.reranker", "superglobl", ["methods.sg.reranker is 'superglobl'", "'none', 'rootsift-asmk'"]),
    ("methods.sg.shortlist", 0, ["methods.sg.shortlist is 0"]),
    ("methods.sg.beta", -1, ["methods.sg.beta is -1"]),
    ("methods.none.beta", 0.1, ["methods.none: 'none' has no neighbours and no beta"]),
    (
        "methods.sg.parameters",
        {"gamma": 3},
        ["'superglobal' has no parameter 'gamma': it has neighbours, beta"],
    ),
    ("methods.none.parameters", {"gamma": 3}, ["'none' has no parameter 'gamma': it has none"]),
    ("methods.sg.parameters", {"shortlist": 9}, ["'shortlist' has a key of its own"]),
    ("methods.sg.parameters", {"beta": [1]}, ["methods.sg.parameters.beta"]),
    ("methods.none", {"reranker": "alpha-qe", "beta": 1}, ["'alpha-qe' has no beta: leave it out"]),
    ("methods.a b", {"reranker": "none"}, ["methods.a b", "use letters, digits"]),
    ("datasets.drawn.synthetic.size", 10, ["datasets.drawn.synthetic.size is 10", "128"]),
    (
        "datasets.drawn.groundtruth",
        "gnd.pkl",
        ["datasets.drawn: give one of 'synthetic', 'download' and 'groundtruth'"],
    ),
    ("datasets.drawn.query_images", "q", ["datasets.drawn: a synthetic data set draws its images"]),
    (
        "datasets.oxford.groundtruth",
        ...,
        ["datasets.oxford: give one of 'synthetic', 'download' and 'groundtruth'"],
    ),
    (
        "datasets.oxford.database_images",
        ...,
        ["datasets.oxford has no image folders, which descriptors.mini needs"],
    ),
    (
        "descriptors.mini.extract.backbone",
        "vgg",
        ["descriptors.mini.extract.backbone is 'vgg'", "'resnet50'"],
    ),
    ("descriptors.mini.extract.scales", [], ["descriptors.mini.extract.scales"]),
    (
        "descriptors.mini.extract.gem_plus_p",
        0.5,
        ["gem_plus_p is 0.5: input should be greater than or equal to 1"],
    ),
    ("descriptors.mini.extract.regional_p", float("inf"), ["regional_p is inf: input should be"]),
    (
        "descriptors.mini.extract.relup_alpha",
        -1,
        ["relup_alpha is -1: input should be greater than or equal"],
    ),
    ("descriptors.mini.existing", {}, ["descriptors.mini: give either 'extract' or 'existing'"]),
    ("descriptors.codes.existing.oxford", ..., ["descriptors.codes.existing lacks the data set 'oxford'"]),
    (
        "descriptors.codes.existing.paris",
        {"codes": "c.npz"},
        ["descriptors.codes.existing names the data set 'paris', which is not in datasets"],
    ),
    (
        "descriptors.codes.existing.drawn.database",
        ...,
        ["give either 'codes', or both 'queries' and 'database'"],
    ),
    ("descriptors.codes.existing.drawn.bits", 5, ["'bits' belongs to 'codes'"]),
    (
        "descriptors.codes.existing.oxford.queries",
        "q",
        ["give either 'codes', or both 'queries' and 'database'"],
    ),
]


SCALED: dict[str, Any] = {"suite": "grown", "title": "Grown", "scale": {"sizes": [1000, 3000]}}


def test_a_suite_of_scale_alone(tmp_path: Path) -> None:
    jsonschema.validate(SCALED, schema())
    suite = parse_suite(SCALED, "grown.yaml")
    assert suite.scale is not None
    assert suite.scale.parts() == [(0, 1000), (1000, 3000)]
    assert suite.scale.world().within == 1000
    save_suite(suite, tmp_path / "suite.json")
    assert read_saved_suite(tmp_path / "suite.json") == suite
    assert parse_suite({**GOOD, "scale": {}}, "mine.yaml").scale is not None


@pytest.mark.parametrize(
    ("scale", "sizes"),
    [
        ({}, []),
        ({"approximate": {}}, [100_000]),
        ({"sizes": [10_000, 99_999, 100_001], "approximate": {}}, [99_999]),
        ({"sizes": [200_000, 300_000], "approximate": {}}, [200_000]),
        ({"approximate": {"sizes": [300_000, 10_000]}}, [10_000, 300_000]),
    ],
)
def test_sizes_with_approximate_indexes(scale: dict[str, Any], sizes: list[int]) -> None:
    found = parse_suite({**SCALED, "scale": scale}, "grown.yaml").scale
    assert found is not None
    assert found.indexed_sizes() == sizes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": {"sizes": [3000, 1000]}}, "scale: sizes are 3000, 1000: give them in ascending order"),
        ({"scale": {"sizes": [100]}}, "scale: 14 landmarks have 840 images, more than the first 100 rows"),
        ({"scale": {"k": 10}}, "scale: shortlist is 400, more than the 10 places"),
        ({"datasets": GOOD["datasets"]}, "datasets, descriptors and methods belong together"),
        (
            {"approximate": {}},
            "approximate compares indexes on datasets: give some, or use scale.approximate",
        ),
        (
            {"scale": {"approximate": {"sizes": [10_000, 77]}}},
            "scale: approximate.sizes names 77, which is not in sizes",
        ),
        (
            {"scale": {"approximate": {"kinds": ["ivfpq:nlist=50000"]}}},
            "scale: nlist is 50000: it needs 50000 rows to train on, and there are 32768",
        ),
        ({"scale": {"approximate": {"k": 100}}}, "scale.approximate"),
    ],
)
def test_mistakes_of_scale_are_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_suite(SCALED | changes, "grown.yaml")
    assert message in str(caught.value)
    assert "at least 1 item" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "messages"), WRONG, ids=[f"{path} = {value}" for path, value, _ in WRONG]
)
def test_mistakes_are_told_in_a_sentence(path: str, value: Any, messages: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        parse_suite(changed(path, value), "mine.yaml")
    text = str(caught.value)
    assert text.startswith("mine.yaml: ")
    assert "\n" not in text
    assert "pydantic" not in text
    assert "Value error" not in text
    for message in messages:
        assert message in text


def test_every_mistake_is_told_at_once() -> None:
    content = changed("places", 0) | {"colour": "red", "bootstrap": -1}
    with pytest.raises(UserError) as caught:
        parse_suite(content, "mine.yaml")
    for key in ("places is 0", "colour is no key", "bootstrap is -1"):
        assert key in str(caught.value)


def test_files_that_are_no_suite(tmp_path: Path) -> None:
    for name, text, message in (
        ("list.yaml", "- a\n- b\n", "holds no suite"),
        ("empty.yaml", "", "holds no suite"),
        ("broken.yaml", "a: [1\n", "is no valid YAML"),
        ("code.yaml", "!!python/object/apply:os.system ['echo']\n", "is no valid YAML"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(UserError, match=message) as caught:
            load_suite(tmp_path / name)
        assert name in str(caught.value)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x80")
    for name in ("bytes.yaml", "absent.yaml"):
        with pytest.raises(UserError, match=name):
            load_suite(tmp_path / name)
