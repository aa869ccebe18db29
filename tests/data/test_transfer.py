"""Transfers from servers that break off, lie and change their minds."""

from __future__ import annotations

import functools
import random
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import Answer, Server, redirect, without_proxies

from superglobal_core.data import transfer as transfer_module
from superglobal_core.data.partial_file import Partial
from superglobal_core.data.transfer import Expected, transfer
from superglobal_core.data.transfer_errors import AddressError, retry_after
from superglobal_core.progress import Transfers

CONTENT = random.Random(0).randbytes(300_000)
OTHER = random.Random(1).randbytes(300_000)
PAGE = b"\n<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title></html>"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server({"a.bin": CONTENT, "mirror.bin": CONTENT, "empty": b""}) as server:
        yield server


@pytest.fixture
def partial(tmp_path: Path) -> Partial:
    return Partial(tmp_path / "a.bin")


def bring(
    url: str, partial: Partial, known: int | None = None, checksum: bool = False, attempts: int = 5
) -> bool:
    with Transfers() as progress:
        shown = progress.add("a.bin")
        pieced = transfer(url, partial, Expected(known, checksum), shown, attempts=attempts, back_off=0.001)
        assert shown.done == partial.size or not shown.done
        return pieced


def begun(server: Server, partial: Partial, cut: int, **options: object) -> None:
    """Leave a partial file, and forget what was asked for it."""
    server.plan("a.bin", Answer(cut=cut, **options))  # type: ignore[arg-type]
    with pytest.raises(AddressError):
        bring(server.url("a.bin"), partial, attempts=1)
    assert partial.size == cut
    server.asked.clear()


def test_a_whole_file(server: Server, partial: Partial) -> None:
    assert not bring(server.url("a.bin"), partial, len(CONTENT))
    assert partial.path.read_bytes() == CONTENT
    assert server.asked[0].headers["Accept-Encoding"] == "identity"
    partial.finish()
    assert [path.name for path in partial.target.parent.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("cut", [0, 1, 65_536, len(CONTENT) - 1])
@pytest.mark.parametrize("way", ["length", "chunked", "bare"])
def test_a_cut_connection_is_taken_up_again(server: Server, partial: Partial, cut: int, way: str) -> None:
    options = {way: True} if way != "length" else {}
    server.plan("a.bin", Answer(cut=cut, **options))  # type: ignore[arg-type]
    assert bring(server.url("a.bin"), partial, len(CONTENT)) == (cut > 0)
    assert partial.path.read_bytes() == CONTENT
    assert server.sent() == len(CONTENT)
    assert [asked.status for asked in server.asked] == ([200, 206] if cut else [200, 200])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.integers(0, 2000), max_size=6), chunked=st.booleans(), ranges=st.booleans())
def test_whatever_is_cut_the_bytes_are_right(
    server: Server, tmp_path: Path, cuts: list[int], chunked: bool, ranges: bool
) -> None:
    content = CONTENT[:2001]
    server.files = {"a.bin": content}
    server.plan(
        "a.bin",
        *(Answer(cut=cut, chunked=chunked, ranges=ranges) for cut in cuts),
        then=Answer(ranges=ranges),
    )
    partial = Partial(tmp_path / "a.bin")
    partial.drop()
    bring(server.url("a.bin"), partial, attempts=10)
    assert partial.path.read_bytes() == content


def test_a_server_without_ranges_starts_again(server: Server, partial: Partial) -> None:
    begun(server, partial, 1000)
    server.plan("a.bin", then=Answer(ranges=False))
    assert not bring(server.url("a.bin"), partial)
    assert partial.path.read_bytes() == CONTENT


@pytest.mark.parametrize("heeds", [True, False], ids=["heeds If-Range", "pays no heed to If-Range"])
@pytest.mark.parametrize(
    "version", [{}, {"etag": None, "last_modified": "Mon, 01 Jan 2024 00:00:00 GMT"}], ids=["etag", "date"]
)
def test_a_changed_file_starts_again(
    server: Server, partial: Partial, heeds: bool, version: dict[str, str]
) -> None:
    begun(server, partial, 1000, **version)
    server.files = {"a.bin": OTHER}
    if version:
        version = version | {"last_modified": "Tue, 02 Jan 2024 00:00:00 GMT"}
    server.plan("a.bin", then=Answer(if_range=heeds, **version))  # type: ignore[arg-type]
    assert not bring(server.url("a.bin"), partial, checksum=True)
    assert partial.path.read_bytes() == OTHER


@pytest.mark.parametrize(
    ("version", "checksum", "goes_on"),
    [
        ({"etag": 'W/"weak"'}, False, False),
        ({"etag": None}, False, False),
        ({"etag": None}, True, True),
        ({"etag": None, "last_modified": "Mon, 01 Jan 2024 00:00:00 GMT"}, False, True),
    ],
)
def test_what_it_takes_to_go_on(
    server: Server, partial: Partial, version: dict[str, str], checksum: bool, goes_on: bool
) -> None:
    begun(server, partial, 1000, **version)
    server.plan("a.bin", then=Answer(**version))  # type: ignore[arg-type]
    assert bring(server.url("a.bin"), partial, checksum=checksum) == goes_on
    assert partial.path.read_bytes() == CONTENT
    assert server.sent() == len(CONTENT) - 1000 * goes_on


