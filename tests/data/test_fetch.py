"""Files of the catalogue on their way to the root: the right one, once, or a sentence on what to do."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from servers import Answer, Server, without_proxies

from superglobal_core.data import space
from superglobal_core.data.catalogue import Entry, RemoteFile
from superglobal_core.data.fetch import BY_HAND, Fetched, fetch
from superglobal_core.data.manifest import Manifest
from superglobal_core.data.space import check_space
from superglobal_core.errors import UserError
from superglobal_core.progress import Transfers

CONTENT = random.Random(0).randbytes(200_000)
OTHER = random.Random(1).randbytes(200_000)
PAGE = b"<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title></html>"
HOMEPAGE = "https://example.org/home"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server({"a.bin": CONTENT, "mirror/a.bin": CONTENT}) as server:
        yield server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def get(root: Path, urls: list[str], *, attempts: int = 3, **facts: Any) -> Fetched:
    file = RemoteFile(name="a.bin", urls=urls, **facts)
    entry = Entry(
        name="set",
        title="a set",
        kind="features",
        folder="f",
        files=[file],
        licence="none",
        homepage=HOMEPAGE,
    )
    with Transfers() as progress:
        return fetch(file, entry, root, progress=progress, attempts=attempts, back_off=0.01)


def lying(root: Path) -> list[str]:
    """What lies in the file's folder."""
    folder = root / "f"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


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


CHILD = """
import resource, sys
from superglobal_core.data.catalogue import Entry, RemoteFile
from superglobal_core.data.fetch import fetch
from superglobal_core.errors import UserError
from superglobal_core.progress import Transfers
root, url, limit, format = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
file = RemoteFile(name="a.bin", urls=[url], format=format)
entry = Entry(name="set", title="a set", kind="features", folder="f", files=[file], licence="none")
print("here", flush=True)
try:
    with Transfers() as progress:
        print(fetch(file, entry, root, progress=progress, back_off=0.01).was_there)
except UserError as error:
    print(error)
"""


def child(root: Path, url: str, limit: int = 0, format: str = "any") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, root, url, str(limit), format]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until_begun(partial: Path, run: subprocess.Popen[str], size: int = 1) -> None:
    end = time.monotonic() + 60
    while not partial.exists() or partial.stat().st_size < size:
        assert time.monotonic() < end
        assert run.poll() is None, run.communicate()
        time.sleep(0.005)


def test_killed_in_the_middle_it_goes_on_with_the_rest(server: Server, root: Path) -> None:
    over = threading.Event()
    server.plan("a.bin", Answer(piece=1000, hold=over))
    partial = root / "f" / ".partial-a.bin"
    with child(root, server.url("a.bin")) as run:
        until_begun(partial, run, 20_000)
        run.send_signal(signal.SIGKILL)
    over.set()
    size = partial.stat().st_size
    assert 20_000 <= size <= len(CONTENT) // 2
    fetched = get(root, [server.url("a.bin")])
    assert fetched.path.read_bytes() == CONTENT
    assert server.asked[-1].sent == len(CONTENT) - size
    assert lying(root) == ["a.bin"]


def test_changed_between_two_runs_it_starts_again(server: Server, root: Path) -> None:
    server.plan("a.bin", Answer(cut=1000))
    with pytest.raises(UserError, match="breaks off after 1000 bytes"):
        get(root, [server.url("a.bin")], attempts=1)
    server.files = {"a.bin": OTHER}
    assert get(root, [server.url("a.bin")]).path.read_bytes() == OTHER
    assert server.asked[-1].status == 200


def test_two_processes_download_it_once(server: Server, root: Path) -> None:
    over = threading.Event()
    server.plan("a.bin", Answer(piece=1000, hold=over))
    with child(root, server.url("a.bin")) as first:
        until_begun(root / "f" / ".partial-a.bin", first)
        with child(root, server.url("a.bin")) as second:
            assert second.stderr is not None
            assert second.stderr.readline() == "a.bin: another download of it is running, waiting for it\n"
            over.set()
            waited, _ = second.communicate()
        got, _ = first.communicate()
    assert (got, waited) == ("here\nFalse\n", "here\nTrue\n")
    assert len(server.asked) == 1


