"""Checkpoints: every layout that is in use loads, everything incomplete or foreign is refused by name."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from superglobal_core.errors import UserError
from superglobal_core.networks.backbone import ARCHITECTURES, Architecture
from superglobal_core.networks.checkpoints import cvnet_name, load_checkpoint, read_tensors, save_checkpoint
from superglobal_core.networks.descriptor import GlobalDescriptor
from superglobal_core.networks.settings import preset


@pytest.fixture
def tensors(checkpoint: Path) -> dict[str, Tensor]:
    """The mini network's tensors, named as in CVNet, without a prefix, float32."""
    return {name: tensor.float() for name, tensor in read_tensors(checkpoint).items()}


def prefixed(prefix: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda tensors: {prefix + name: tensor for name, tensor in tensors.items()}


LAYOUTS: dict[str, Callable[[dict[str, Tensor]], Any]] = {
    "bare": prefixed(""),
    "encoder_q": prefixed("encoder_q."),
    "globalmodel": prefixed("globalmodel."),
    "module": prefixed("module."),
    "module and encoder_q": prefixed("module.encoder_q."),
    "model_state": lambda t: {"epoch": 3, "model_state": prefixed("encoder_q.")(t)},
    "state_dict": lambda t: {"state_dict": prefixed("module.")(t), "best": 0.5},
    "model": lambda t: {"model": prefixed("globalmodel.")(t)},
    "with the momentum encoder and a reranker": lambda t: {
        "model_state": prefixed("encoder_q.")(t)
        | prefixed("encoder_k.")(t)
        | {
            "conv2ds.0.weight": torch.zeros(2),
            "cv_learner.mlp.0.weight": torch.zeros(2),
            "queue": torch.zeros(1),
        }
    },
    "double precision": lambda t: {name: tensor.double() for name, tensor in t.items()},
    "exponent without a dimension": lambda t: t | {"head.pool.p": t["head.pool.p"].squeeze()},
    "with counters": lambda t: t | {"stem.bn.num_batches_tracked": torch.tensor(7)},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(tmp_path: Path, tensors: dict[str, Tensor], layout: str) -> None:
    path = tmp_path / "a.pth"
    torch.save(LAYOUTS[layout](tensors), path)
    network = load_checkpoint(path, "mini")
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    state = network.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(tensor.squeeze(), tensors[cvnet_name(name)].squeeze()), name


def test_safetensors(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    save_file(prefixed("encoder_q.")(tensors), tmp_path / "a.safetensors")
    assert torch.equal(
        load_checkpoint(tmp_path / "a.safetensors", "mini").head.fc.bias, tensors["head.fc.bias"]
    )


def test_round_trip(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = GlobalDescriptor("mini")
    with torch.no_grad():
        network.head.pool.p.fill_(2.25)
    for dtype in (torch.float16, torch.float32):
        save_checkpoint(tmp_path / "a.safetensors", network, {"seed": 3}, dtype)
        found = load_checkpoint(tmp_path / "a.safetensors", "mini", preset("cvnet-global"))
        assert found.settings == preset("cvnet-global")
        for name, tensor in network.state_dict().items():
            assert torch.equal(found.state_dict()[name].float(), tensor.to(dtype).float()), name
    first = (tmp_path / "a.safetensors").read_bytes()
    save_checkpoint(tmp_path / "a.safetensors", network, {"seed": 3}, torch.float32)
    assert (tmp_path / "a.safetensors").read_bytes() == first


def without(*names: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda t: {name: tensor for name, tensor in t.items() if name not in names}


WRONG: dict[str, tuple[Callable[[dict[str, Tensor]], Any], list[str]]] = {
    "one missing": (without("s2.b1.f.b.weight"), ["lacks 1 tensor: s2.b1.f.b.weight"]),
    "two missing": (
        lambda t: prefixed("encoder_q.")(without("head.fc.bias", "stem.bn.running_var")(t)),
        ["lacks 2 tensors", "encoder_q.head.fc.bias", "encoder_q.stem.bn.running_var"],
    ),
    "the exponent missing": (without("head.pool.p"), ["lacks 1 tensor: head.pool.p"]),
    "misshapen": (lambda t: t | {"head.fc.bias": torch.zeros(3)}, ["head.fc.bias (3 where 256 is expected)"]),
    "turned": (
        lambda t: t | {"head.fc.weight": t["head.fc.weight"].T.contiguous()},
        ["head.fc.weight (512 x 256 where 256 x 512 is expected)"],
    ),
    "integers": (
        lambda t: t | {"head.fc.bias": torch.zeros(256, dtype=torch.int64)},
        ["head.fc.bias (int64 256 where 256 is expected)"],
    ),
    "NaN": (
        lambda t: t | {"stem.bn.bias": t["stem.bn.bias"] * torch.nan},
        ["NaN or infinite", "stem.bn.bias"],
    ),
    "infinite": (lambda t: t | {"stem.bn.bias": t["stem.bn.bias"] + torch.inf}, ["NaN or infinite"]),
    "infinite in float32": (
        lambda t: t | {"stem.bn.bias": torch.full_like(t["stem.bn.bias"], 1e300, dtype=torch.float64)},
        ["NaN or infinite", "stem.bn.bias"],
    ),
    "one block more": (
        lambda t: t | {"s3.b3.f.a.weight": torch.zeros(1), "s3.b3.f.b.weight": torch.zeros(1)},
        ["has, beyond that network, 2 tensors", "s3.b3.f.a.weight"],
    ),
    "another network": (
        lambda t: {"conv1.weight": torch.zeros(1)},
        ["no CVNet-style checkpoint", "conv1.weight"],
    ),
    "nothing": (lambda t: {}, ["no CVNet-style checkpoint", "begins with no tensor"]),
    "a list": (lambda t: list(t.values()), ["holds a list, not a dictionary"]),
    "a tensor": (lambda t: torch.zeros(3), ["holds a Tensor, not a dictionary"]),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_fit_is_named(tmp_path: Path, tensors: dict[str, Tensor], what: str) -> None:
    change, messages = WRONG[what]
    path = tmp_path / "a.pth"
    torch.save(change(tensors), path)
    with pytest.raises(UserError) as caught:
        load_checkpoint(path, "mini")
    for message in [str(path), *messages]:
        assert message in str(caught.value)


def test_a_deeper_network_is_not_taken_for_one_it_contains(
    tmp_path: Path, tensors: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ARCHITECTURES, "deeper", Architecture(blocks=(2, 2, 5, 2), width=16, dimension=256))
    save_checkpoint(tmp_path / "deeper.safetensors", GlobalDescriptor("deeper"), {})
    with pytest.raises(
        UserError, match=r"does not fit --backbone mini: it has, beyond that network, 45 tensors: s3\.b3"
    ):
        load_checkpoint(tmp_path / "deeper.safetensors", "mini")
    torch.save(tensors, tmp_path / "mini.pth")
    with pytest.raises(UserError, match=r"does not fit --backbone deeper: it lacks 45 tensors: s3\.b3"):
        load_checkpoint(tmp_path / "mini.pth", "deeper")


def test_resnets_101_and_50_are_told_apart(standin: Callable[[str], Path]) -> None:
    with pytest.raises(
        UserError, match=r"does not fit --backbone resnet50: it has, beyond .* encoder_q\.s3\.b7"
    ):
        load_checkpoint(standin("resnet101"), "resnet50")
    with pytest.raises(UserError, match=r"does not fit --backbone resnet101: it lacks .* encoder_q\.s3\.b7"):
        load_checkpoint(standin("resnet50"), "resnet101")
    with pytest.raises(UserError, match="does not fit --backbone mini"):
        load_checkpoint(standin("resnet50"), "mini")


class Runs:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("kind", ["zip", "pickle"])
def test_code_in_a_checkpoint_is_refused_and_does_not_run(
    tmp_path: Path, tensors: dict[str, Tensor], kind: str
) -> None:
    path, trace = tmp_path / "a.pth", tmp_path / "trace"
    content = {"model_state": tensors, "extra": Runs(trace)}
    if kind == "zip":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content["extra"]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserError, match="cannot be read as a checkpoint"):
            load_checkpoint(path, "mini")
    assert not trace.exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("part", [0.0, 0.001, 0.5, 0.999])
def test_truncated_files(tmp_path: Path, tensors: dict[str, Tensor], suffix: str, part: float) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".pth":
        torch.save(tensors, path)
    else:
        save_file(tensors, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(UserError, match=r"cannot be read as a checkpoint.* download it again") as caught:
        load_checkpoint(path, "mini")
    assert "\n" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.pth", tmp_path):
        with pytest.raises(UserError, match="there is no checkpoint"):
            load_checkpoint(path, "mini")
    (tmp_path / "text.pth").write_text("hello")
    with pytest.raises(UserError, match="cannot be read as a checkpoint"):
        load_checkpoint(tmp_path / "text.pth", "mini")
