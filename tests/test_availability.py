"""Which method has figures where, and which local features are shared."""

from __future__ import annotations

import pytest

from superglobal_core.availability import accuracy_missing, features_name
from superglobal_core.config import Suite, parse_suite

R50 = {"backbone": "resnet50", "download": "cvnet-r50"}


@pytest.fixture
def suite() -> Suite:
    return parse_suite(
        {
            "suite": "some",
            "title": "Some",
            "distractor_set": "revisitop1m",
            "datasets": {"oxford": {"download": "roxford5k"}},
            "descriptors": {
                "one": {"extract": R50},
                "two": {"extract": R50 | {"preset": "cvnet-global"}},
                "small": {"extract": {"backbone": "mini"}},
                "codes": {"existing": {"oxford": {"codes": "c.npz"}}},
            },
            "methods": {
                "none": {"reranker": "none"},
                "sift": {"reranker": "rootsift-magsac"},
                "xfeat": {"reranker": "xfeat-magsac"},
                "xfeat-got": {"reranker": "xfeat-magsac", "download": "xfeat"},
                "cvnet": {"reranker": "cvnet-rerank"},
                "rrt": {"reranker": "rrt"},
            },
        },
        "some.yaml",
    )


@pytest.mark.parametrize(
    ("descriptor", "size", "method", "reason"),
    [
        ("one", "plain", "none", None),
        ("one", "distractors", "none", None),
        ("one", "plain", "sift", None),
        ("one", "distractors", "sift", "the images of the distractors are not kept"),
        ("one", "plain", "xfeat", "weights missing"),
        ("one", "plain", "xfeat-got", None),
        ("one", "plain", "cvnet", None),
        ("small", "plain", "cvnet", "weights missing"),
        ("codes", "plain", "cvnet", "weights missing"),
        ("one", "plain", "rrt", "weights missing"),
    ],
)
def test_who_has_figures(suite: Suite, descriptor: str, size: str, method: str, reason: str | None) -> None:
    assert accuracy_missing(suite, descriptor, "oxford", size, method) == reason


def test_without_images_there_are_no_local_features() -> None:
    suite = parse_suite(
        {
            "suite": "codes",
            "title": "Codes",
            "datasets": {"oxford": {"groundtruth": "gnd.pkl"}},
            "descriptors": {"codes": {"existing": {"oxford": {"codes": "c.npz"}}}},
            "methods": {"sift": {"reranker": "rootsift-magsac"}},
        },
        "codes.yaml",
    )
    assert accuracy_missing(suite, "codes", "oxford", "plain", "sift") == "images missing"


def test_maps_of_one_network_are_made_once(suite: Suite) -> None:
    names = {name: features_name(suite, name, "cvnet") for name in ("one", "two", "small")}
    assert names == {"one": "cvnet-maps-one", "two": "cvnet-maps-one", "small": "cvnet-maps-small"}
    assert features_name(suite, "two", "sift") == "rootsift"
    assert features_name(suite, "two", "none") is None
