"""The pooling modules on any network's feature map."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from superglobal_core.errors import UserError
from superglobal_core.networks.backbone import Backbone
from superglobal_core.networks.pooling import GeM, RegionalGeM, ReLUP, ScaleGeM

TOLERANCE = 1e-5

shapes = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(3, 9), st.integers(3, 9))


def feature_map(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, max_examples=40)
@given(shape=shapes, p=st.sampled_from([1.0, 2.7, 4.6, 20.0]), seed=st.integers(0, 99))
def test_gem_is_the_generalised_mean(shape: tuple[int, int, int, int], p: float, seed: int) -> None:
    x = feature_map(shape, seed)
    found = GeM(p)(x)
    clamped = np.maximum(x.double().numpy(), 1e-6)
    assert found.shape == shape[:2]
    assert np.allclose(found, (clamped**p).mean(axis=(2, 3)) ** (1 / p), rtol=1e-4, atol=TOLERANCE)


def test_gem_tends_to_the_mean_and_the_maximum() -> None:
    x = feature_map((2, 4, 6, 5)).abs()
    assert torch.allclose(GeM(1.0)(x), x.mean(dim=(2, 3)), atol=TOLERANCE)
    assert torch.allclose(GeM(500.0)(x.double()), x.double().amax(dim=(2, 3)), rtol=0.01)


def test_a_learnable_exponent_gets_a_gradient() -> None:
    pool = GeM(3.0, learnable=True)
    assert [name for name, _ in pool.named_parameters()] == ["p"]
    x = feature_map((2, 4, 5, 5)).requires_grad_()
    pool(x).sum().backward()
    assert pool.p.grad is not None
    assert float(pool.p.grad) != 0
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert list(GeM(3.0).parameters()) == []
    assert GeM(3.0).state_dict() == {}


def naive_regional(x: Tensor, p: float, window: int) -> Tensor:
    margin = window // 2
    padded = np.pad(x.double().numpy(), ((0, 0), (0, 0), (margin, margin), (margin, margin)), mode="reflect")
    out = np.empty(x.shape)
    for row in range(x.shape[2]):
        for column in range(x.shape[3]):
            around = np.maximum(padded[:, :, row : row + window, column : column + window], 1e-6)
            out[:, :, row, column] = (around**p).mean(axis=(2, 3)) ** (1 / p)
    return torch.from_numpy(0.5 * out + 0.5 * x.double().numpy()).float()


@settings(deadline=None, max_examples=25)
@given(shape=shapes, seed=st.integers(0, 99))
def test_regional_gem_position_by_position(shape: tuple[int, int, int, int], seed: int) -> None:
    x = feature_map(shape, seed)
    assert torch.allclose(RegionalGeM()(x), naive_regional(x, 2.5, 5), atol=TOLERANCE)
    assert torch.allclose(RegionalGeM(p=3.0, window=3)(x), naive_regional(x, 3.0, 3), atol=TOLERANCE)


def test_maps_that_do_not_fit() -> None:
    for module, x, message in (
        (GeM(), torch.zeros(3, 4, 5), r"not a shape \(3, 4, 5\)"),
        (GeM(), torch.zeros(1, 4, 0, 5), "0 x 5, smaller than 1 x 1"),
        (RegionalGeM(), torch.zeros(1, 4, 2, 5), "2 x 5, smaller than 3 x 3"),
        (RegionalGeM(window=7), torch.zeros(1, 4, 5, 3), "5 x 3, smaller than 4 x 4"),
        (ScaleGeM(), torch.zeros(4), "Scale-GeM wants scales"),
        (ScaleGeM(), torch.zeros(0, 4), "Scale-GeM wants scales"),
    ):
        with pytest.raises(UserError, match=message):
            module(x)


@pytest.mark.parametrize("p", [0.0, -1.0, math.nan])
def test_wrong_exponents(p: float) -> None:
    for make in (GeM, RegionalGeM, ScaleGeM):
        with pytest.raises(UserError, match="exponent p is"):
            make(p)
    with pytest.raises(UserError, match="exponent p is"):
        GeM(math.inf)
    for window in (0, 4):
        with pytest.raises(UserError, match="window is"):
            RegionalGeM(window=window)


def test_scale_gem_is_the_maximum_of_unit_vectors() -> None:
    stack = feature_map((3, 5, 8))
    assert torch.allclose(ScaleGeM()(stack), F.normalize(stack, dim=-1).amax(dim=0))
    scaled = stack * torch.tensor([1.0, 7.0, 0.1]).view(3, 1, 1)
    assert torch.allclose(ScaleGeM()(stack), ScaleGeM()(scaled), atol=TOLERANCE)


def test_a_growing_exponent_tends_to_the_maximum() -> None:
    stack = F.normalize(feature_map((3, 5, 8)).double(), dim=-1)
    limit = ScaleGeM()(stack)
    errors = [float((ScaleGeM(p)(stack) - limit).abs().max()) for p in (4.0, 40.0, 400.0)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 5e-3
    assert torch.allclose(ScaleGeM(1.0)(stack), stack.mean(dim=0), atol=1e-12)


def test_a_finite_exponent_keeps_images_apart() -> None:
    stack = feature_map((3, 5, 8))
    together = ScaleGeM(3.0)(stack)
    for image in range(5):
        assert torch.allclose(ScaleGeM(3.0)(stack[:, image]), together[image], atol=TOLERANCE)
        floor = stack[:, image].min()
        expected = ((stack[:, image] - floor).double() ** 3).mean(dim=0) ** (1 / 3) + floor.double()
        assert torch.allclose(together[image].double(), expected, atol=TOLERANCE)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dtypes_are_kept(dtype: torch.dtype) -> None:
    x = feature_map((2, 4, 5, 6)).to(dtype)
    assert GeM(4.6, eps=1e-8)(x).dtype == dtype
    assert RegionalGeM()(x).dtype == dtype
    assert ScaleGeM()(x.flatten(2)).dtype == dtype
    assert ReLUP()(x).dtype == dtype


def test_relup_raises_the_floor() -> None:
    x = feature_map((50,))
    assert torch.equal(ReLUP(0.2)(x), torch.maximum(x, torch.tensor(0.2)))


def test_where_relup_takes_relus_place() -> None:
    def kinds(mode: str) -> list[tuple[str, str]]:
        network = Backbone("resnet50", mode)  # type: ignore[arg-type]
        assert isinstance(network.relu, torch.nn.ReLU)
        blocks = [list(network.get_submodule(f"layer{stage}")) for stage in (1, 2, 3, 4)]
        assert [len(stage) for stage in blocks] == [3, 4, 6, 3]
        each = [{(type(b.inner).__name__, type(b.outer).__name__) for b in stage} for stage in blocks]
        assert all(len(kind) == 1 for kind in each)
        return [kind.pop() for kind in each]

    plain = ("ReLU", "ReLU")
    assert kinds("on") == [("ReLUP", "ReLUP"), ("ReLU", "ReLUP"), ("ReLU", "ReLUP"), plain]
    assert kinds("official-off") == [("ReLUP", "ReLU"), plain, plain, plain]
    assert kinds("off") == [plain] * 4


def test_the_backbone_is_torchvisions() -> None:
    from torchvision.models import resnet50

    theirs = resnet50().eval()
    ours = Backbone("resnet50").eval()
    missing, unexpected = ours.load_state_dict(theirs.state_dict(), strict=False)
    assert missing == []
    assert unexpected == ["fc.weight", "fc.bias"]
    x = feature_map((1, 3, 96, 64))
    with torch.inference_mode():
        pooled = ours(x).mean(dim=(2, 3))
        assert torch.allclose(theirs.fc(pooled), theirs(x), atol=1e-4)
