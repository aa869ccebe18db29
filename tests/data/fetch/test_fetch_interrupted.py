"""Downloads that are cut off: killed, changed, doubled, on a full disk, or hostile."""

from __future__ import annotations

import gzip
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from fetching import CONTENT, OTHER, get, lying
from servers import Answer, Server

from superglobal_core.data import space
from superglobal_core.data.space import check_space
from superglobal_core.errors import UserError

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
