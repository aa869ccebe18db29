"""Downloads: addresses in turn, what is recorded, and what a file must look like."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from fetching import CONTENT, HOMEPAGE, OTHER, PAGE, get, lying, sha256
from servers import Answer, Server

from superglobal_core.data.catalogue import Entry
from superglobal_core.data.fetch import BY_HAND, Fetched, fetch
from superglobal_core.data.manifest import Manifest
from superglobal_core.errors import UserError
from superglobal_core.progress import Transfers


def test_a_file_comes_is_recorded_and_is_not_asked_for_again(server: Server, root: Path) -> None:
    url = server.url("a.bin")
    first = get(root, [url], bytes=len(CONTENT), sha256=sha256(CONTENT))
    assert first == Fetched(root / "f" / "a.bin", len(CONTENT), sha256(CONTENT), url, was_there=False)
    assert first.path.read_bytes() == CONTENT
    assert lying(root) == ["a.bin"]
    record = Manifest(root).get("f/a.bin")
    assert record is not None
    assert (record["source"], record["sha256"], record["entry"]) == (url, sha256(CONTENT), "set")
    again = get(root, [url], bytes=len(CONTENT), sha256=sha256(CONTENT))
    assert (again.was_there, again.source) == (True, url)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "first",
    [
        Answer(status=404),
        Answer(status=503),
        Answer(body=PAGE),
        Answer(body=OTHER),
        Answer(length=7, cut=7),
        Answer(cut=1000),
    ],
    ids=["404", "503", "page", "wrong bytes", "wrong length", "cut for ever"],
)
def test_the_next_address_is_asked(server: Server, root: Path, first: Answer) -> None:
    server.plan("a.bin", then=first)
    urls = [server.url("a.bin"), server.url("mirror/a.bin")]
    if first.cut == 1000:
        server.plan("a.bin", first, then=Answer(status=503))
    fetched = get(root, urls, bytes=len(CONTENT), sha256=sha256(CONTENT))
    assert fetched.source == urls[1]
    assert fetched.path.read_bytes() == CONTENT
    assert server.sent("mirror/a.bin") == len(CONTENT) - (1000 if first.cut == 1000 else 0)


def test_all_addresses_fail(server: Server, root: Path) -> None:
    urls = [server.url("none"), server.url("a.bin"), server.url("mirror/a.bin")]
    server.plan("a.bin", then=Answer(status=503))
    server.plan("mirror/a.bin", then=Answer(body=PAGE))
    with pytest.raises(UserError) as caught:
        get(root, urls)
    text = str(caught.value)
    assert f"{urls[0]} answers 404 Not Found; " in text
    assert f"{urls[1]} answers 503 Service Unavailable (tried 3 times); " in text
    assert f"{urls[2]} sends a web page instead of the file" in text
    assert f"browser from {HOMEPAGE} and put it at {root / 'f' / 'a.bin'}, then run the same command" in text
    assert lying(root) == []


def test_without_an_address_it_says_where_to_put_the_file(root: Path) -> None:
    with pytest.raises(UserError, match=f"only with a browser: get it from {HOMEPAGE} and put it at {root}"):
        get(root, [])


def test_bytes_that_do_not_fit_are_fetched_once_more_whole(server: Server, root: Path) -> None:
    # Under one ETag two versions: what was pieced together is neither.
    server.files = {"a.bin": CONTENT}
    server.plan("a.bin", Answer(body=OTHER, cut=1000))
    fetched = get(root, [server.url("a.bin")], sha256=sha256(CONTENT))
    assert fetched.path.read_bytes() == CONTENT
    assert [asked.status for asked in server.asked] == [200, 206, 200]


def test_a_wrong_file_is_asked_for_once(server: Server, root: Path) -> None:
    with pytest.raises(
        UserError, match=f"has the sha256 {sha256(CONTENT)} where the catalogue names {'0' * 64}"
    ):
        get(root, [server.url("a.bin")], sha256="0" * 64)
    assert len(server.asked) == 1
    assert lying(root) == []


def test_a_later_download_must_agree_with_the_first(server: Server, root: Path) -> None:
    url = server.url("a.bin")
    get(root, [url]).path.unlink()
    server.files = {"a.bin": OTHER}
    with pytest.raises(
        UserError, match=r"MANIFEST\.json, where it was recorded before, names .* remove f/a\.bin"
    ):
        get(root, [url])
    assert lying(root) == []
    server.files = {"a.bin": CONTENT}
    assert not get(root, [url]).was_there


def test_a_file_put_in_place_by_hand(root: Path) -> None:
    path = root / "f" / "a.bin"
    path.parent.mkdir(parents=True)
    for content, facts, said in (
        (OTHER, {"sha256": sha256(CONTENT)}, r"a\.bin has the sha256 .*: remove it"),
        (OTHER[:5], {"bytes": len(CONTENT)}, "has 5 bytes where 200000 are expected: remove it"),
        (PAGE, {}, "is a web page"),
        (b"", {}, "is empty"),
        (CONTENT, {"format": "pickle"}, "does not look like a pickle"),
    ):
        path.write_bytes(content)
        with pytest.raises(UserError, match=said):
            get(root, [], **facts)
        assert path.read_bytes() == content  # nobody's file is deleted
    path.write_bytes(CONTENT)
    for facts in ({"bytes": len(CONTENT)}, {"sha256": sha256(CONTENT)}):
        fetched = get(root, [], **facts)
        assert (fetched.source, fetched.was_there, fetched.sha256) == (BY_HAND, True, sha256(CONTENT))
    path.write_bytes(OTHER)
    with pytest.raises(UserError, match="where it was recorded before"):
        get(root, [])
    path.unlink()
    path.symlink_to(root / "nowhere")
    with pytest.raises(UserError, match="is no file: remove it"):
        get(root, [])


def tar_gz() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        info = tarfile.TarInfo("a.jpg")
        info.size = len(CONTENT)
        archive.addfile(info, io.BytesIO(CONTENT))
    return stream.getvalue()


GOOD = {
    "tar.gz": tar_gz(),
    "pickle": b"\x80\x02}q\x00.",
    "torch": b"\x80\x02}q\x00.",
    "mat": b"MATLAB 5.0 MAT-file",
    "onnx": b"\x08\x07\x12",
    "text": "où\n".encode() * 1000,
    "any": b"x",
}


BAD = {
    "tar.gz": [GOOD["tar.gz"][:-1], GOOD["tar.gz"][:1000], gzip.compress(b"no tar" * 1000), b"PK\x03\x04"],
    "pickle": [GOOD["pickle"][:-1], b"(dp0\n."],
    "torch": [b"PK\x03\x04 and no end", b"nothing"],
    "mat": [b"Not a MATLAB file" * 20],
    "onnx": [b"\x00"],
    "text": [b"a\0b", "où".encode()[:-1]],
    "any": [PAGE],
}


@pytest.mark.parametrize("format", GOOD)
def test_a_file_must_look_like_what_it_should_be(server: Server, root: Path, format: str) -> None:
    for content in BAD[format]:
        # Without a length, so that nothing else shows that it was cut.
        server.files = {"a.bin": content}
        server.plan("a.bin", then=Answer(bare=True))
        with pytest.raises(UserError, match=r"gives a file that |a web page"):
            get(root, [server.url("a.bin")], format=format)
        assert lying(root) == []
    server.files = {"a.bin": GOOD[format]}
    assert get(root, [server.url("a.bin")], format=format).path.read_bytes() == GOOD[format]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"jpg/1/a.jpg\njpg/1/b.jpg\n", "lists 2 images where the catalogue says 3"),
        (b"jpg/1/a.jpg\njpg/1/b.jpg\njpg/1/c.j", r"line 3 is 'jpg/1/c\.j'"),
        (b"Error: quota exceeded\n", "line 1 is 'Error: quota exceeded'"),
        (b"<?xml version='1.0'?>\n<!-- x --><!DOCTYPE html><html>", "a web page"),
        (b"<!-- " + b"x" * 5000 + b" --><html>", "line 1 is"),
    ],
)
def test_a_list_of_distractors_must_be_one(server: Server, root: Path, content: bytes, problem: str) -> None:
    parts = {"count": 1, "name": "{part}.tgz", "urls": [server.url("{part}.tgz")]}
    file = {"name": "list.txt", "urls": [server.url("list.txt")], "format": "text"}
    entry = Entry.model_validate(
        {"title": "many", "kind": "distractors", "folder": "f", "licence": "none", "parts": parts}
        | {"files": [file], "image_list": "list.txt", "images": 3, "name": "many"}
    )
    server.files = {"list.txt": content}
    with Transfers() as progress:
        with pytest.raises(UserError, match=problem):
            fetch(entry.files[0], entry, root, progress=progress, attempts=1)
        assert lying(root) == []
        server.files = {"list.txt": b"jpg/1/a.jpg\r\njpg/1/b.jpg\njpg/2/c.jpg"}
        assert not fetch(entry.files[0], entry, root, progress=progress).was_there


def test_a_log_gets_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from superglobal_core import progress as module

    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with Transfers() as transfers, transfers.add("a.tgz", 1_940_000_000) as shown:
        shown.reset(400_000_000, 1_940_000_000)
        now[0] = 9.0
        shown.advance(1)
        now[0] = 10.0
        shown.advance(122_999_999)
        shown.reset(5)
        now[0] = 20.0
        shown.advance(20)
    assert capsys.readouterr().err.splitlines() == [
        "a.tgz: 523 MB of 1.94 GB, 12.3 MB/s, about 2 min left",
        "a.tgz: 25 B, 2 B/s",
    ]
