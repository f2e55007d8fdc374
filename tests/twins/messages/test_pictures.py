"""What the twin refuses of pictures, in the words that the API is known to use."""

import base64
from typing import Any

import pytest

from factory_tui.domain.pictures import LARGEST
from tests.pictures import GIF, JPEG, WEBP, png
from tests.twins.messages.test_validate import USER, accepts, body, calls, refused

PNG = png(640, 480)
AT = "messages.0.content.0.image.source"


def shown(data: bytes | str = PNG, kind: str = "image/png", **more: Any) -> dict[str, Any]:
    encoded = data if isinstance(data, str) else base64.b64encode(data).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": encoded, **more}}


def told(*blocks: dict[str, Any]) -> dict[str, Any]:
    return body({"role": "user", "content": list(blocks)})


def source(**given: Any) -> dict[str, Any]:
    return told({"type": "image", "source": given})


@pytest.mark.parametrize(
    "accepted",
    [
        told(shown(), shown(JPEG, "image/jpeg"), shown(GIF, "image/gif"), *(shown(one, "image/webp") for one in WEBP)),
        told(*[shown()] * 100),
        told(shown(png(8000, 1))),
        source(type="url", url="https://example.org/a.png"),
        source(type="file", file_id="file_1"),
    ],
)
def test_what_the_api_takes(accepted: dict[str, Any]) -> None:
    accepts(accepted)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (told(shown(PNG[:-30])), "Could not process image"),
        (told(shown(b"<svg/>")), "Could not process image"),
        (told(shown("")), "Could not process image"),
        (told(shown("%%%")), f"{AT}.base64.data: Invalid base64 data"),
        (
            told(shown(PNG, "image/jpeg")),
            f"{AT}.base64: The image was specified using the image/jpeg media type, but the image appears to be a "
            "image/png image",
        ),
        (
            told(shown(PNG, "image/jpg")),
            f"{AT}.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
        ),
        (
            told(shown(png(8001, 1))),
            f"{AT}.base64.data: At least one of the image dimensions exceed max allowed size: 8000 pixels",
        ),
        (
            told(*[shown(png(1, 2001))] * 21),
            f"{AT}.base64.data: At least one of the image dimensions exceed max allowed size for many-image requests: "
            "2000 pixels",
        ),
        (told(*[shown()] * 101), "messages: Too much media: 0 document pages + 101 images > 100"),
        (source(type="base64", media_type="image/png"), f"{AT}.base64.data: Field required"),
        (source(type="url", url=3), f"{AT}.url.url: Input should be a valid string"),
        (source(type="url", url="x", data="y"), f"{AT}.url.data: Extra inputs are not permitted"),
        (
            source(type="bytes"),
            f"{AT}: Input tag 'bytes' found using 'type' does not match any of the expected tags: "
            "'base64', 'url', 'file'",
        ),
    ],
)
def test_what_it_refuses(wrong: dict[str, Any], words: str) -> None:
    assert refused(wrong) == words


def test_five_megabytes_are_those_of_base64() -> None:
    base = len(png(1, 1, b"x"))
    accepts(told(shown(png(1, 1, bytes(LARGEST // 4 * 3 - base)))))
    large = shown(png(1, 1, bytes(LARGEST // 4 * 3)))
    sent = len(large["source"]["data"])
    assert refused(told(large)) == f"{AT}.base64: image exceeds 5 MB maximum: {sent} bytes > {LARGEST} bytes"


def test_a_picture_in_a_tool_s_result_is_one_too() -> None:
    result = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "seen"}, shown("%")]}
    found = refused(body(USER, calls("a"), {"role": "user", "content": [result]}))
    assert found == "messages.2.content.0.tool_result.content.1.image.source.base64.data: Invalid base64 data"
