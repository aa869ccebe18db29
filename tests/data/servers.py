"""A web server on this machine that serves what a test gives it, and misbehaves as the test asks."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest


@dataclasses.dataclass(frozen=True)
class Answer:
    """How one request is answered; as it stands, like a good server of static files."""

    status: int | None = None  # this, and `body`, instead of the file
    body: bytes | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ranges: bool = True
    if_range: bool = True
    shift: int = 0  # parts begin so many bytes too late
    etag: str | None = "of the content"
    last_modified: str | None = None
    length: int | None = None  # Content-Length, whatever is sent
    chunked: bool = False
    bare: bool = False  # neither chunked nor with a length: the end of the connection is the end
    cut: int | None = None  # the connection ends after so many bytes
    piece: int = 1 << 16
    pause: float = 0.0  # seconds before each piece
    hold: threading.Event | None = None  # the second half waits for this


@dataclasses.dataclass
class Asked:
    """One request: its address as asked for, its headers, what was answered, and bytes of the body sent."""

    address: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0


class Server:
    """Serves `files` (bytes by path, or a folder); `plan` says how; `asked` is what happened. A proxy, too."""

    def __init__(self, files: Mapping[str, bytes] | Path) -> None:
        self.files = files if isinstance(files, Path) else dict(files)
        self.asked: list[Asked] = []
        self._plans: dict[str, tuple[list[Answer], Answer]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Server:
        outer = self

        class Handler(_Handler):
            server_of_files = outer

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._httpd.daemon_threads = True
        self._httpd.block_on_close = False
        self._thread = threading.Thread(target=self._httpd.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join()

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Speak https from now on."""
        self._httpd.socket = context.wrap_socket(self._httpd.socket, server_side=True)

    @property
    def address(self) -> str:
        """Its root, without a slash at the end."""
        return f"http://127.0.0.1:{self._httpd.server_address[1]}"

    def url(self, path: str) -> str:
        """The address of a file."""
        return f"{self.address}/{path}"

    def plan(self, path: str, *answers: Answer, then: Answer | None = None) -> None:
        """Answer requests for `path` like this, one after the other, and the rest like `then`."""
        with self._lock:
            self._plans[path] = (list(answers), then or Answer())

    def sent(self, path: str | None = None) -> int:
        """Bytes of bodies sent in all, or of one file."""
        return sum(one.sent for one in self.asked if path is None or urlsplit(one.address).path == f"/{path}")

    def next_answer(self, path: str) -> Answer:
        """Take the next answer planned for a path."""
        with self._lock:
            answers, then = self._plans.get(path, ([], Answer()))
            return answers.pop(0) if answers else then

    def content(self, path: str) -> bytes | None:
        """The bytes of a file; None without it."""
        if isinstance(self.files, Path):
            file = self.files / path
            return file.read_bytes() if file.is_file() and ".." not in Path(path).parts else None
        return self.files.get(path)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_files: Server

    def do_GET(self) -> None:
        self.close_connection = True
        server, path = self.server_of_files, unquote(urlsplit(self.path).path.lstrip("/"))
        self.asked = Asked(self.path, dict(self.headers))
        server.asked.append(self.asked)
        answer, content = server.next_answer(path), server.content(path)
        if answer.status is not None or content is None:
            status = answer.status or 404
            self._send(status, dict(answer.headers), answer.body or b"", answer)
            return
        headers = {"Content-Type": "application/octet-stream", **answer.headers}
        etag = answer.etag
        if etag == "of the content":
            etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if etag is not None:
            headers["ETag"] = etag
        if answer.last_modified is not None:
            headers["Last-Modified"] = answer.last_modified
        self._send_file(answer.body if answer.body is not None else content, headers, answer)

    def _send_file(self, content: bytes, headers: dict[str, str], answer: Answer) -> None:
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        validators = (headers.get("ETag"), headers.get("Last-Modified"))
        if match and answer.ranges and (not answer.if_range or condition is None or condition in validators):
            start = int(match[1])
            if start >= len(content):
                self._send(416, headers | {"Content-Range": f"bytes */{len(content)}"}, b"", answer)
                return
            start += answer.shift
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._send(206, headers, content[start:], answer)
        else:
            self._send(200, headers, content, answer)

    def _send(self, status: int, headers: dict[str, str], body: bytes, answer: Answer) -> None:
        self.asked.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif not answer.bare:
            self.send_header("Content-Length", str(len(body) if answer.length is None else answer.length))
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for piece in self._pieces(body, answer):
                # Before it leaves: who has got it may look at once.
                self.asked.sent += len(piece)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if answer.chunked else piece)
            if answer.chunked and answer.cut is None:
                self.wfile.write(b"0\r\n\r\n")
            self.connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # whoever asked has gone

    def _pieces(self, body: bytes, answer: Answer) -> Iterator[bytes]:
        whole = body if answer.cut is None else body[: answer.cut]
        for start in range(0, len(whole), answer.piece):
            time.sleep(answer.pause)
            if answer.hold is not None and start >= len(whole) // 2:
                answer.hold.wait(60)
            yield whole[start : start + answer.piece]

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def redirect(to: str) -> Answer:
    """An answer that leads elsewhere."""
    return Answer(status=302, headers={"Location": to})


def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the proxies of whoever runs the tests: they cannot reach this machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
