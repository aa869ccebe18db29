"""Extraction goes on where it was, and refuses what was made in another way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from extraction_inputs import OTHER, arrays, names_in
from helpers import encoded, picture, write_pictures

from superglobal_core import files as files_module
from superglobal_core.errors import UserError
from superglobal_core.features.extraction import Extraction
from superglobal_core.features.store import FeatureStore


def test_goes_on_where_it_was(tmp_path: Path, run: Callable[..., Extraction]) -> None:
    write_pictures(tmp_path / "images", [f"{number}" for number in range(7)])
    run(tmp_path / "images", shard_size=2)
    whole = arrays(tmp_path / "out")
    (tmp_path / "out" / "shard-00001.npy").unlink()
    (tmp_path / "out" / "shard-00002.json").unlink()
    (tmp_path / "out" / "shard-00003.npy").write_bytes(whole["shard-00003.npy"][:-1] + b"?")
    (tmp_path / "out" / ".partial-abc-shard-00001.npy").touch()
    before = (tmp_path / "out" / "shard-00000.npy").stat().st_mtime_ns
    done = run(tmp_path / "images", shard_size=2)
    assert (done.found_done, done.described) == (1, 5)
    assert arrays(tmp_path / "out") == whole
    assert (tmp_path / "out" / "shard-00000.npy").stat().st_mtime_ns == before
    assert not list((tmp_path / "out").glob(".partial-*"))
    assert run(tmp_path / "images", shard_size=2).found_done == 4


def test_interrupted_at_every_write(
    tmp_path: Path, run: Callable[..., Extraction], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a run ends, what it leaves is a part of the whole, and going on completes it to the byte."""
    write_pictures(tmp_path / "images", ["a", "b", "c", "d", "e"])
    run(tmp_path / "images", shard_size=2, out=tmp_path / "whole")
    whole = arrays(tmp_path / "whole")
    writes = 2 * len(whole)
    for last in range(writes):
        out, count = tmp_path / f"after {last}", 0

        def interrupt(handle: int, last: int = last) -> None:
            nonlocal count
            if count == last:
                raise KeyboardInterrupt
            count += 1

        with monkeypatch.context() as patch:
            patch.setattr(files_module.os, "fsync", interrupt)
            with pytest.raises(KeyboardInterrupt):
                run(tmp_path / "images", shard_size=2, out=out)
        assert arrays(out).items() < whole.items()
        assert {path.with_suffix(".npy").name for path in out.glob("*.json")} >= set(arrays(out))
        if arrays(out):
            with pytest.raises(UserError, match="lacks"):
                FeatureStore.open(out)
        run(tmp_path / "images", shard_size=2, out=out)
        assert arrays(out) == whole


@pytest.mark.parametrize("what", OTHER)
def test_other_settings_are_refused_or_replace(
    tmp_path: Path, run: Callable[..., Extraction], what: str
) -> None:
    options, message = OTHER[what]
    write_pictures(tmp_path / "images", ["a", "b", "c", "d", "e"])
    run(tmp_path / "images", shard_size=2)
    before = arrays(tmp_path / "out")
    with pytest.raises(UserError, match="was made with other settings") as caught:
        run(tmp_path / "images", **({"shard_size": 2} | options))
    assert message in str(caught.value)
    assert "--replace" in str(caught.value)
    assert arrays(tmp_path / "out") == before
    run(tmp_path / "images", replace=True, **({"shard_size": 2} | options))
    assert FeatureStore.open(tmp_path / "out").ids == ["a", "b", "c", "d", "e"]
    assert run(tmp_path / "images", **({"shard_size": 2} | options)).described == 0


def test_other_images_are_refused_or_replace(tmp_path: Path, run: Callable[..., Extraction]) -> None:
    write_pictures(tmp_path / "images", ["a", "b", "c", "d", "e"])
    run(tmp_path / "images", shard_size=2)
    before = arrays(tmp_path / "out")
    (tmp_path / "images" / "a.png").write_bytes(encoded(picture(77)))
    with pytest.raises(UserError, match="the images"):
        run(tmp_path / "images", shard_size=2)
    write_pictures(tmp_path / "fewer", ["x"])
    with pytest.raises(UserError, match="was made with other settings"):
        run(tmp_path / "fewer", shard_size=2)
    assert arrays(tmp_path / "out") == before, "shards of another extraction were removed unasked"
    run(tmp_path / "fewer", shard_size=2, replace=True)
    assert names_in(tmp_path / "out") == ["shard-00000.json", "shard-00000.npy"]


def test_a_damaged_sidecar_is_refused_or_replaced(tmp_path: Path, run: Callable[..., Extraction]) -> None:
    write_pictures(tmp_path / "images", ["a"])
    run(tmp_path / "images")
    for text in ("{", "[]"):
        (tmp_path / "out" / "shard-00000.json").write_text(text)
        with pytest.raises(UserError, match="its sidecar is damaged"):
            run(tmp_path / "images")
    run(tmp_path / "images", replace=True)
    assert FeatureStore.open(tmp_path / "out").ids == ["a"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "float8"}, "unknown precision 'float8': choose from bfloat16, float16, float32"),
        ({"on_error": "ignore"}, "unknown on-error 'ignore': choose from skip, stop"),
        ({"shard_size": 0}, "shard-size is 0"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
    ],
)
def test_wrong_options(
    tmp_path: Path, run: Callable[..., Extraction], options: dict[str, Any], message: str
) -> None:
    write_pictures(tmp_path / "images", ["a"])
    with pytest.raises(UserError, match=message):
        run(tmp_path / "images", **options)
    assert not (tmp_path / "out").exists()
