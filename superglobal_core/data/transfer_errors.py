"""What goes wrong with an address, as sentences: trouble that may pass, and answers that will not change."""

from __future__ import annotations

import email.utils
import time
from http import HTTPStatus
from typing import Any

import requests
import urllib3

from superglobal_core.errors import UserError

LONGEST_WAIT_S = 60.0


class AddressError(UserError):
    """One address does not give the file, and asking again would not help; another address may."""


class PassingError(Exception):
    """Trouble that may be over soon; `wait_s` is how long the server asks to be left alone, in seconds."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = min(max(wait_s, 0.0), LONGEST_WAIT_S)


PAGE = "sends a web page instead of the file (often a quota or login page)"


def of_status(response: Any) -> Exception:
    """Return the error for an answer that is no file."""
    status = response.status_code
    try:
        reason = f"answers {status} {HTTPStatus(status).phrase}"
    except ValueError:
        reason = f"answers {status}"
    if status in (408, 425, 429) or status >= 500:
        return PassingError(reason, retry_after(response.headers.get("Retry-After")))
    return AddressError(reason)


def retry_after(text: str | None) -> float:
    """Return how many seconds a server asks to wait; 0 when it does not say.

    >>> retry_after("7"), retry_after("Thu, 01 Jan 1970 00:00:00 GMT"), retry_after("soon")
    (7.0, 0.0, 0.0)
    """
    if not text:
        return 0.0
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(email.utils.parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return 0.0


def of_request(error: Exception) -> Exception:
    """Return the error for a request that got no answer."""
    text = _chain_text(error)
    if isinstance(error, requests.TooManyRedirects):
        return AddressError("leads from one address to the next without an end")
    if isinstance(error, requests.exceptions.ProxyError):
        return PassingError(f"the proxy of the environment does not let us through ({_cause(error)})")
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE" in text:
        return AddressError(f"its certificate is not trusted ({_cause(error)})")
    if isinstance(error, requests.ConnectTimeout | requests.ReadTimeout):
        return PassingError("does not answer in time")
    if "proxy" in text.lower() or "socks" in text.lower():
        return AddressError(
            f"the proxy of the environment cannot be used ({_cause(error)}): "
            "see the variables HTTP_PROXY, HTTPS_PROXY and ALL_PROXY"
        )
    if isinstance(error, requests.exceptions.InvalidSchema):
        return AddressError(f"leads to an address that is neither http nor https ({error})")
    if isinstance(error, ValueError):
        return AddressError(f"leads to an address that cannot be read ({error})")
    return PassingError(f"cannot be reached ({_cause(error)})")


def of_body(error: Exception, size: int) -> PassingError:
    """Return the error for an answer that broke off, `size` bytes being there."""
    if isinstance(error, urllib3.exceptions.ReadTimeoutError | TimeoutError):
        return PassingError(f"sends nothing more after {size} bytes")
    return PassingError(f"breaks off after {size} bytes")


def _chain(error: BaseException) -> list[BaseException]:
    """An error and those below it, which libraries hide in arguments and reasons."""
    found: list[BaseException] = []
    ahead: list[BaseException | None] = [error]
    while ahead:
        item = ahead.pop(0)
        if item is None or item in found:
            continue
        found.append(item)
        nested = [*item.args, getattr(item, "reason", None)]
        ahead += [inner for inner in nested if isinstance(inner, BaseException)]
        ahead += [item.__cause__, item.__context__]
    return found


def _chain_text(error: BaseException) -> str:
    return " ".join(str(item) for item in _chain(error))


def _cause(error: BaseException) -> str:
    """What the operating system says at the bottom of it, which is shorter than the rest."""
    for item in _chain(error):
        if isinstance(item, OSError) and item.strerror:
            return str(item.strerror)
    return str(error)