@pytest.mark.parametrize(
    ("etag", "checksum", "goes_on"),
    [("of the content", False, True), ('"another"', False, False), ('"another"', True, True)],
)
def test_another_address_goes_on_where_it_is_the_same_file(
    server: Server, partial: Partial, etag: str, checksum: bool, goes_on: bool
) -> None:
    begun(server, partial, 1000)
    server.plan("mirror.bin", then=Answer(etag=etag))
    assert bring(server.url("mirror.bin"), partial, checksum=checksum) == goes_on
    assert partial.path.read_bytes() == CONTENT


def test_bytes_that_nobody_knows_are_not_used(server: Server, partial: Partial) -> None:
    partial.path.write_bytes(OTHER[:500])
    assert not bring(server.url("a.bin"), partial, checksum=True)
    partial.path.write_bytes(OTHER[:500])
    partial.note.write_text("{")
    assert not bring(server.url("a.bin"), partial, checksum=True)
    assert partial.path.read_bytes() == CONTENT


def test_what_is_whole_is_not_asked_for(server: Server, partial: Partial) -> None:
    bring(server.url("a.bin"), partial)
    assert bring(server.url("a.bin"), partial)
    assert len(server.asked) == 1


@pytest.mark.parametrize("now", [CONTENT[:700], CONTENT[:1000]], ids=["shorter", "just as long"])
def test_nothing_is_left_to_send(server: Server, partial: Partial, now: bytes) -> None:
    begun(server, partial, 1000, etag='"always"', chunked=True)
    server.files = {"a.bin": now}
    server.plan("a.bin", then=Answer(etag='"always"'))
    assert bring(server.url("a.bin"), partial) == (len(now) == 1000)
    assert server.asked[0].status == 416
    assert partial.path.read_bytes() == now


def test_a_part_that_begins_elsewhere_is_not_used(server: Server, partial: Partial) -> None:
    begun(server, partial, 1000)
    server.plan("a.bin", then=Answer(shift=10))
    assert not bring(server.url("a.bin"), partial)
    assert partial.path.read_bytes() == CONTENT


def test_a_part_that_nobody_asked_for(server: Server, partial: Partial) -> None:
    server.plan("a.bin", then=Answer(status=206, body=b"part"))
    with pytest.raises(AddressError, match="answers 206"):
        bring(server.url("a.bin"), partial)


def test_another_length_is_refused_before_a_byte_is_kept(server: Server, partial: Partial) -> None:
    with pytest.raises(AddressError, match=r"^offers 300000 bytes where 299999 are expected$"):
        bring(server.url("a.bin"), partial, len(CONTENT) - 1)
    assert len(server.asked) == 1
    assert not partial.path.exists()


def test_too_much_is_refused(server: Server, partial: Partial) -> None:
    server.plan("a.bin", then=Answer(chunked=True))
    with pytest.raises(AddressError, match="sends more than the 1000 bytes"):
        bring(server.url("a.bin"), partial, 1000)
    assert not partial.path.exists()


def test_a_short_body_ends_some_day(server: Server, partial: Partial) -> None:
    server.plan("a.bin", then=Answer(body=CONTENT[:1000], chunked=True))
    with pytest.raises(AddressError, match=r"ends after 1000 of 300000 bytes \(tried 3 times\)"):
        bring(server.url("a.bin"), partial, len(CONTENT), attempts=3)


def test_a_server_that_cuts_and_never_gets_further_ends(server: Server, partial: Partial) -> None:
    server.plan("a.bin", then=Answer(cut=1000, ranges=False))
    with pytest.raises(AddressError, match=r"breaks off after 1000 bytes \(tried 3 times\)"):
        bring(server.url("a.bin"), partial, attempts=3)
    assert len(server.asked) == 3


def test_attempts_count_from_the_last_progress(server: Server, partial: Partial) -> None:
    trouble = [Answer(status=503), Answer(cut=1000), Answer(status=429), Answer(cut=1000)]
    server.plan("a.bin", *trouble, *trouble)
    assert bring(server.url("a.bin"), partial, attempts=3)
    assert partial.path.read_bytes() == CONTENT


def test_even_progress_has_an_end(server: Server, partial: Partial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer_module, "MOST_ATTEMPTS", 8)
    server.plan("a.bin", then=Answer(cut=1))
    with pytest.raises(AddressError, match="breaks off after 8 bytes"):
        bring(server.url("a.bin"), partial)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_for_ever(server: Server, partial: Partial, status: int) -> None:
    server.plan("a.bin", then=Answer(status=status))
    with pytest.raises(AddressError, match=rf"answers {status} .*\(tried 4 times\)"):
        bring(server.url("a.bin"), partial, attempts=4)
    assert len(server.asked) == 4
    assert not partial.path.exists()


