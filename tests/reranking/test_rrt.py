"""RRT: the release's logits, and a scorer whose batches and paddings change nothing."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from superglobal_core.errors import UserError
from superglobal_core.networks.rrt import RRT, load_rrt, random_rrt
from superglobal_core.reranking import rrt as module
from superglobal_core.reranking.rrt import MOST, RRTImage, RRTScorer

GOLDEN_TOLERANCE = 1e-5
ROUNDING = 5e-6
HALF_TOLERANCE = 0.05

Features = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "golden" / "network" / "rrt.json").read_text())


@pytest.fixture(scope="module")
def checkpoint_content(shared: Path, golden: dict[str, Any]) -> dict[str, torch.Tensor]:
    path = shared / "golden" / "network" / "weights_recipe.py"
    spec = importlib.util.spec_from_file_location("weights_recipe", path)
    assert spec is not None
    assert spec.loader is not None
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    empty = {name: torch.empty(shape) for name, (_, shape) in golden["layout"].items()}
    filled: dict[str, torch.Tensor] = recipe.fill(empty)
    return filled


@pytest.fixture(scope="module")
def scorer(
    checkpoint_content: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory
) -> RRTScorer:
    path = tmp_path_factory.mktemp("rrt") / "rrt.pt"
    # As the release writes it.
    torch.save({"state": checkpoint_content, "optim": {"param_groups": []}}, path)
    return RRTScorer(path)


def golden_images(golden: dict[str, Any]) -> tuple[list[Features], list[Features]]:
    rng, n = np.random.default_rng(golden["seed"]), golden["n"]
    sides = []
    for _ in range(2):
        whole = rng.standard_normal((n, 2048), dtype=np.float32)
        local = rng.standard_normal((n, 500, 128), dtype=np.float32)
        scale = rng.integers(0, 7, (n, 500))
        length = rng.integers(50, 501, n)
        sides.append(
            [
                {"descriptors": local[i, : length[i]], "scales": scale[i, : length[i]], "global": whole[i]}
                for i in range(n)
            ]
        )
    return sides[0], sides[1]


def images(count: int, seed: int = 0, most: int = 60) -> list[Features]:
    rng = np.random.default_rng(seed)
    lengths = [0, 1, most, *rng.integers(2, most, count)][:count]
    return [
        {
            "descriptors": rng.standard_normal((n, 128)).astype(np.float32),
            "scales": rng.integers(0, 7, n),
            "global": rng.standard_normal(2048).astype(np.float32),
        }
        for n in lengths
    ]


def test_the_layout_is_the_releases(golden: dict[str, Any]) -> None:
    assert {name: list(tensor.shape) for name, tensor in RRT().state_dict().items()} == {
        name: shape for name, (_, shape) in golden["layout"].items()
    }


def test_golden_logits(scorer: RRTScorer, golden: dict[str, Any]) -> None:
    queries, keys = ([scorer.resident(image) for image in side] for side in golden_images(golden))
    for query, key, expected in zip(queries, keys, golden["logits_query_key"], strict=True):
        assert scorer.score(query, [key])[0] == pytest.approx(expected, abs=GOLDEN_TOLERANCE)
    for query, expected in zip(queries, golden["logits_query_query"], strict=True):
        assert scorer.score(query, [query])[0] == pytest.approx(expected, abs=GOLDEN_TOLERANCE)
    # In one batch, padded, with candidates of other lengths.
    together = scorer.score(queries[2], keys)
    assert together[2] == pytest.approx(golden["logits_query_key"][2], abs=GOLDEN_TOLERANCE)
    assert scorer.missing is None


def test_the_layers_are_torchs(scorer: RRTScorer) -> None:
    query, *candidates = (scorer.resident(image) for image in images(6, seed=2)[1:])
    segments = scorer.network.seg_encoder.weight
    for candidate in candidates:
        tokens = torch.cat(
            [
                segments[2:3],
                (query.whole + segments[4])[None],
                query.local + segments[0],
                segments[3:4],
                (candidate.whole + segments[5])[None],
                candidate.local + segments[1],
            ]
        )
        expected = scorer.network.classifier(scorer.network.encoder(tokens[None])[0, 0])
        assert scorer.score(query, [candidate])[0] == pytest.approx(expected.item(), abs=ROUNDING)


@pytest.mark.parametrize("at_once", [1, 150, 400, 10**6])
def test_in_batches_as_one_by_one(scorer: RRTScorer, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    query, *candidates = (scorer.resident(image) for image in images(12))
    alone = np.concatenate([scorer.score(query, [candidate]) for candidate in candidates])
    monkeypatch.setitem(module.TOKENS_AT_ONCE, "cpu", at_once)
    together = scorer.score(query, candidates)
    assert (together.dtype, together.shape) == (np.float32, (11,))
    assert np.abs(together - alone).max() < ROUNDING
    assert np.array_equal(together, scorer.score(query, candidates))
    assert np.ptp(alone) > 100 * ROUNDING


def test_padding_has_no_influence(scorer: RRTScorer) -> None:
    network = scorer.network
    query, key = (scorer.resident(image) for image in images(5, seed=1)[3:])
    expected = network(query.whole[None], query.local[None], None, key.whole[None], key.local[None], None)
    for filling in (0.0, 7.0, -1e4):
        padded, masks = [], []
        for image, more in ((query, 9), (key, 30)):
            padded.append(torch.cat([image.local, torch.full((more, 128), filling)])[None])
            masks.append((torch.arange(len(image.local) + more) >= len(image.local))[None])
        found = network(query.whole[None], padded[0], masks[0], key.whole[None], padded[1], masks[1])
        assert torch.allclose(found, expected, atol=ROUNDING, rtol=0)


def test_at_most_500_descriptors_of_an_image_are_used(scorer: RRTScorer) -> None:
    (image,) = images(4, most=700)[2:3]
    cut = image | {name: image[name][:MOST] for name in ("descriptors", "scales")}
    long, short = scorer.resident(image), scorer.resident(cut)
    assert len(long.local) == MOST
    assert torch.equal(long.local, short.local)


def test_no_candidates(scorer: RRTScorer) -> None:
    query = scorer.resident(images(2)[1])
    assert scorer.score(query, []).shape == (0,)


def test_bfloat16_is_near(scorer: RRTScorer) -> None:
    half = RRTScorer(scorer.network, precision="bfloat16")
    found = []
    for one in (scorer, half):
        query, *candidates = (one.resident(image) for image in images(8))
        found.append(one.score(query, candidates))
    assert found[1].dtype == np.float32
    assert np.abs(found[0] - found[1]).max() < HALF_TOLERANCE
    assert next(scorer.network.parameters()).dtype == torch.float32


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("precision", "tolerance"), [("float32", 1e-4), ("bfloat16", HALF_TOLERANCE), ("float16", HALF_TOLERANCE)]
)
def test_a_gpu_scores_the_same(scorer: RRTScorer, precision: str, tolerance: float) -> None:
    found = []
    for one in (scorer, RRTScorer(scorer.network, device="cuda", precision=precision)):
        query, *candidates = (one.resident(image) for image in images(30))
        found.append(one.score(query, candidates))
    assert np.abs(found[0] - found[1]).max() < tolerance


def test_untrained_weights_are_said_to_be_missing() -> None:
    one, other = RRTScorer(), RRTScorer()
    assert one.missing == "weights"
    pair = images(5)[3:]
    assert np.array_equal(
        *(scorer.score(scorer.resident(pair[0]), [scorer.resident(pair[1])]) for scorer in (one, other))
    )
    state = torch.get_rng_state()
    random_rrt()
    assert torch.equal(torch.get_rng_state(), state)


def test_stand_ins_are_said_to_be_missing(scorer: RRTScorer) -> None:
    rng = np.random.default_rng(0)
    cases: list[tuple[Features, str | None]] = [
        ({"scales": np.zeros(9, int), "global": rng.standard_normal(2048)}, None),
        ({"global": rng.standard_normal(2048)}, "scales"),
        ({"scales": np.zeros(9, np.uint8)}, "global descriptors"),
        ({"scales": np.zeros(9, int), "global": rng.random(512)}, "global descriptors of 2048 dimensions"),
    ]
    for features, missing in cases:
        fresh = RRTScorer(scorer.network, kind="any")
        image = fresh.resident({"descriptors": rng.integers(0, 255, (9, 128), dtype=np.uint8), **features})
        assert fresh.missing == missing
        assert np.isfinite(fresh.score(image, [image])).all()
        assert fresh.parameters["kind"] == fresh.kind == "any"
    wide = {"descriptors": rng.standard_normal((9, 64))}
    fresh, again = RRTScorer(scorer.network), RRTScorer(scorer.network)
    found: list[RRTImage] = [one.resident(wide) for one in (fresh, again)]
    assert fresh.missing == "descriptors of 128 dimensions, global descriptors, scales"
    assert torch.equal(found[0].local, found[1].local)
    assert fresh.kind == RRTScorer.kind == "rootsift"


WRONG: list[tuple[Features, str]] = [
    ({"keypoints": np.zeros((3, 2))}, "needs 'descriptors', but there are only keypoints"),
    ({"descriptors": np.zeros(128)}, r"local descriptors have the shape \(128,\)"),
    ({"descriptors": np.full((3, 128), np.nan)}, "NaN"),
    ({"descriptors": np.ones((3, 128)), "scales": np.zeros(3, bool)}, "scales are bool"),
    ({"descriptors": np.ones((3, 128)), "scales": np.zeros(2, int)}, r"shape \(2,\): .* each of 3"),
    ({"descriptors": np.ones((3, 128)), "scales": np.full(3, 7)}, "scales go from 7 to 7"),
    (
        {"descriptors": np.ones((3, 128)), "global": np.ones((1, 2048))},
        r"global descriptor has the shape \(1, 2048\)",
    ),
]


@pytest.mark.parametrize(("features", "message"), WRONG)
def test_wrong_features(scorer: RRTScorer, features: Features, message: str) -> None:
    with pytest.raises(UserError, match=message):
        scorer.resident(features)


def test_wrong_settings() -> None:
    with pytest.raises(UserError, match="unknown precision 'int8'"):
        RRTScorer(precision="int8")
    with pytest.raises(UserError, match="float16 is slow on a CPU"):
        RRTScorer(precision="float16")


def test_a_checkpoint_is_whole_or_refused(
    checkpoint_content: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "rrt.pt"
    name = "encoder.layers.3.linear1.weight"
    rest = {key: value for key, value in checkpoint_content.items() if key != name}
    for content, message in (
        (rest, f"lacks 1 tensor: {name}"),
        (rest | {name: torch.zeros(3, 4)}, rf"of another shape 1 tensor: {name} \(3 x 4 where 1024 x 128"),
        (rest | {name: torch.full((1024, 128), torch.inf)}, f"NaN or infinite values 1 tensor: {name}"),
        (checkpoint_content | {"more": torch.zeros(1)}, "beyond that network, 1 tensor: more"),
        ({}, "lacks"),
    ):
        torch.save({"state": content}, path)
        with pytest.raises(UserError, match=message) as caught:
            load_rrt(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="there is no checkpoint"):
        RRTScorer(tmp_path / "absent.pt")
    torch.save({"state": {f"module.{key}": value for key, value in checkpoint_content.items()}}, path)
    assert torch.equal(load_rrt(path).remap.bias, checkpoint_content["remap.bias"])
