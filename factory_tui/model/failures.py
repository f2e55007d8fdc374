"""What went wrong with a model call, in words for the operator, and whether trying again can help.

Owns the meaning of every error of the endpoint, the SDK and the stream. It does not retry and spends nothing.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from factory_tui.domain.events import HeldReason
from factory_tui.domain.hostile import one_line
from factory_tui.domain.money import CapName
from factory_tui.model.stream import BrokenStream, TooLong

_SAID = 1_500
"""Characters of what the endpoint said that are kept: a refused rehearsal names its nearest rule there."""


class ProviderHeld(Exception):  # noqa: N818
    """The run cannot have its answer now. The engine holds it with this reason."""

    def __init__(self, reason: HeldReason, why: str, retry_at: int | None = None, cap: CapName | None = None) -> None:
        super().__init__(why)
        self.reason: HeldReason = reason
        self.why = why
        """What happened, with the remedy."""
        self.retry_at = retry_at
        """UTC ms at which it is worth another try without a person; None: a person has to mend something."""
        self.cap = cap
        """The cap that stands against it, where one does."""


@dataclass(frozen=True)
class Failure:
    """One attempt that gave no answer."""

    why: str
    reason: HeldReason = "provider"
    again: bool = False
    """Whether another attempt may do better."""
    free: bool = False
    """Whether nothing was paid: the endpoint said that it did not take the call, or was never reached."""
    after: float | None = None
    """Seconds that the endpoint asked to wait."""

    @property
    def general(self) -> bool:
        """Whether any other call would have failed as well: the endpoint takes none, or is not there."""
        return self.again and (self.free or self.after is not None)


def of_status(status: int, said: str, endpoint: str, key_env: str, after: float | None) -> Failure:
    """A response with an error status."""
    free = 400 <= status < 500 or status == 529
    head = f"{endpoint} answered {status}: {said}"
    if _is_html(said):
        head = f"{endpoint} answered {status} with a web page ({one_line(said, 120)})"
        if status < 500:
            return Failure(f"{head}; check base_url of the model in config.toml", free=free)
    match status:
        case 401 | 403:
            remedy = f"check the key in {key_env}" if key_env else "name the variable with its key as key_env"
            return Failure(f"{head}; {remedy}, and base_url of the model in config.toml", "credential", free=free)
        case 404:
            return Failure(f"{head}; check id and base_url of the model in config.toml", free=free)
        case 408 | 409 | 429:
            return Failure(head, again=True, free=status != 408, after=after)
        case _ if status >= 500:
            return Failure(head, again=True, free=free, after=after)
    return Failure(head, free=free)


_LONGEST = 999_999_999.0
"""Seconds that may be asked for, in digits or by a date: a moment beyond the year 9999 can be shown to nobody."""
_STATUS = {
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "invalid_request_error": 400,
    "request_too_large": 413,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def of_stream_error(error: dict[str, Any], endpoint: str, key_env: str) -> Failure:
    """An `error` event in the middle of a stream: the same words as a status, but what came before may be paid."""
    kind = str(error.get("type", "api_error"))
    said = _say(f"{kind}: {error.get('message', '')}")
    failure = of_status(_STATUS.get(kind, 500), said, endpoint, key_env, None)
    return Failure(failure.why, failure.reason, again=failure.again)


def of_error(error: Exception, endpoint: str, key_env: str) -> Failure | None:
    """What the SDK or the stream raised; None for what is none of theirs."""
    import aiohttp  # noqa: PLC0415 - 1.2 s: not before the first call
    import anthropic  # noqa: PLC0415
    import httpx2  # noqa: PLC0415

    if isinstance(error, anthropic.APIStatusError):
        return of_status(
            error.status_code, _body(error.body, error.message), endpoint, key_env, retry_after(error.response.headers)
        )
    if isinstance(error, TooLong):
        return Failure(f"{endpoint}: {error}; the rest was not read. Check the endpoint, or lower max_tokens")
    if isinstance(error, BrokenStream):
        return Failure(f"{endpoint}: {error}; check that base_url speaks the Messages API", again=True)
    chain: list[BaseException] = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    # By aiohttp's word: httpx2 calls it a ConnectError, too, when a connection is lost that was there.
    unsent = any(
        isinstance(
            cause,
            (
                aiohttp.ClientConnectorError,
                aiohttp.ConnectionTimeoutError,
                aiohttp.InvalidURL,
                httpx2.UnsupportedProtocol,
                httpx2.InvalidURL,
            ),
        )
        for cause in chain
    )
    if isinstance(error, (TimeoutError, anthropic.APITimeoutError, httpx2.TimeoutException)):
        return Failure(f"{endpoint} did not answer in time", again=True, free=unsent)
    if isinstance(error, (anthropic.APIConnectionError, httpx2.TransportError)):
        why = f"no connection to {endpoint}, or it was cut ({type(chain[-1]).__name__}: {_say(str(chain[-1]))})"
        return Failure(f"{why}; check base_url of the model in config.toml and the network", again=True, free=unsent)
    if isinstance(error, (anthropic.AnthropicError, httpx2.HTTPError, httpx2.InvalidURL)):
        return Failure(f"{endpoint}: {_say(str(error))}", free=unsent)
    return None


def of_content_type(kind: str, start: bytes, endpoint: str) -> Failure:
    """A success that is no event stream, for example a web page."""
    got = "a web page" if _is_html(start.decode("utf-8", "replace")) else kind or "no content type"
    return Failure(
        f"{endpoint} answered {got} where an event stream of the Messages API was expected: "
        f"{_say(start.decode('utf-8', 'replace'))[:200]!r}; check base_url of the model in config.toml"
    )


def retry_after(headers: Any) -> float | None:
    """Seconds that the response asks to wait; None when it does not say.

    A date counts from that of the response: whose clock is right is no matter then.
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "")
        if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value):
            return float(value) * scale
    now, then = (_date(headers.get(name, "")) for name in ("date", "retry-after"))
    return min(max(0.0, (then - now).total_seconds()), _LONGEST) if now and then else None


def _date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _body(body: object, message: str) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return _say(f"{error.get('message') or error}")
    return _say(body if isinstance(body, str) and body else message)


def _say(text: str) -> str:
    return one_line(text, _SAID)


def _is_html(text: str) -> bool:
    return bool(re.match(r"\s*<(!doctype|html|head|body)\b", text, re.IGNORECASE))
