"""What a picture is by its bytes, whole and in part."""

import zlib
from pathlib import Path

import pytest

from factory_tui.domain.pictures import Broken, Picture, picture
from tests.pictures import GIF, JPEG, WEBP, png

REAL = sorted(Path(__file__).parents[2].glob("docs/pictures/*.png"))


@pytest.mark.parametrize(
    ("data", "kind"),
    [(png(640, 480), "image/png"), (JPEG, "image/jpeg"), (GIF, "image/gif"), *((one, "image/webp") for one in WEBP)],
)
def test_a_picture_is_known_by_its_bytes(data: bytes, kind: str) -> None:
    assert picture(data) == Picture(kind, 640, 480)
    for end in (len(data) // 2, len(data) - 3):
        with pytest.raises(Broken):
            picture(data[:end])


def test_real_ones_are_taken_and_one_that_was_changed_is_not() -> None:
    known = [path.read_bytes() for path in REAL]
    assert known
    assert {found.kind if (found := picture(data)) else "" for data in known} == {"image/png"}
    data = known[0]
    with pytest.raises(Broken, match="was changed"):
        picture(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])


@pytest.mark.parametrize("data", [b"", b"# text", b"%PDF-1.7", b"BM\x00\x00", b"<svg/>", b"RIFF\x04\0\0\0WAVEfmt "])
def test_what_begins_otherwise_is_no_picture(data: bytes) -> None:
    assert picture(data) is None


def test_a_header_alone_is_no_picture() -> None:
    head = png(1, 1)[:33]
    end = b"\0\0\0\0IEND" + zlib.crc32(b"IEND").to_bytes(4)
    with pytest.raises(Broken, match="without its header or its content"):
        picture(head + end)
    with pytest.raises(Broken, match="without a size"):
        picture(png(0, 5))
    with pytest.raises(Broken, match="something else in it"):
        picture(b"\xff\xd8\xff\xe0\x00\x04ab<html>\xff\xd9")
