"""CVNet-Rerank's network: the release's scores, and those of a plain implementation of its definition."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lively_correlation import lively_correlation, smooth_map
from plain_cvnet import plain_score
from torch import Tensor

from superglobal_core.data.images import read_image
from superglobal_core.errors import UserError
from superglobal_core.features.preprocessing import normalise
from superglobal_core.networks import centre_pivot
from superglobal_core.networks.centre_pivot import Pyramids
from superglobal_core.networks.checkpoints import load_checkpoint
from superglobal_core.networks.correlation import CorrelationNetwork
from superglobal_core.networks.correlation_checkpoint import load_correlation
from superglobal_core.networks.feature_maps import FeatureMaps
from superglobal_core.networks.settings import preset

GOLDEN_TOLERANCE = 1e-5
# In float64, because the scores of random weights differ from pair to pair by 1e-5 and less.
PLAIN_TOLERANCE = 1e-9
SMALLEST_DIFFERENCE = 1e-7


def double_map(seed: int, height: int, width: int) -> Tensor:
    return smooth_map(seed, height, width).double()


def scores(network: CorrelationNetwork, query: Tensor, keys: list[Tensor]) -> list[float]:
    prepared = Pyramids.stack([network.prepare(key) for key in keys])
    return network(network.prepare(query), prepared).tolist()


@pytest.mark.parametrize("backbone", ["resnet50", "resnet101"])
@torch.inference_mode()
def test_golden_scores(shared: Path, standin: Callable[[str], Path], backbone: str) -> None:
    folder, short = shared / "golden" / "network", backbone.replace("resnet", "r")
    with np.load(folder / "cvnet.npz") as archive:
        images, expected = archive["images"].tolist(), archive[f"{short}_cvnet_rerank_scores"]
        shapes, moments = archive[f"{short}_featuremap_shapes"], archive[f"{short}_featuremap0_mean_std"]
    extract = FeatureMaps(load_checkpoint(standin(backbone), backbone, preset("cvnet-global")).backbone)
    maps = [extract(normalise(torch.from_numpy(read_image(folder / name)[None]))) for name in images]
    assert [list(found.shape) for found in maps] == shapes.tolist()
    assert [float(maps[0].mean()), float(maps[0].std())] == pytest.approx(moments.tolist(), rel=1e-4)
    network = load_correlation(standin(backbone), backbone)
    assert network.trained
    prepared = [network.prepare(found[0]) for found in maps]
    found = np.array([[float(network(query, key)) for key in prepared] for query in prepared])
    assert np.abs(found - expected).max() < GOLDEN_TOLERANCE


@hypothesis_settings(max_examples=15, deadline=None)
@given(st.tuples(*[st.integers(2, 11)] * 4), st.integers(1, 3), st.integers(0, 100))
def test_scores_are_the_plain_ones(sizes: tuple[int, int, int, int], keys: int, seed: int) -> None:
    network = lively_correlation().double()
    query, *others = (double_map(seed + n, *(sizes[2:] if n else sizes[:2])) for n in range(keys + 1))
    expected = [plain_score(network.state_dict(), query, other) for other in others]
    assert scores(network, query, others) == pytest.approx(expected, abs=PLAIN_TOLERANCE)


def test_the_plain_scores_tell_pairs_apart() -> None:
    network = lively_correlation().double()
    query, *others = (double_map(seed, 7, 9) for seed in range(5))
    found = sorted(plain_score(network.state_dict(), query, other) for other in [query, *others])
    assert min(np.diff(found)) > SMALLEST_DIFFERENCE
    there = plain_score(network.state_dict(), query, others[0])
    back = plain_score(network.state_dict(), others[0], query)
    assert abs(there - back) > SMALLEST_DIFFERENCE  # else query and key could be swapped unnoticed


def test_pieces_do_not_change_the_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    network = lively_correlation().double()
    query, keys = double_map(0, 9, 6), [double_map(1, 5, 8), double_map(2, 5, 8)]
    whole = scores(network, query, keys)
    for piece in (1, 3000):
        monkeypatch.setitem(centre_pivot.PIECE, "cpu", piece)
        assert scores(network, query, keys) == pytest.approx(whole, abs=PLAIN_TOLERANCE)


def test_maps_of_one_position_and_maps_of_zeros() -> None:
    network = lively_correlation().double()
    query = double_map(0, 1, 1)
    for key in (double_map(1, 1, 6), torch.zeros(8, 3, 3).double()):
        (score,) = scores(network, query, [key])
        assert 0 < score < 1


def test_weights_are_drawn_from_the_seed_alone() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    one, same, other = (CorrelationNetwork(4, seed).state_dict() for seed in (5, 5, 6))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["conv2ds.0.weight"], other["conv2ds.0.weight"])
    assert not CorrelationNetwork(4).trained


@pytest.mark.parametrize("shape", [(8, 3), (7, 3, 3), (8, 0, 3)])
def test_maps_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="is 8 x height x width, not"):
        CorrelationNetwork(8).prepare(torch.zeros(shape))


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    """Weights for the maps of the backbone `mini`."""
    return lively_correlation(256).state_dict()


@pytest.mark.parametrize("prefix", ["", "module.", "module.reranker."])
def test_loading(tmp_path: Path, weights: dict[str, Tensor], prefix: str) -> None:
    others = {"encoder_q.stem.conv.weight": torch.zeros(2), "queue": torch.zeros(1)}
    path = tmp_path / "a.pth"
    torch.save({"model_state": others | {prefix + name: tensor for name, tensor in weights.items()}}, path)
    network = load_correlation(path, "mini")
    assert network.trained
    assert not network.training
    assert all(torch.equal(tensor, weights[name]) for name, tensor in network.state_dict().items())


WRONG: dict[str, tuple[str, Tensor | None, str]] = {
    "missing": ("cv_learner.block3.3.conv2.bias", None, "lacks 1 tensor: cv_learner.block3.3.conv2.bias"),
    "misshapen": ("cv_learner.mlp.2.bias", torch.zeros(3), "cv_learner.mlp.2.bias (3 where 2 is expected)"),
    "of another backbone": (
        "conv2ds.1.weight",
        torch.zeros(256, 8, 3, 3),
        "conv2ds.1.weight (256 x 8 x 3 x 3",
    ),
    "not finite": ("cv_learner.block1.1.bias", torch.full((16,), torch.nan), "NaN or infinite values"),
    "left over": ("conv2ds.3.weight", torch.zeros(1), "has, beyond that network, 1 tensor: conv2ds.3.weight"),
    "absent": ("conv2ds.0.weight", None, "holds no CVNet-Rerank"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_fit_is_named(tmp_path: Path, weights: dict[str, Tensor], what: str) -> None:
    name, tensor, message = WRONG[what]
    changed = {key: value for key, value in weights.items() if key != name}
    path = tmp_path / "a.pth"
    torch.save(changed if tensor is None else changed | {name: tensor}, path)
    with pytest.raises(UserError) as caught:
        load_correlation(path, "mini")
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
