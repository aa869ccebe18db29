"""Variants extracted together are, to the byte, those extracted alone; work is shared and kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import encoded, picture, write_pictures

from superglobal_core.errors import UserError
from superglobal_core.features.store import FeatureStore
from superglobal_core.features.variant_extraction import passes
from superglobal_core.networks.backbone import Backbone
from superglobal_core.steps.extract import extract_step
from superglobal_core.steps.extract_variants import extract_variants_step, read_variants

CHANGES: dict[str, dict[str, Any]] = {
    "plain": {},
    "no-gem-plus": {"gem_plus": False},
    "p3": {"gem_plus_p": 3},
    "no-regional": {"regional_gem": False},
    "r4": {"regional_p": 4},
    "mean": {"scale_gem": False, "inner_normalisation": False},
    "relu": {"relup": "off"},
    "relu-p3": {"relup": "off", "gem_plus_p": 3, "relup_alpha": 0.5},
    "half": {"precision": "float16"},
    "8-bit": {"resize": "8-bit-image", "antialias": False},
    "rgb": {"colour": "rgb", "scales": [1.0]},
    "cvnet": {"preset": "cvnet"},
}


@pytest.fixture
def together(tmp_path: Path, checkpoint: Path) -> Callable[..., Any]:
    """Extract variants of `tmp_path`/images into `tmp_path`/together."""

    def run(changes: dict[str, Any] = CHANGES, **options: Any) -> Any:
        (tmp_path / "variants.json").write_text(json.dumps(changes))
        variants = read_variants(tmp_path / "variants.json", backbone="mini")
        given = {"backbone": "mini", "checkpoint": checkpoint, "device": "cpu", "shard_size": 3} | options
        return extract_variants_step(tmp_path / "images", tmp_path / "together", variants, **given)

    return run


def alone(folder: Path, checkpoint: Path, name: str, changes: dict[str, Any], **options: Any) -> Path:
    """Extract one variant by the step `extract`; return its folder."""
    (folder / "one.json").write_text(json.dumps({name: changes}))
    one = read_variants(folder / "one.json", backbone="mini")[name]
    extract_step(
        folder / "images",
        folder / "alone" / name,
        backbone="mini",
        settings=one.settings,
        checkpoint=checkpoint,
        reading=one.reading,
        precision=one.precision,
        device="cpu",
        shard_size=3,
        **options,
    )
    return folder / "alone" / name


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("shard-*"))}


def test_each_variant_is_what_extract_alone_makes(
    tmp_path: Path, checkpoint: Path, together: Callable[..., Any]
) -> None:
    """Unreadable images, and one that only poolings without Regional-GeM can take, included."""
    write_pictures(tmp_path / "images", ["a", "b", "c", "d"])
    (tmp_path / "images" / "e.png").write_bytes(encoded(picture(9, 80, 100)))
    (tmp_path / "images" / "f.jpg").write_text("no image")
    boxes = tmp_path / "boxes.txt"
    boxes.write_text("".join(f"{name} 1.5 0 140 100\n" for name in "abcdef"))
    done = together(boxes=boxes, on_error="skip")
    assert list(done) == list(CHANGES)
    every = []
    for name, changes in CHANGES.items():
        folder = alone(tmp_path, checkpoint, name, changes, boxes=boxes, on_error="skip")
        found = shards(tmp_path / "together" / name)
        assert len(found) == 4
        assert found == shards(folder), name
        every.append(found["shard-00000.npy"])
        both = (folder, tmp_path / "together" / name)
        records = [json.loads((path / "record.json").read_text()) for path in both]
        for key in ("step", "descriptor", "protocol"):
            assert records[0][key] == records[1][key], name
        assert records[0]["parameters"].items() <= records[1]["parameters"].items()
    assert len(set(every)) == len(CHANGES)
    # The picture of 80 px lies in the shard of those that can take it alone.
    assert "e" in FeatureStore.open(tmp_path / "together" / "no-regional").ids
    assert FeatureStore.open(tmp_path / "together" / "plain").skipped == ["e", "f"]


def test_poolings_share_the_backbone(
    tmp_path: Path, together: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "images", ["a", "b"])
    calls, forward = [], Backbone.forward
    monkeypatch.setattr(Backbone, "forward", lambda self, x: calls.append(x.shape) or forward(self, x))
    changes = {name: CHANGES[name] for name in ("plain", "no-gem-plus", "p3", "no-regional", "r4", "mean")}
    together(changes)
    assert len(calls) == 3  # once a scale
    calls.clear()
    together(changes | {"relu": CHANGES["relu"], "relu-p3": CHANGES["relu-p3"]})
    assert len(calls) == 3  # the new pass alone
    again = together(changes)
    assert len(calls) == 3
    assert {(one.found_done, one.described) for one in again.values()} == {(1, 0)}


def test_goes_on_where_it_was(tmp_path: Path, together: Callable[..., Any]) -> None:
    write_pictures(tmp_path / "images", [f"{number}" for number in range(7)])
    changes = {name: CHANGES[name] for name in ("plain", "p3", "relu")}
    together(changes)
    whole = {name: shards(tmp_path / "together" / name) for name in changes}
    (tmp_path / "together" / "plain" / "shard-00001.npy").unlink()
    (tmp_path / "together" / "p3" / "shard-00002.json").unlink()
    done = together(changes)
    assert [(one.found_done, one.described) for one in done.values()] == [(2, 3), (2, 1), (3, 0)]
    assert {name: shards(tmp_path / "together" / name) for name in changes} == whole
    with pytest.raises(
        UserError, match=r"p3.shard-00000.npy was made with other settings .*gem_plus_p: 3.0, now 4"
    ):
        together(changes | {"p3": {"gem_plus_p": 4}})


def test_unusable_images_are_named_once(tmp_path: Path, together: Callable[..., Any]) -> None:
    write_pictures(tmp_path / "images", ["a"])
    (tmp_path / "images" / "b.jpg").write_text("no image")
    with pytest.raises(UserError, match="1 of 2 images cannot be used: b cannot be decoded") as caught:
        together()
    assert str(caught.value).count("cannot be decoded") == 1
    assert not list(tmp_path.glob("together/*/*"))


def test_which_share_a_pass(tmp_path: Path) -> None:
    (tmp_path / "variants.json").write_text(json.dumps(CHANGES))
    assert passes(read_variants(tmp_path / "variants.json", backbone="mini")) == [
        ["plain", "no-gem-plus", "p3", "no-regional", "r4", "mean"],
        ["relu", "relu-p3"],
        ["half"],
        ["8-bit"],
        ["rgb"],
        ["cvnet"],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "holds no variants: a mapping of names"),
        ("{}", "holds no variants"),
        ("{", "is no valid JSON"),
        ('{"a": {}, "a": {}}', "the key 'a' is given twice"),
        ('{"a": 3}', "a is no mapping of settings"),
        ('{"../a": {}}', r"\.\./a is '\.\./a': use letters, digits"),
        ('{"a": {"backbone": "resnet50"}}', "a changes backbone, which all variants share"),
        ('{"a": {"gem_plus_p": 0.5}}', r"a\.gem_plus_p is 0\.5: input should be greater than or equal to 1"),
        ('{"a": {"gem": 1}}', r"a\.gem is no key"),
        ('{"a": {"scales": [9]}}', "a: scale 9 is outside"),
    ],
)
def test_variants_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "variants.json"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_variants(path, backbone="mini")
    assert str(caught.value).count(str(path)) == 1
    with pytest.raises(UserError, match=r"cannot read the variants .*absent"):
        read_variants(tmp_path / "absent.json", backbone="mini")
