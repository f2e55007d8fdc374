"""What the Messages API refuses of pictures, in the words that it is known to use.

A picture by address or by file id is taken without a look: the twin has no network and keeps nothing.
"""

import base64
import binascii
from collections.abc import Iterator

from factory_tui.domain.pictures import (
    EDGE,
    EDGE_OF_MANY,
    LARGEST,
    MANY,
    MEDIA_TYPES,
    MOST,
    Broken,
    Picture,
    picture,
)
from factory_tui.twins.messages.request import Image, Prompt, ToolResult, reject

_FIELDS = {"base64": ("media_type", "data"), "url": ("url",), "file": ("file_id",)}
"""What each type of source has to have."""


def check_pictures(request: Prompt) -> None:
    """Hold every picture of a request against the rules of the API.

    Raises:
        RequestError: status 400, with the message that the API would send.
    """
    found = list(_pictures(request))
    if len(found) > MOST:
        reject(f"messages: Too much media: 0 document pages + {len(found)} images > {MOST}")
    for where, image in found:
        _check(f"{where}.image.source", image.source, len(found) > MANY)


def _pictures(request: Prompt) -> Iterator[tuple[str, Image]]:
    for at, message in enumerate(request.messages):
        if isinstance(message.content, str):
            continue
        for index, block in enumerate(message.content):
            where = f"messages.{at}.content.{index}"
            if isinstance(block, Image):
                yield where, block
            elif isinstance(block, ToolResult) and not isinstance(block.content, str):
                inner = enumerate(block.content)
                yield from ((f"{where}.tool_result.content.{n}", it) for n, it in inner if isinstance(it, Image))


def _check(where: str, source: dict[str, object], many: bool) -> None:
    kind = source.get("type")
    if not isinstance(kind, str) or kind not in _FIELDS:
        known = ", ".join(f"'{one}'" for one in _FIELDS)
        reject(f"{where}: Input tag {kind!r} found using 'type' does not match any of the expected tags: {known}")
    for field in _FIELDS[kind]:
        if not isinstance(source.get(field, ""), str):
            reject(f"{where}.{kind}.{field}: Input should be a valid string")
        if field not in source:
            reject(f"{where}.{kind}.{field}: Field required")
    if extra := source.keys() - {"type", *_FIELDS[kind]}:
        reject(f"{where}.{kind}.{min(extra)}: Extra inputs are not permitted")
    if kind == "base64":
        _look_at(f"{where}.base64", str(source["media_type"]), str(source["data"]), EDGE_OF_MANY if many else EDGE)


def _look_at(where: str, said: str, data: str, edge: int) -> None:
    if said not in MEDIA_TYPES:
        *others, last = (f"'{one}'" for one in MEDIA_TYPES)
        reject(f"{where}.media_type: Input should be {', '.join(others)} or {last}")
    if len(data) > LARGEST:
        reject(f"{where}: image exceeds 5 MB maximum: {len(data)} bytes > {LARGEST} bytes")
    found = _seen(where, data)
    if found.kind != said:
        reject(
            f"{where}: The image was specified using the {said} media type, but the image appears to be a "
            f"{found.kind} image"
        )
    if max(found.width, found.height) > edge:
        requests = " for many-image requests" if edge == EDGE_OF_MANY else ""
        reject(f"{where}.data: At least one of the image dimensions exceed max allowed size{requests}: {edge} pixels")


def _seen(where: str, data: str) -> Picture:
    try:
        found = picture(base64.b64decode(data, validate=True))
    except binascii.Error:
        reject(f"{where}.data: Invalid base64 data")
    except Broken:
        found = None
    if found is None:
        reject("Could not process image")
    return found
