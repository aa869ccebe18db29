"""Training the mini network: it learns, repeats itself exactly and survives being cut short."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from superglobal_core.errors import UserError
from superglobal_core.networks.checkpoints import load_checkpoint, read_tensors
from superglobal_core.networks.descriptor import GlobalDescriptor
from superglobal_core.training.arcface import ArcFace
from superglobal_core.training.batches import augment, batch_of
from superglobal_core.training.folding import fold_neck, unit_length
from superglobal_core.training.mini import train_mini
from superglobal_core.training.renders import RenderPlan, render_all, training_genome
from superglobal_core.training.trainer import TRAINING_SETTINGS

# Seconds of training: five buildings, six views each.
TINY = {"epochs": 4, "buildings": 5, "views": 6, "size": 96, "batch": 10, "processes": 1}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_mini(tmp_path_factory.mktemp("mini") / "mini.safetensors", **TINY)


def description(path: Path) -> dict[str, object]:
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["superglobal"])


def test_the_checkpoint_is_small_complete_and_says_where_it_comes_from(trained: Path) -> None:
    assert trained.stat().st_size <= 3_000_000
    network = load_checkpoint(trained, "mini")
    descriptor = network([torch.rand(1, 3, 96, 96)])
    assert descriptor.norm().item() == pytest.approx(1, abs=1e-5)
    told = description(trained)
    assert told["steps"] == 12
    assert told["recipe"]["seed"] == 0
    assert {"code", "versions", "renderer"} <= set(told)
    assert not trained.with_name("mini.safetensors.work").exists()


def test_the_loss_falls(tmp_path: Path) -> None:
    work = tmp_path / "work"
    # Ended before the margin begins to grow, which would raise the loss.
    train_mini(tmp_path / "mini.safetensors", **{**TINY, "epochs": 60, "batch": 30}, work=work, stop_after=24)
    losses = torch.load(work / "checkpoint.pt", weights_only=True)["losses"]
    assert np.mean(losses[-6:]) < 0.6 * np.mean(losses[:3])


def test_the_same_seed_gives_the_same_weights_even_when_cut_short(trained: Path, tmp_path: Path) -> None:
    out, work = tmp_path / "mini.safetensors", tmp_path / "work"
    train_mini(out, **TINY, work=work, stop_after=5)
    assert not out.exists()
    train_mini(out, **TINY, work=work)
    assert description(out) == description(trained)
    once, resumed = read_tensors(trained), read_tensors(out)
    assert once.keys() == resumed.keys()
    for name, tensor in once.items():
        assert torch.equal(tensor, resumed[name]), name


def test_another_seed_gives_other_weights(trained: Path, tmp_path: Path) -> None:
    other = train_mini(tmp_path / "mini.safetensors", **{**TINY, "epochs": 1}, seed=1)
    assert not torch.equal(read_tensors(trained)["stem.conv.weight"], read_tensors(other)["stem.conv.weight"])


def test_a_work_folder_of_another_training_is_refused(tmp_path: Path) -> None:
    out, work = tmp_path / "mini.safetensors", tmp_path / "work"
    train_mini(out, **TINY, work=work, stop_after=1)
    with pytest.raises(UserError, match="another training"):
        train_mini(out, **{**TINY, "epochs": 9}, work=work)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [({"epochs": 0}, "epochs is 0"), ({"buildings": 1}, "buildings is 1"), ({"batch": 31}, "only 30 images")],
)
def test_nonsense_is_refused_in_a_sentence(tmp_path: Path, arguments: dict[str, int], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        train_mini(tmp_path / "mini.safetensors", **{**TINY, **arguments})
    with pytest.raises(UserError, match="safetensors"):
        train_mini(tmp_path / "mini.pth", **TINY)


def test_arcface_is_cross_entropy_of_the_enlarged_angle() -> None:
    torch.manual_seed(0)
    loss = ArcFace(dimension=6, classes=4, margin=0.3, scale=10.0)
    descriptors, labels = torch.randn(5, 6), torch.tensor([0, 1, 2, 3, 1])
    total = 0.0
    for descriptor, label in zip(descriptors, labels, strict=True):
        angles = [
            math.acos(float(torch.cosine_similarity(descriptor, row, dim=0))) for row in loss.weight.detach()
        ]
        logits = [10 * math.cos(a + (0.3 if i == label else 0)) for i, a in enumerate(angles)]
        total += math.log(sum(math.exp(v) for v in logits)) - logits[int(label)]
    assert float(loss(descriptors, labels).detach()) == pytest.approx(total / 5, rel=1e-4)


def test_arcface_grows_with_the_angle_to_the_very_end() -> None:
    """Only one class: what is left is the target's own logit, seen through a fixed competitor."""
    loss = ArcFace(dimension=3, classes=2, margin=0.5, scale=8.0)
    with torch.no_grad():
        loss.weight.copy_(torch.eye(3)[:2])
    # Turning in the plane of axes 0 and 2 keeps the competitor (axis 1) at a right angle.
    angles = torch.linspace(0.01, math.pi - 0.01, 60)
    turned = torch.stack([angles.cos(), torch.zeros(60), angles.sin()], dim=1)
    values = [float(loss(row[None], torch.tensor([0])).detach()) for row in turned]
    assert all(later > earlier for earlier, later in pairwise(values))


