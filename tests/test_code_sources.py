"""Sources: what a file computes and imports is the same whether it is remembered or not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from superglobal_core import code_sources
from superglobal_core.code_sources import Source, Sources, known_sources

CODE = '''"""What it is."""
import os, json as j


def f():
    "Docs."
    from package.module import name
    return 1
'''


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module.py"
    path.write_text(CODE)
    return path


def test_imports_are_found_at_any_depth(module: Path) -> None:
    assert Sources(None).of(module).imports == ("os", "json", "package.module", "package.module.name")


def test_what_is_kept_is_not_parsed_again(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "folder/that is not there/kept.json"
    first = Sources(kept)
    source = first.of(module)
    first.save()

    parsed: list[bytes] = []

    def parse(content: bytes) -> Source:
        parsed.append(content)
        return Source("new", ())

    monkeypatch.setattr(code_sources, "_parsed", parse)
    again = Sources(kept)
    assert again.of(module) == source
    assert parsed == []
    module.write_text(CODE.replace("return 1", "return 2"))
    assert again.of(module) == Source("new", ())
    assert parsed == [module.read_bytes()]
    again.save()
    assert Sources(kept).of(module) == Source("new", ())


@pytest.mark.parametrize(
    "content", ["", "{", "[1, 2]", "null", '{"a": 1}', '{"a": [1]}', '{"a": ["x", "y", 3]}', "\xff", "{}"]
)
def test_a_spoilt_file_is_made_anew(module: Path, tmp_path: Path, content: str) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(content.replace('"a"', json.dumps(str(module))), encoding="latin-1")
    spoilt = Sources(kept)
    assert spoilt.of(module) == Sources(None).of(module)
    spoilt.save()
    assert list(json.loads(kept.read_text())) == [str(module)]


def test_files_that_are_gone_are_forgotten(module: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text("x = 1\n")
    kept = tmp_path / "kept.json"
    both = Sources(kept)
    both.of(module), both.of(other)
    other.unlink()
    both.save()
    assert list(json.loads(kept.read_text())) == [str(module)]


def test_a_place_that_cannot_be_written_costs_time_alone(module: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    nowhere = Sources(tmp_path / "a file" / "kept.json")
    assert nowhere.of(module) == Sources(None).of(module)
    nowhere.save()


@pytest.mark.parametrize("content", ["[" * 100_000, None])
def test_a_file_that_no_one_wrote_like_this_costs_time_alone(
    module: Path, tmp_path: Path, content: str | None
) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(content or json.dumps({"x" * 5000: ["a", "b", []], "\0": ["a", "b", []]}))
    spoilt = Sources(kept)
    assert spoilt.of(module) == Sources(None).of(module)
    spoilt.save()
    if content:
        assert list(json.loads(kept.read_text())) == [str(module)]


def test_what_other_versions_kept_goes_after_a_while(module: Path, tmp_path: Path) -> None:
    old, young = tmp_path / "sources-old.json", tmp_path / "sources-young.json"
    for path in (old, young):
        path.write_text("{}")
    os.utime(old, (0, 0))
    sources = Sources(tmp_path / "sources-mine.json")
    sources.of(module)
    sources.save()
    assert [path.name for path in sorted(tmp_path.glob("sources-*"))] == [
        "sources-mine.json",
        "sources-young.json",
    ]


def test_each_user_has_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fresh = known_sources.__wrapped__()
    assert fresh.kept is not None
    assert fresh.kept.parent == tmp_path / "superglobal"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setattr(Path, "home", _no_home)
    assert known_sources.__wrapped__().kept is None


def _no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")
