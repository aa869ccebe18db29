"""The examples of docs/quickstart.md work on a small folder, and what it says is the code's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from helpers import Run, encoded, picture

from superglobal_core.data.images import SUFFIXES
from superglobal_core.data.photo_folder import UNREAD
from superglobal_core.networks.settings import DescriptorSettings
from superglobal_core.steps import quickstart_features, quickstart_neighbours, quickstart_photos
from superglobal_core.steps.quickstart_network import ENTRIES, choose_network

PAGE = (Path(__file__).parents[1] / "docs" / "quickstart.md").read_text()
TEXT = " ".join(PAGE.split())


def test_the_examples_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "my photos").mkdir()
    for seed in range(3):
        (tmp_path / "my photos" / f"{seed}.jpg").write_bytes(encoded(picture(seed), ".jpg"))
    lines = [
        line for block in re.findall(r"^```\n(.*?)^```", PAGE, re.M | re.S) for line in block.splitlines()
    ]
    assert len(lines) == 2
    for line in lines:
        done = run(*shlex.split(line)[1:])
        assert done.code == 0, done.err
    assert "`quickstart-my photos/index.html`" in TEXT
    assert (tmp_path / "quickstart-my photos" / "index.html").is_file()
    written = {path.name for path in (tmp_path / "neighbours").iterdir() if not path.name.startswith(".")}
    table = PAGE[PAGE.index("| file |") :]
    assert written == {name.rstrip("/") for name in re.findall(r"^\| `([\w./]+)` \|", table, re.M)}


def test_its_table_of_networks_is_the_codes_order(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| [^|]* \| (?:`data/checkpoints/([^`]+)`)?", PAGE, re.M)[1:]
    assert [name for name, _ in rows] == [*ENTRIES, "mini"]
    for name, file in rows[:-1]:
        weights = tmp_path / "checkpoints" / file
        weights.parent.mkdir(exist_ok=True)
        weights.touch()
        assert choose_network(name, root=tmp_path).checkpoint == weights


def test_its_figures_are_the_codes() -> None:
    assert quickstart_neighbours.PLACES == 10
    assert f"what SuperGlobal makes of the first {quickstart_neighbours.SHORTLIST}." in TEXT
    assert f"larger than {quickstart_photos.DESCRIBED} pixels" in TEXT
    assert f"at most {quickstart_photos.THUMBNAIL} pixels" in TEXT
    assert f"smaller than {DescriptorSettings().smallest_side()} pixels a side" in TEXT
    assert f"at most {quickstart_features.SHARD_SIZE} photographs are described twice" in TEXT
    assert {".jpg", ".png", ".webp", ".tiff", ".bmp", ".ppm"} <= SUFFIXES
    assert ".heic" in UNREAD
