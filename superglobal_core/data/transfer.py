"""One address to a partial file over HTTP: it goes on where it was, and tries again where that may help."""

from __future__ import annotations

import dataclasses
import http.client
import re
import time
from collections.abc import Iterator
from typing import Any

import requests
import urllib3

from superglobal_core.data.file_formats import HEAD, is_page
from superglobal_core.data.partial_file import Partial, Version
from superglobal_core.data.space import check_space
from superglobal_core.data.transfer_errors import (
    LONGEST_WAIT_S,
    PAGE,
    AddressError,
    PassingError,
    of_body,
    of_request,
    of_status,
)
from superglobal_core.progress import Transfer

TIMEOUTS_S = (20.0, 60.0)  # to connect, and between two pieces
PIECE = 1 << 20
# A server that gives a little every time, and the whole from the start, would keep us for ever.
MOST_ATTEMPTS = 1000


@dataclasses.dataclass(frozen=True)
class Expected:
    """What is known of a file beforehand.

    Its size in bytes, whether its checksum will be looked at, and whether it is itself packed.
    """

    bytes: int | None = None
    checksum: bool = False
    packed: bool = False


def transfer(
    url: str,
    partial: Partial,
    expected: Expected,
    progress: Transfer,
    *,
    attempts: int = 5,
    back_off: float = 1.0,
) -> bool:
    """Bring what is missing of `partial` from `url`; return whether it came in several pieces.

    Trouble that may pass is met by `attempts` requests in a row without a new byte, `back_off`
    seconds apart at first, then twice as long each time, or as long as the server asks for.

    Raises:
        AddressError: when the address does not give the file; what came of it stays, if it may be right.
        UserError: when it cannot be written.
    """
    most, failures = partial.size, 0
    with requests.Session() as session:
        # A file is wanted as it lies on the server, so that pieces fit: not packed for the way.
        session.headers.update({"Accept-Encoding": "identity", "User-Agent": "superglobal"})
        request = _Request(session, url, partial, expected, progress)
        for _ in range(MOST_ATTEMPTS):
            try:
                return request.run()
            except PassingError as trouble:
                failures = 1 if partial.size > most else failures + 1
                most = max(most, partial.size)
                reason = str(trouble)
                if failures >= attempts:
                    break
                time.sleep(min(max(back_off * 2 ** (failures - 1), trouble.wait_s), LONGEST_WAIT_S))
    times = f"tried {failures} times" if failures > 1 else "tried once"
    raise AddressError(f"{reason} ({times})")


