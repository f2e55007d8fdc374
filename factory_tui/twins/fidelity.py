"""Recorded exchanges of a service, and whether a twin answers as the service did. Pure.

Owns how a HAR file is read, what counts as the same answer, and how what a service made up (an id, a moment) stands for
what its twin made up in its place. It asks nobody.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from factory_tui.config.reading import Mistakes, Problem
from factory_tui.domain.decoding import prepared

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UNSENT = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding", "keep-alive")
"""Headers that are this side's own in a replay; HTTP/2's begin with a colon."""
LEAST = 4
"""Characters of a made-up text below which it may stand in a request by chance."""
WHYS = 6


class _Pair(msgspec.Struct, frozen=True):
    name: str
    value: str


class _Post(msgspec.Struct, frozen=True):
    text: str = ""


class _Asked(msgspec.Struct, frozen=True):
    method: str
    url: str
    headers: list[_Pair] = []
    postData: _Post = _Post()  # noqa: N815 - HAR's name


class _Content(msgspec.Struct, frozen=True):
    mimeType: str = ""  # noqa: N815 - HAR's name
    text: str = ""
    encoding: str = ""


class _Answered(msgspec.Struct, frozen=True):
    status: int
    content: _Content = _Content()


class _Entry(msgspec.Struct, frozen=True):
    request: _Asked
    response: _Answered


class _Log(msgspec.Struct, frozen=True):
    entries: list[_Entry]


class _Har(msgspec.Struct, frozen=True):
    log: _Log


class Recording(msgspec.Struct, frozen=True):
    """One recorded exchange."""

    number: int
    host: str
    method: str
    path: str
    """With its query."""
    headers: tuple[tuple[str, str], ...]
    body: str
    status: int
    media: str
    """The answer's media type, without parameters."""
    answer: bytes

    @property
    def asked(self) -> str:
        """In a line."""
        return f"{self.method} {self.path}"


def read_har(source: bytes, file: str) -> list[Recording]:
    """The exchanges of a HAR file, in their order; those without a response are left out. Raises Mistakes."""
    try:
        found = msgspec.json.decode(source, type=prepared(_Har))
        return [_recording(number, entry) for number, entry in enumerate(found.log.entries, 1) if entry.response.status]
    except (msgspec.DecodeError, ValueError) as error:
        remedy = "Export it again as HAR 1.2 with content, from a browser or a recording proxy."
        raise Mistakes(Problem(file, 0, "", f"is no HAR: {error}.", remedy)) from None


def _recording(number: int, entry: _Entry) -> Recording:
    url, content = urlsplit(entry.request.url), entry.response.content
    sent = [(one.name, one.value) for one in entry.request.headers]
    return Recording(
        number=number,
        host=url.hostname or "",
        method=entry.request.method,
        path=(url.path or "/") + (f"?{url.query}" if url.query else ""),
        headers=tuple((name, value) for name, value in sent if name.lower() not in UNSENT and name[:1] != ":"),
        body=entry.request.postData.text,
        status=entry.response.status,
        media=media(content.mimeType),
        answer=base64.b64decode(content.text) if content.encoding == "base64" else content.text.encode(),
    )


def media(content_type: str) -> str:
    """A media type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


class Comparison:
    """Answers against recorded ones, in the order of a recording.

    `volatile` are the keys whose values are made up anew each time. What a service made up is replaced by what the
    twin did from then on, in requests and in what is wanted of answers.
    """

    def __init__(self, volatile: Sequence[str]) -> None:
        self._volatile = {name.lower() for name in volatile}
        self._stands: dict[str, str] = {}

    def request(self, text: str) -> str:
        """A text of a recorded request, as the twin has to hear it."""
        for made in sorted(self._stands, key=len, reverse=True):
            text = text.replace(made, self._stands[made])
        return text

    def compare(self, wanted: Recording, status: int, content_type: str, body: bytes) -> tuple[str, ...]:
        """What differs; empty where the twin answered as the service did."""
        if status != wanted.status:
            return (f"status {status}, recorded {wanted.status}",)
        found: list[str] = []
        if media(content_type) != wanted.media and wanted.answer:
            found.append(f"content type {media(content_type) or 'none'}, recorded {wanted.media or 'none'}")
        try:
            then = json.loads(wanted.answer)
        except ValueError:
            same = self.request(wanted.answer.decode("utf-8", "replace")) == body.decode("utf-8", "replace")
            return (*found, *([] if same else ["another body"]))
        try:
            now = json.loads(body)
        except (ValueError, RecursionError):
            return (*found, "a body that is no JSON")
        self._learn(then, now)
        return tuple([*found, *self._differences("", then, now)][:WHYS])

    def _learn(self, then: Any, now: Any) -> None:
        """What the twin made up in place of what the service did."""
        if isinstance(then, dict) and isinstance(now, dict):
            for key in then.keys() & now.keys():
                one, other = then[key], now[key]
                texts = isinstance(one, str) and isinstance(other, str) and len(one) >= LEAST
                if key.lower() in self._volatile and texts and one != other:
                    self._stands.setdefault(one, other)
                self._learn(one, other)
        elif isinstance(then, list) and isinstance(now, list):
            for one, other in zip(then, now, strict=False):
                self._learn(one, other)

    def _differences(self, where: str, then: Any, now: Any, free: bool = False) -> Iterator[str]:
        if _kind(then) != _kind(now):
            yield f"{where or 'body'}: {_kind(now)}, recorded {_kind(then)}"
        elif isinstance(then, dict):
            for key in then.keys() - now.keys():
                yield f"{_below(where, key)}: missing"
            for key in now.keys() - then.keys():
                yield f"{_below(where, key)}: not in the recording"
            for key in (key for key in then if key in now):
                yield from self._differences(_below(where, key), then[key], now[key], key.lower() in self._volatile)
        elif isinstance(then, list):
            if len(then) != len(now):
                yield f"{where or 'body'}: {len(now)} items, recorded {len(then)}"
            for number, (one, other) in enumerate(zip(then, now, strict=False)):
                yield from self._differences(_below(where, str(number)), one, other, free)
        elif not free and then != now and not (isinstance(then, str) and self.request(then) == now):
            yield f"{where or 'body'}: {_short(now)}, recorded {_short(then)}"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, int | float):
        return "a number"
    return {str: "text", dict: "an object", list: "a list", type(None): "null"}[type(value)]


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
