"""The reranking transformer (RRT): one score of a pair of images from global and local descriptors."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, normalize, relu, scaled_dot_product_attention

from superglobal_core.errors import UserError, name_list
from superglobal_core.networks.checkpoints import read_tensors

GLOBAL_DIMENSION = 2048
DIMENSION = 128
SCALES = 7
HEADS, LAYERS, HIDDEN = 4, 6, 1024

# Rows of the segment encoder.
QUERY_LOCAL, KEY_LOCAL, CLASS, SEPARATOR, QUERY_GLOBAL, KEY_GLOBAL = range(6)


class RRT(nn.Module):
    """The transformer encoder over the sequence: class, query global, query locals, separator, key global,
    key locals; the class token's linear score.

    Parameters are named as in the release's checkpoints. An image enters as what `describe` makes
    of its descriptors once, whatever it is paired with. Without training the weights are random.

    Source: Tan, Yuan and Ordonez, Instance-level image retrieval using reranking transformers,
    ICCV 2021, section 3 (6 post-norm layers of 4 heads, 1024 hidden units, no position embedding).

    >>> network = random_rrt()
    >>> locals_, global_ = network.describe(torch.ones(3, 128), torch.zeros(3, dtype=torch.int64), torch.ones(2048))
    >>> network(global_[None], locals_[None], None, global_[None], locals_[None], None).shape
    torch.Size([1])
    """

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(DIMENSION, HEADS, HIDDEN, dropout=0.0, batch_first=True)
        # The layers are run one by one below: nested tensors of the module's own loop are not used.
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.remap = nn.Linear(GLOBAL_DIMENSION, DIMENSION)
        self.scale_encoder = nn.Embedding(SCALES, DIMENSION)
        self.seg_encoder = nn.Embedding(6, DIMENSION)
        self.classifier = nn.Linear(DIMENSION, 1)

    def describe(self, descriptors: Tensor, scales: Tensor, whole: Tensor) -> tuple[Tensor, Tensor]:
        """Return an image's tokens, still without their segment.

        descriptors: (n, 128), of any length; scales: int64 (n,), 0 to 6; whole: the global
        descriptor, (2048,). Returns (n, 128) and (128,).
        """
        tokens = normalize(descriptors, dim=-1) + self.scale_encoder(scales)
        return tokens, normalize(self.remap(whole), dim=-1)

    def forward(
        self,
        query_global: Tensor,
        query_local: Tensor,
        query_padding: Tensor | None,
        key_global: Tensor,
        key_local: Tensor,
        key_padding: Tensor | None,
    ) -> Tensor:
        """Return the logits (B,) of pairs described by `describe`; the higher, the more alike.

        *_global: (B, 128); *_local: (B, n, 128); *_padding: bool (B, n), true where there is no
        descriptor, None where there is one everywhere. The queries may have a batch of 1 that
        stands for all.
        """
        segments = self.seg_encoder.weight
        batch = len(key_global)
        parts = [
            segments[CLASS].expand(batch, 1, -1),
            (query_global + segments[QUERY_GLOBAL]).unsqueeze(1).expand(batch, -1, -1),
            (query_local + segments[QUERY_LOCAL]).expand(batch, -1, -1),
            segments[SEPARATOR].expand(batch, 1, -1),
            (key_global + segments[KEY_GLOBAL]).unsqueeze(1),
            key_local + segments[KEY_LOCAL],
        ]
        tokens = torch.cat(parts, dim=1)
        mask = _attended(query_padding, key_padding, batch, query_local.shape[1], key_local.shape[1])
        *others, last = cast(list[nn.TransformerEncoderLayer], list(self.encoder.layers))
        for layer in others:
            tokens = _layer(layer, tokens, tokens, mask)
        # Of the last layer only the class token is read.
        logits: Tensor = self.classifier(_layer(last, tokens[:, :1], tokens, mask)[:, 0])
        return logits.squeeze(1)


def _attended(
    query_padding: Tensor | None, key_padding: Tensor | None, batch: int, queries: int, keys: int
) -> Tensor | None:
    """Return which of all tokens are attended to, bool (B, 1, 1, L), or None for all."""
    padding = query_padding if query_padding is not None else key_padding
    if padding is None:
        return None
    attended = torch.ones(batch, 4 + queries + keys, dtype=torch.bool, device=padding.device)
    if query_padding is not None:
        attended[:, 2 : 2 + queries] = ~query_padding
    if key_padding is not None:
        attended[:, 4 + queries :] = ~key_padding
    return attended.view(batch, 1, 1, -1)


def _layer(layer: nn.TransformerEncoderLayer, tokens: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
    """Return a post-norm encoder layer's output for some tokens: (B, T, 128), (B, L, 128) -> (B, T, 128).

    What `nn.TransformerEncoderLayer` computes where the tokens are the context; measured on a CPU,
    in about half of its time without padding and a third with it.
    """
    attention = layer.self_attn
    weights, biases = attention.in_proj_weight, attention.in_proj_bias
    if tokens is context:
        query, key, value = linear(context, weights, biases).chunk(3, dim=2)
    else:
        query = linear(tokens, weights[:DIMENSION], biases[:DIMENSION])
        key, value = linear(context, weights[DIMENSION:], biases[DIMENSION:]).chunk(2, dim=2)
    attended = scaled_dot_product_attention(_heads(query), _heads(key), _heads(value), attn_mask=mask)
    tokens = layer.norm1(tokens + attention.out_proj(attended.transpose(1, 2).flatten(2)))
    return layer.norm2(tokens + layer.linear2(relu(layer.linear1(tokens))))


def _heads(rows: Tensor) -> Tensor:
    """Split rows into heads: (B, L, 128) -> (B, 4, L, 32)."""
    return rows.unflatten(2, (HEADS, -1)).transpose(1, 2)


def random_rrt(seed: int = 0) -> RRT:
    """Build an RRT of random weights, the same for the same seed, ready for inference."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = RRT()
    return network.eval().requires_grad_(False)


def load_rrt(path: str | Path) -> RRT:
    """Build an RRT and fill it from a checkpoint of the release's layout, ready for inference.

    Every tensor must be there with its shape and finite values, and none be left over.

    Raises:
        UserError: naming the tensors that are missing, of another shape, not finite or left over.
    """
    network = RRT()
    found, own = read_tensors(path), network.state_dict()
    problems = {
        "lacks": [name for name in own if name not in found],
        "has, beyond that network,": [name for name in found if name not in own],
        "has of another shape": [
            f"{name} ({_shape(found[name])} where {_shape(own[name])} is expected)"
            for name in own
            if name in found and (found[name].shape != own[name].shape or not found[name].is_floating_point())
        ],
        "has with NaN or infinite values": [
            name for name in own if name in found and not torch.isfinite(found[name]).all()
        ],
    }
    for problem, names in problems.items():
        if names:
            noun = "tensor" if len(names) == 1 else "tensors"
            raise UserError(
                f"{path} is no checkpoint of RRT: it {problem} {len(names)} {noun}: {name_list(names)}; "
                "name a checkpoint of its landmark models, or download it again"
            )
    network.load_state_dict({name: found[name].to(own[name].dtype) for name in own})
    return network.eval().requires_grad_(False)


def _shape(tensor: Tensor) -> str:
    kind = "" if tensor.is_floating_point() else f"{str(tensor.dtype).removeprefix('torch.')} "
    return kind + (" x ".join(map(str, tensor.shape)) or "a single number")
