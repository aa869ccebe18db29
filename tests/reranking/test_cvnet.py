"""CVNet-Rerank as a scorer of pairs: batches, precisions, what is missing, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import picture
from lively_correlation import lively_correlation, smooth_map
from plain_cvnet import plain_score

from superglobal_core.errors import UserError
from superglobal_core.networks.correlation import CorrelationNetwork
from superglobal_core.reranking import cvnet
from superglobal_core.reranking.cvnet import CVNetScorer, computing_dtype
from superglobal_core.reranking.cvnet_maps import CVNetMaps

FLOAT32_TOLERANCE = 1e-6
# Storing maps in float16 rounds them to 11 bits; these candidates' scores spread over 1e-4.
STORED_HALF_TOLERANCE = 1e-5
# Computing in bfloat16 (8 bits) or float16 rounds every layer's output.
BFLOAT16_TOLERANCE = 5e-2
FLOAT16_TOLERANCE = 1e-2

SIZES = [(6, 8), (8, 6), (6, 8), (3, 5), (6, 8), (8, 6)]


def maps(dtype: type = np.float32) -> list[dict[str, np.ndarray]]:
    sizes = [(7, 5), *SIZES]
    return [{"map": smooth_map(seed, *size).numpy().astype(dtype)} for seed, size in enumerate(sizes)]


def score_all(scorer: CVNetScorer, stored: list[dict[str, np.ndarray]]) -> np.ndarray:
    query, *candidates = (scorer.resident(features) for features in stored)
    return scorer.score(query, candidates)


@pytest.mark.parametrize("together", [1, 3000, 1 << 22])
def test_candidates_of_many_sizes_each_get_their_own_score(
    monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setitem(cvnet.TOGETHER, "cpu", together)
    network, (query, *candidates) = lively_correlation(), maps()
    expected = [
        plain_score(network.state_dict(), *(torch.from_numpy(features["map"]) for features in (query, other)))
        for other in candidates
    ]
    found = score_all(CVNetScorer(network, device="cpu"), [query, *candidates])
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, abs=FLOAT32_TOLERANCE)
    assert np.ptp(found) > 50 * FLOAT32_TOLERANCE


def test_no_candidates() -> None:
    found = score_all(CVNetScorer(lively_correlation(), device="cpu"), maps()[:1])
    assert found.shape == (0,)
    assert found.dtype == np.float32


def test_final_score() -> None:
    similarities, scores = np.array([0.5, 0.25], np.float32), np.array([0.5, 1.0], np.float32)
    network = lively_correlation()
    assert CVNetScorer(network, device="cpu").combine(similarities, scores).tolist() == [0.75, 0.75]
    other = CVNetScorer(network, device="cpu", weight=1)
    assert other.combine(similarities, scores).tolist() == [1.0, 1.25]
    assert other.parameters == {"weight": 1.0, "precision": "float32"}


def test_random_weights_are_said_and_are_the_same_each_time() -> None:
    one, two = (CVNetScorer(CorrelationNetwork(8, seed=3), device="cpu") for _ in range(2))
    assert one.missing == "weights"
    assert np.array_equal(score_all(one, maps()), score_all(two, maps()))
    network = CorrelationNetwork(8)
    network.trained = True
    assert CVNetScorer(network, device="cpu").missing is None
    assert CVNetScorer(device="cpu").network.in_channels == 1024


def test_maps_stored_in_half_precision() -> None:
    scorer = CVNetScorer(lively_correlation(), device="cpu")
    assert score_all(scorer, maps(np.float16)) == pytest.approx(
        score_all(scorer, maps()), abs=STORED_HALF_TOLERANCE
    )


def test_bfloat16() -> None:
    exact = score_all(CVNetScorer(lively_correlation(), device="cpu"), maps())
    found = score_all(CVNetScorer(lively_correlation(), device="cpu", precision="bfloat16"), maps())
    assert found == pytest.approx(exact, abs=BFLOAT16_TOLERANCE)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [("float32", 1e-3), ("float16", FLOAT16_TOLERANCE), ("bfloat16", BFLOAT16_TOLERANCE)],
)
def test_on_a_gpu(precision: str, tolerance: float) -> None:
    exact = score_all(CVNetScorer(lively_correlation(), device="cpu"), maps())
    scorer = CVNetScorer(lively_correlation(), device="cuda", precision=precision)
    assert scorer.resident(maps()[0]).points.dtype == getattr(torch, precision)
    assert score_all(scorer, maps()) == pytest.approx(exact, abs=tolerance)


def test_extraction(checkpoint: Path) -> None:
    image = picture(0, 70, 100)
    exact = CVNetMaps.load(checkpoint, "mini", device="cpu")(image)["map"]
    assert exact.shape == (256, 5, 7)
    assert exact.dtype == np.float32
    for precision, tolerance in (("float16", 1e-3), ("bfloat16", 5e-2)):
        half = CVNetMaps.load(checkpoint, "mini", device="cpu", precision=precision)(image)["map"]
        assert half.dtype == np.float16
        assert np.abs(half - exact).max() < tolerance * np.abs(exact).max()
    turned = np.ascontiguousarray(image[:, ::-1])[:, ::-1]
    assert np.array_equal(CVNetMaps.load(checkpoint, "mini", device="cpu")(turned)["map"], exact)


@pytest.mark.parametrize(
    "image", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)]
)
def test_what_is_no_image_is_refused(checkpoint: Path, image: np.ndarray) -> None:
    with pytest.raises(UserError, match="an image is height x width x 3, uint8"):
        CVNetMaps.load(checkpoint, "mini", device="cpu")(image)


def test_maps_beyond_half_precision_are_refused(checkpoint: Path) -> None:
    extractor = CVNetMaps.load(checkpoint, "mini", device="cpu", precision="float16")
    last = extractor.network.backbone.get_submodule("layer3")[-1]
    last.bn3.bias.fill_(1e6)
    with pytest.raises(UserError, match="not finite: try --precision float32"):
        extractor(picture(0, 64, 64))


def test_nonsense_is_refused() -> None:
    network = CorrelationNetwork(8)
    with pytest.raises(UserError, match="weight is nan"):
        CVNetScorer(network, device="cpu", weight=float("nan"))
    with pytest.raises(UserError, match="unknown precision 'half'"):
        CVNetScorer(network, device="cpu", precision="half")
    scorer = CVNetScorer(network, device="cpu")
    with pytest.raises(UserError, match=r"no array 'map'.*they hold points"):
        scorer.resident({"points": np.zeros(3)})
    with pytest.raises(UserError, match="8 x height x width"):
        scorer.resident({"map": np.zeros((9, 3, 3), np.float32)})
    assert computing_dtype("float16", torch.device("cuda")) == torch.float16