@pytest.mark.parametrize("status", [401, 403, 404, 410, 304])
def test_a_refusal_is_final(server: Server, partial: Partial, status: int) -> None:
    server.plan("a.bin", then=Answer(status=status))
    with pytest.raises(AddressError, match=f"answers {status}"):
        bring(server.url("a.bin"), partial)
    assert len(server.asked) == 1


def test_waits_grow_and_obey_the_server(
    server: Server, partial: Partial, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(transfer_module, "time", SimpleNamespace(sleep=waits.append))
    busy = functools.partial(Answer, status=503, etag=None)
    server.plan(
        "a.bin", busy(), busy(), busy(headers={"Retry-After": "7"}), busy(headers={"Retry-After": "900"})
    )
    with Transfers() as progress:
        transfer(server.url("a.bin"), partial, Expected(), progress.add("a.bin"), back_off=1.0)
    assert waits == [1.0, 2.0, 7.0, 60.0]
    assert retry_after("Fri, 31 Dec 2999 23:59:59 GMT") > 1e9


@pytest.mark.parametrize(
    "page",
    [
        Answer(body=PAGE, headers={"Content-Type": "text/html; charset=utf-8"}),
        Answer(body=PAGE),
        Answer(body=PAGE, piece=1, pause=0.001),
        Answer(body=b"Quota", headers={"Content-Type": "text/html"}),
    ],
)
def test_a_page_in_place_of_the_file(server: Server, partial: Partial, page: Answer) -> None:
    begun(server, partial, 1000)
    server.plan("a.bin", then=page)
    with pytest.raises(AddressError, match="a web page instead of the file"):
        bring(server.url("a.bin"), partial)
    assert len(server.asked) <= 2
    # What had come may still be right: the server may give the rest tomorrow.
    assert partial.size in (1000, 0)


def test_redirects_are_followed_and_circles_are_not(server: Server, partial: Partial) -> None:
    server.plan("one", then=redirect(server.url("a.bin")))
    bring(server.url("one"), partial, len(CONTENT))
    assert partial.path.read_bytes() == CONTENT
    partial.drop()
    server.plan("one", then=redirect(server.url("two")))
    server.plan("two", then=redirect("/one"))
    with pytest.raises(AddressError, match="from one address to the next without an end"):
        bring(server.url("one"), partial)


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/a.bin", "file:///etc/passwd"])
def test_a_redirect_out_of_the_web_is_refused(server: Server, partial: Partial, to: str) -> None:
    server.plan("one", then=redirect(to))
    with pytest.raises(AddressError, match="neither http nor https"):
        bring(server.url("one"), partial)


def test_nobody_listens(partial: Partial) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/a.bin"
        with pytest.raises(
            AddressError, match=r"^cannot be reached \(Connection refused\) \(tried 2 times\)$"
        ):
            bring(address, partial, attempts=2)


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"])
def test_a_server_that_falls_silent(partial: Partial, monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    monkeypatch.setattr(transfer_module, "TIMEOUTS_S", (1.0, 0.2))
    over = threading.Event()

    class Silent(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(first)
            over.wait(5)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Silent) as silent:
        threading.Thread(target=silent.serve_forever, args=(0.01,), daemon=True).start()
        text = "sends nothing more after 3 bytes" if first else "does not answer in time"
        with pytest.raises(AddressError, match=text):
            bring(f"http://127.0.0.1:{silent.server_address[1]}/a.bin", partial, attempts=2)
        over.set()
        silent.shutdown()


def test_a_certificate_that_nobody_signed(partial: Partial, tmp_path: Path) -> None:
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "1",
                "-subj",
                "/CN=127.0.0.1",
            ),
            *(
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-keyout",
                tmp_path / "key",
                "-out",
                tmp_path / "cert",
            ),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with Server({"a.bin": CONTENT}) as server:
        server.encrypt(context)
        with pytest.raises(AddressError, match="its certificate is not trusted"):
            bring(server.url("a.bin").replace("http:", "https:"), partial)


def test_the_proxy_of_the_environment_is_asked(partial: Partial, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server({"a.bin": CONTENT}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.address)
        bring("http://files.invalid/a.bin", partial)
        assert proxy.asked[0].address == "http://files.invalid/a.bin"
    assert partial.path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "proxy", ["http://127.0.0.1:1", "socks5://127.0.0.1:1", "nonsense://x", "http://[", "http://:x"]
)
def test_a_proxy_that_is_no_use(partial: Partial, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(AddressError, match=r"the proxy of the environment|cannot be read"):
        bring("http://files.invalid/a.bin", partial, attempts=2)


def test_an_empty_file_is_a_file(server: Server, partial: Partial) -> None:
    bring(server.url("empty"), partial)
    assert partial.path.read_bytes() == b""
