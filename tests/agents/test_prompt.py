"""What the agent is told before it begins."""

import base64

import pytest

from factory_tui.agents.prompt import Attachment, seed_prompt, system_prompt
from tests.pictures import png

PNG = png(640, 480)


def test_the_system_prompt_says_where_how_and_by_which_standards() -> None:
    prompt = system_prompt("/work", timeout=120, standards="Use {braces}.\n")
    for words in ("/work", "120 seconds", "standard library only", "tests/", "Use {braces}."):
        assert words in prompt


def test_no_standards_leave_no_empty_chapter() -> None:
    assert "Standards" not in system_prompt("/work", timeout=120, standards=" \n")


def test_the_agent_is_not_told_how_it_is_judged() -> None:
    for word in ("scenario", "vault", "holdout", "trajectory", "verdict", "satisfaction"):
        assert word not in system_prompt("/work", timeout=120).lower()


def test_attachments_are_shown_as_what_they_are() -> None:
    files = [Attachment("api.md", b"# API"), Attachment("shot.png", PNG), Attachment("x.bin", b"\xff\x00")]
    prompt = seed_prompt("Build it.\n", files, "be good")
    request, api, shot, image, binary = prompt.content
    assert (prompt.origin, prompt.system) == ("seed", "be good")
    assert request["text"] == "# The request\n\nBuild it."
    assert api["text"] == "# Attachment: api.md\n\n# API"
    assert shot["text"] == "# Attachment: shot.png"
    assert base64.b64decode(image["source"]["data"]) == PNG
    assert "2 bytes that are no text" in binary["text"]


def test_a_long_attachment_is_cut_and_says_so() -> None:
    [_, long] = seed_prompt("x", [Attachment("a.txt", b"y" * 100_007)], "").content
    assert long["text"].endswith("(7 characters more)")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (PNG[:-9], "(image/png that ends too early, or was changed: it cannot be shown)"),
        (png(8001, 2), "(image/png of 8001 x 2 pixels and"),
        (png(1, 1, bytes(5_000_000)), "too large to be shown"),
    ],
)
def test_a_picture_that_would_be_refused_is_named_in_words(data: bytes, words: str) -> None:
    (_, said) = seed_prompt("x", [Attachment("a.png", data)], "").content
    assert words in said["text"]


def test_of_many_pictures_each_may_be_smaller_and_the_last_are_too_many() -> None:
    def shown(*pictures: bytes) -> int:
        files = [Attachment(f"{number:03}.png", data) for number, data in enumerate(pictures)]
        return sum(block["type"] == "image" for block in seed_prompt("x", files, "").content)

    assert shown(*[png(2001, 1)] * 20) == 20
    assert shown(*[png(2001, 1)] * 20, PNG) == 1
    assert shown(*[PNG] * 103) == 100