def test_batches_depend_on_the_step_alone_and_every_image_comes_once_an_epoch(tmp_path: Path) -> None:
    renders = render_all(RenderPlan(seed=0, buildings=3, views=4, size=96), tmp_path, processes=1)
    images, labels = batch_of(renders, 5, 4, seed=0)
    again, same = batch_of(renders, 5, 4, seed=0)
    assert torch.equal(images, again)
    assert torch.equal(labels, same)
    epoch = torch.cat([batch_of(renders, step, 4, seed=0)[1] for step in range(3, 6)])
    assert sorted(epoch.tolist()) == [0] * 4 + [1] * 4 + [2] * 4
    assert images.shape[1] == 3
    assert abs(float(images.mean())) < 1.5


def test_augmented_pieces_keep_the_landmark() -> None:
    picture = np.zeros((96, 128, 3), np.uint8)
    picture[40:60, 50:80] = 255
    rng = np.random.default_rng(0)
    for _ in range(40):
        piece = augment(picture, np.array([50, 40, 80, 60], np.float32), 64, rng)
        assert piece.shape == (64, 64, 3)
        assert (piece > 128).any()


def test_training_buildings_are_those_of_no_small_seed() -> None:
    assert training_genome(1_000_000, 0) != training_genome(0, 0)
    first, second = training_genome(1_000_000, 4), training_genome(1_000_000, 5)
    assert first.style == second.style
    assert first.shape_seed != second.shape_seed


@pytest.fixture
def network() -> GlobalDescriptor:
    torch.manual_seed(3)
    network = GlobalDescriptor("mini", TRAINING_SETTINGS).train()
    for _ in range(3):  # so that the running statistics are not the initial ones
        network.describe_scale(torch.randn(4, 3, 96, 96))
    return network.eval().requires_grad_(False)


def test_folding_the_neck_changes_nothing(network: GlobalDescriptor) -> None:
    images = torch.randn(6, 3, 96, 128)
    neck = torch.nn.BatchNorm1d(network.dimension, affine=False).train()
    neck(network.describe_scale(images) * 3 + 1)
    neck.eval()
    expected = neck(network.describe_scale(images))
    fold_neck(network, neck)
    torch.testing.assert_close(network.describe_scale(images), expected, rtol=1e-4, atol=1e-4)


def test_unit_length_changes_the_pooled_length_and_nothing_else(network: GlobalDescriptor) -> None:
    images = torch.randn(6, 3, 96, 128)
    expected = network.describe_scale(images)
    length = unit_length(network, [images])
    assert length != pytest.approx(1, abs=0.2)
    assert float(network.head.pool(network.backbone(images)).norm(dim=1).mean()) == pytest.approx(1, abs=1e-3)
    torch.testing.assert_close(network.describe_scale(images), expected, rtol=1e-3, atol=1e-4)