def test_a_disk_that_fills_up(server: Server, root: Path) -> None:
    server.files = {"a.bin": CONTENT * 10}
    server.plan("a.bin", Answer(chunked=True))  # nobody can know beforehand
    folder = root / "f"
    folder.mkdir(parents=True)
    command = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    if command is None or subprocess.run([command, *options], capture_output=True).returncode:
        return  # the next test is for machines where nobody may mount
    try:
        with pytest.raises(UserError, match=r"cannot write .*a\.bin: No space left on device; free space"):
            get(root, [server.url("a.bin"), server.url("mirror/a.bin")])
        size = (folder / ".partial-a.bin").stat().st_size
        assert len(server.asked) == 1  # another address would not help
        subprocess.run([command, "-o", "remount,size=4m", folder], check=True)
        assert get(root, [server.url("a.bin")]).path.read_bytes() == CONTENT * 10
        assert server.asked[-1].sent == len(CONTENT) * 10 - size > 900_000
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_file_that_may_not_grow(server: Server, root: Path) -> None:
    with child(root, server.url("a.bin"), limit=50_000) as run:
        said, _ = run.communicate()
    assert "a.bin: File too large; free space there or choose another place, then run the same" in said
    assert (root / "f" / ".partial-a.bin").stat().st_size == 50_000
    assert get(root, [server.url("a.bin")]).path.read_bytes() == CONTENT
    assert server.asked[-1].sent == len(CONTENT) - 50_000


def test_a_size_that_only_the_server_knows_is_compared_with_the_disk(
    server: Server, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [len(CONTENT) - 1]
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: SimpleNamespace(free=free[0]))
    with pytest.raises(UserError, match="200 kB are needed in"):
        get(root, [server.url("a.bin")])
    assert lying(root) == []
    free[0] = len(CONTENT)
    server.plan("a.bin", Answer(cut=150_000))
    with pytest.raises(UserError, match="breaks off"):
        get(root, [server.url("a.bin")], attempts=1)
    free[0] = 50_000  # enough for the rest
    assert get(root, [server.url("a.bin")]).path.read_bytes() == CONTENT


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


def hostile() -> dict[str, bytes]:
    """Archives that keep a careless reader busy for ever, or take all the memory."""
    endless = tarfile.TarInfo("a.jpg")
    endless.pax_headers = {"size": "9" * 30}
    long, bomb = tarfile.TarInfo("a.jpg"), tarfile.TarInfo("a.jpg")
    long.pax_headers = {"comment": "x" * 20_000_000}
    bomb.size = 600_000_000
    packed = {}
    for name, info in {"endless": endless, "long header": long}.items():
        packed[name] = gzip.compress(info.tobuf(tarfile.PAX_FORMAT) + bytes(1024), 1)
    packed["bomb"] = gzip.compress(bomb.tobuf(tarfile.GNU_FORMAT) + bytes(1024), 1)
    return packed


@pytest.mark.parametrize("kind", hostile())
def test_a_hostile_archive_is_refused_soon(server: Server, root: Path, kind: str) -> None:
    content = hostile()[kind]
    server.files = {"a.bin": content}
    with child(root, server.url("a.bin"), format="tar.gz") as run:
        try:
            said, _ = run.communicate(timeout=20)
        finally:
            run.kill()
    assert re.search(r"a\.bin gives a file that is (refused|cut short or damaged)", said), said
    assert lying(root) == []
    # Nor is it believed when somebody puts it there.
    (root / "f" / "a.bin").write_bytes(content)
    with child(root, server.url("a.bin"), format="tar.gz") as run:
        said, _ = run.communicate(timeout=20)
    assert re.search(r"a\.bin is (refused|cut short or damaged).*: remove it", said), said


def test_space_is_looked_at_beforehand(tmp_path: Path) -> None:
    check_space(tmp_path / "not" / "there", 1)
    with pytest.raises(UserError, match=rf"^1e\+03 TB are needed in {tmp_path} and .*B are free: free space"):
        check_space(tmp_path, 10**15)


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
        "a.tgz: 523 MB of 1.94 GB, 12.3 MB/s, about 115 s left",
        "a.tgz: 25 B, 2 B/s",
    ]
