"""The manifest: what is recorded is found again, also by many at once, and compared with the disk."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from superglobal_core.data.manifest import Manifest, locked
from superglobal_core.errors import UserError

MANY = """
import sys
from superglobal_core.data.manifest import Manifest
for number in range(10):
    Manifest(sys.argv[1]).record(
        f"{sys.argv[2]}/{number}", bytes=1, sha256="0" * 64, source="http://x/", entry="e"
    )
"""


def record(root: Path, name: str, content: bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    Manifest(root).record(name, bytes=len(content), sha256=sha256, source="http://x/", entry="e")


def test_a_record_is_found_again(tmp_path: Path) -> None:
    assert Manifest(tmp_path / "none").get("f/a") is None
    record(tmp_path, "f/a", b"abc")
    found = Manifest(tmp_path).get("f/a")
    assert found is not None
    assert datetime.fromisoformat(found.pop("date")).utcoffset() is not None
    sha256 = hashlib.sha256(b"abc").hexdigest()
    assert found == {"bytes": 3, "sha256": sha256, "source": "http://x/", "entry": "e"}
    assert list(json.loads((tmp_path / "MANIFEST.json").read_text())["files"]) == ["f/a"]


def test_many_processes_record_at_once(tmp_path: Path) -> None:
    runs = [subprocess.Popen([sys.executable, "-c", MANY, tmp_path, str(number)]) for number in range(3)]
    assert [run.wait() for run in runs] == [0, 0, 0]
    assert len(Manifest(tmp_path).read()) == 30


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"files": {"a": {"bytes": 1}}}', '{"files": {"../a": {}}}', '{"more": 1}'],
)
def test_a_damaged_manifest_is_said_and_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "MANIFEST.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"MANIFEST\.json is"):
        record(tmp_path, "f/a", b"abc")
    assert path.read_text() == text


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    with locked(tmp_path, "x") as first, locked(tmp_path, "x", wait=False) as second:
        assert (first, second) == (True, False)
    with locked(tmp_path, "x", wait=False) as again:
        assert again
    (lock,) = (tmp_path / ".locks").iterdir()
    lock.unlink(missing_ok=True)
    lock.mkdir()
    with pytest.raises(UserError, match="cannot lock"), locked(tmp_path, "x"):
        pass


def test_names_of_any_length_are_locked_each_for_itself(tmp_path: Path) -> None:
    names = ["é/" * 2000, "é/" * 2000 + "x", "../up", "a b", "a-b"]
    for name in names:
        with locked(tmp_path, name, wait=False) as alone, locked(tmp_path, name, wait=False) as second:
            assert (alone, second) == (True, False)
    with locked(tmp_path, names[0]), locked(tmp_path, names[1], wait=False) as other:
        assert other
    assert not (tmp_path / "up.lock").exists()