@dataclasses.dataclass(frozen=True)
class _Request:
    session: Any
    url: str
    partial: Partial
    expected: Expected
    progress: Transfer

    def run(self) -> bool:
        """Ask once; return whether the bytes that were there before were used."""
        have, version = self._usable()
        if version is not None:
            if have == (self.expected.bytes or version.total):
                return True
            headers = {"Range": f"bytes={have}-"}
            if version.url == self.url and version.validator:
                headers["If-Range"] = version.validator
            with self._answer(headers) as response:
                if response.status_code == 206 and self._continues(response, have, version):
                    self._take(response, have, version)
                    return True
                if response.status_code == 200:
                    self._take_all(response)
                    return False
                if response.status_code == 416 and self._is_all(response, have, version):
                    return True
                if response.status_code not in (206, 416):
                    raise of_status(response)
        # Nothing is there, or the rest does not fit it.
        with self._answer({}) as response:
            if response.status_code != 200:
                raise of_status(response)
            self._take_all(response)
        return False

    def _usable(self) -> tuple[int, Version | None]:
        """What is there, if a piece from this address may be put behind it."""
        have, version = self.partial.size, self.partial.version
        if not have or version is None or (self.expected.bytes is not None and have > self.expected.bytes):
            return 0, None
        if self.expected.checksum:
            return have, version
        if version.url == self.url:
            whole = have == version.total
            return (have, version) if version.validator or whole else (0, None)
        comparable = version.etag is not None and version.total not in (None, have)
        return (have, version) if comparable else (0, None)

    def _answer(self, headers: dict[str, str]) -> Any:
        try:
            return self.session.get(self.url, headers=headers, stream=True, timeout=TIMEOUTS_S)
        except (OSError, ValueError, urllib3.exceptions.HTTPError, http.client.HTTPException) as error:
            raise of_request(error) from error

    def _continues(self, response: Any, have: int, version: Version) -> bool:
        start, total = _content_range(response)
        if start != have or (total is not None and version.total not in (None, total)):
            return False
        given = _version(self.url, response, total)
        if version.url == self.url:
            # Some servers pay no heed to If-Range and send the end of another version.
            pairs = ((given.etag, version.etag), (given.last_modified, version.last_modified))
            return all(new is None or old is None or new == old for new, old in pairs)
        return self.expected.checksum or (given.etag == version.etag and total is not None)

    def _is_all(self, response: Any, have: int, version: Version) -> bool:
        if _content_range(response)[1] != have or self.expected.bytes not in (None, have):
            return False
        return self.expected.checksum or version.url == self.url

    def _take_all(self, response: Any) -> None:
        total = _number(response.headers.get("Content-Length"))
        self._take(response, 0, _version(self.url, response, total))

    def _take(self, response: Any, start: int, version: Version) -> None:
        known, total = self.expected.bytes, version.total
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        # Servers of archives often name the archive's own packing there; its content is looked at later.
        if encoding not in ("", "identity") and not self.expected.packed:
            raise AddressError(f"sends it packed ({encoding[:40]!r}), which it was asked not to do")
        pieces = self._pieces(response, start)
        # Looked at before what is there is thrown away for it.
        first = next(pieces, b"")
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in ("text/html", "application/xhtml+xml") or (start == 0 and is_page(first)):
            raise AddressError(PAGE)
        if known is not None and total not in (None, known):
            raise AddressError(f"offers {total} bytes where {known} are expected")
        whole = known or total
        if whole is not None:
            # The bytes of before are thrown away when it begins anew.
            check_space(self.partial.path.parent, whole - (start or self.partial.size))
        if start == 0:
            self.partial.begin(version)
        self.progress.reset(start, whole)
        size = start
        with self.partial.appending() as write:
            while first:
                size += len(first)
                if known is not None and size > known:
                    self.partial.drop()
                    raise AddressError(f"sends more than the {known} bytes that are expected")
                write(first)
                self.progress.advance(len(first))
                first = next(pieces, b"")
        if whole is not None and size < whole:
            raise PassingError(f"ends after {size} of {whole} bytes")
        with self.partial.path.open("rb") as stream:
            # Once more: the first piece may have been a single byte.
            if is_page(stream.read(HEAD)):
                self.partial.drop()
                raise AddressError(PAGE)

    def _pieces(self, response: Any, size: int) -> Iterator[bytes]:
        while True:
            try:
                # What one read of the socket gives: a cut then loses nothing of what had come.
                piece = response.raw.read1(PIECE, decode_content=False)
            except (OSError, urllib3.exceptions.HTTPError, http.client.HTTPException) as error:
                raise of_body(error, size) from error
            if not piece:
                return
            size += len(piece)
            yield piece


def _version(url: str, response: Any, total: int | None) -> Version:
    etag = response.headers.get("ETag")
    if etag is not None and not etag.startswith('"'):
        etag = None
    return Version(url, etag, response.headers.get("Last-Modified"), total)


def _content_range(response: Any) -> tuple[int | None, int | None]:
    """Where a part begins and how large the whole is, as far as the answer says."""
    text = response.headers.get("Content-Range", "").strip()
    match = re.fullmatch(r"bytes\s+(?:(\d+)-\d+|\*)/(\d+|\*)", text)
    if match is None:
        return None, None
    return _number(match[1]), _number(match[2])


def _number(text: str | None) -> int | None:
    # No file has more digits; of thousands of them Python makes no number.
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,18}", text.strip()) else None
