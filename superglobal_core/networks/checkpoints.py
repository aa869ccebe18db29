"""Checkpoints in CVNet's or torchvision's layout: converted by name, complete or refused, never unpickled."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from superglobal_core.errors import UserError, name_list
from superglobal_core.files import atomic_write
from superglobal_core.networks.backbone import architecture
from superglobal_core.networks.descriptor import GlobalDescriptor
from superglobal_core.networks.settings import DescriptorSettings

# Where a CVNet-style checkpoint keeps the global network: the query encoder of the training, or
# the name that later projects gave it, or no prefix at all.
PREFIXES = ("encoder_q.", "globalmodel.", "")
WRAPPERS = ("model_state", "state_dict", "model", "state")

_BLOCK_PARTS = {
    "conv1": "f.a",
    "bn1": "f.a_bn",
    "conv2": "f.b",
    "bn2": "f.b_bn",
    "conv3": "f.c",
    "bn3": "f.c_bn",
}
_SHORTCUT_PARTS = {"0": "proj", "1": "bn"}


def cvnet_name(name: str) -> str:
    """Translate a parameter's name from ours (torchvision's) to CVNet's.

    >>> cvnet_name("backbone.layer2.0.downsample.0.weight")
    's2.b1.proj.weight'
    >>> cvnet_name("head.fc.bias")
    'head.fc.bias'
    """
    name = name.removeprefix("backbone.")
    if match := re.fullmatch(r"layer(\d)\.(\d+)\.downsample\.(\d)\.(\w+)", name):
        stage, block, part, leaf = match.groups()
        return f"s{stage}.b{int(block) + 1}.{_SHORTCUT_PARTS[part]}.{leaf}"
    if match := re.fullmatch(r"layer(\d)\.(\d+)\.(\w+)\.(\w+)", name):
        stage, block, part, leaf = match.groups()
        return f"s{stage}.b{int(block) + 1}.{_BLOCK_PARTS[part]}.{leaf}"
    if match := re.fullmatch(r"(conv|bn)1\.(\w+)", name):
        return f"stem.{match[1]}.{match[2]}"
    return name


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Read a checkpoint's tensors by name, without executing anything it holds.

    `.safetensors` files and PyTorch's own (weights only) are read; a dictionary under
    `model_state`, `state_dict`, `model` or `state` is unwrapped, a leading `module.` dropped.

    Raises:
        UserError: when the file is absent, damaged, no checkpoint, or holds Python objects.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no checkpoint {path}: correct the path or download it first")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content: object = load_file(path)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what matters of them comes as an error
                content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Readers of damaged files raise nearly anything; each means the same to the user.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"{path} cannot be read as a checkpoint: it must be a whole .safetensors file or a PyTorch file "
            f"of tensors alone; download it again or re-save it ({reason[:160]})"
        ) from error
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    if not isinstance(content, Mapping):
        raise UserError(f"{path} holds a {type(content).__name__}, not a dictionary of named tensors")
    return {
        str(name).removeprefix("module."): value
        for name, value in content.items()
        if isinstance(value, Tensor)
    }


def load_checkpoint(
    path: str | Path, backbone: str, settings: DescriptorSettings | None = None
) -> GlobalDescriptor:
    """Build a global descriptor network and fill it from a checkpoint, ready for inference.

    Every tensor of the network must be there with its shape and finite values, and the
    checkpoint's network must have no layer that ours lacks (a ResNet-101 is refused as a
    ResNet-50, which it contains). Of torchvision's files the classifier is left out, and the first
    convolution's inputs are turned round: the network then takes BGR as every other does.

    Raises:
        UserError: naming the tensors that are missing, of another shape, not finite or left over.
    """
    network = GlobalDescriptor(backbone, settings)
    found = read_tensors(path)
    if architecture(backbone).layout == "torchvision":
        _fill_from_torchvision(network, found, path, backbone)
    else:
        _fill_from_cvnet(network, found, path, backbone)
    return network.eval().requires_grad_(False)


def _fill_from_torchvision(
    network: GlobalDescriptor, found: dict[str, Tensor], path: str | Path, backbone: str
) -> None:
    stem = found.get("conv1.weight")
    if stem is None:
        raise UserError(
            f"{path} is no checkpoint of torchvision's ResNet: no tensor 'conv1.weight' "
            f"(it begins with {name_list(sorted(found), 3) or 'no tensor'}); name its network with --backbone"
        )
    if stem.dim() == 4:
        # Trained on RGB, and everything here reads BGR: the order of the inputs is the weights' second axis.
        found = found | {"conv1.weight": stem.flip(1)}
    names = {name: name.removeprefix("backbone.") for name in network.state_dict()}
    fill_network(network, names, found, re.compile(r"(conv1|bn1|layer\d)\."), path, backbone)


def _fill_from_cvnet(
    network: GlobalDescriptor, found: dict[str, Tensor], path: str | Path, backbone: str
) -> None:
    prefix = next((p for p in PREFIXES if p + "stem.conv.weight" in found), None)
    if prefix is None:
        raise UserError(
            f"{path} is no CVNet-style checkpoint: no tensor 'stem.conv.weight', with or without the prefixes "
            f"{name_list(p for p in PREFIXES if p)} (it begins with {name_list(sorted(found), 3) or 'no tensor'})"
        )
    # Other networks of the same file (the momentum encoder, CVNet-Rerank) are none of our business.
    own = re.compile(re.escape(prefix) + r"(stem|s\d|head)\.")
    names = {name: prefix + cvnet_name(name) for name in network.state_dict()}
    fill_network(network, names, found, own, path, backbone)


def fill_network(
    network: nn.Module,
    names: Mapping[str, str],
    found: Mapping[str, Tensor],
    own: re.Pattern[str],
    path: str | Path,
    backbone: str,
) -> None:
    """Fill a network from a checkpoint's tensors, completely or not at all.

    names: the checkpoint's name of each of the network's tensors. own: what the names of this
    network's tensors in the checkpoint begin with; one that the network lacks is refused.

    Raises:
        UserError: naming the tensors that are missing, of another shape, not finite or left over.
    """
    wanted = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    expected = {names[name] for name in wanted}
    missing = [names[name] for name in wanted if names[name] not in found]
    _refuse_if_any(path, backbone, "lacks", missing)
    left_over = [
        name
        for name in found
        if own.match(name) and name not in expected and not name.endswith("num_batches_tracked")
    ]
    _refuse_if_any(path, backbone, "has, beyond that network,", left_over)
    state, misshapen, damaged = {}, [], []
    for name, ours in wanted.items():
        theirs = found[names[name]]
        if theirs.shape != ours.shape and theirs.numel() == ours.numel() == 1:
            theirs = theirs.reshape(ours.shape)
        if theirs.shape != ours.shape or not theirs.is_floating_point():
            misshapen.append(f"{names[name]} ({_describe(theirs)} where {_describe(ours)} is expected)")
        elif not torch.isfinite(theirs.to(ours.dtype)).all():
            damaged.append(names[name])
        else:
            state[name] = theirs.to(ours.dtype)
    _refuse_if_any(path, backbone, "has of another shape", misshapen)
    _refuse_if_any(path, backbone, "has with NaN or infinite values", damaged)
    network.load_state_dict(state, strict=False)


def save_checkpoint(
    path: str | Path,
    network: GlobalDescriptor,
    metadata: Mapping[str, object],
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write a network's weights as safetensors in CVNet's layout, whole or not at all.

    The metadata (plain values) is kept beside the tensors as JSON under the key `superglobal`.
    """
    from safetensors.torch import save

    tensors = {
        cvnet_name(name): tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    with atomic_write(path) as stream:
        stream.write(save(tensors, metadata={"superglobal": json.dumps(dict(metadata), sort_keys=True)}))


def _describe(tensor: Tensor) -> str:
    kind = "" if tensor.is_floating_point() else f"{str(tensor.dtype).removeprefix('torch.')} "
    return kind + (" x ".join(map(str, tensor.shape)) or "a single number")


def _refuse_if_any(path: str | Path, backbone: str, problem: str, names: list[str]) -> None:
    if names:
        noun = "tensor" if len(names) == 1 else "tensors"
        raise UserError(
            f"{path} does not fit --backbone {backbone}: it {problem} {len(names)} {noun}: {name_list(names)}; "
            "name the backbone the checkpoint was trained with, or download it again"
        )
