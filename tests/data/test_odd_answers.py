"""Headers that make no sense, or say that the file comes otherwise than it was asked for."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import Answer, Server, without_proxies

from superglobal_core.data.partial_file import Partial
from superglobal_core.data.transfer import Expected, transfer
from superglobal_core.data.transfer_errors import AddressError
from superglobal_core.progress import Transfers

CONTENT = b"0123456789" * 100


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    without_proxies(monkeypatch)
    with Server({"a.bin": CONTENT}) as server:
        yield server


def bring(server: Server, partial: Partial, expected: Expected) -> None:
    with Transfers() as progress:
        transfer(server.url("a.bin"), partial, expected, progress.add("a.bin"), attempts=1)


def test_numbers_of_thousands_of_digits_are_no_numbers(server: Server, tmp_path: Path) -> None:
    partial, digits = Partial(tmp_path / "a.bin"), "9" * 5000
    server.plan("a.bin", Answer(bare=True, headers={"Content-Length": digits}))
    bring(server, partial, Expected())
    assert partial.path.read_bytes() == CONTENT
    partial.drop()
    server.plan("a.bin", Answer(cut=10))
    with pytest.raises(AddressError):
        bring(server, partial, Expected())
    odd = {"Content-Range": f"bytes {digits}-{digits}/{digits}"}
    server.plan("a.bin", Answer(status=206, body=b"x", headers=odd))
    bring(server, partial, Expected())  # asked for once more, whole
    assert partial.path.read_bytes() == CONTENT


def test_a_file_packed_for_the_way_is_refused(server: Server, tmp_path: Path) -> None:
    partial = Partial(tmp_path / "a.bin")
    packed = Answer(body=gzip.compress(CONTENT), headers={"Content-Encoding": "gzip"})
    server.plan("a.bin", then=packed)
    with pytest.raises(AddressError, match=r"sends it packed \('gzip'\)"):
        bring(server, partial, Expected())
    assert not partial.size
    # Many servers say so of archives, which are packed by themselves.
    bring(server, partial, Expected(packed=True))
    assert partial.path.read_bytes() == packed.body
