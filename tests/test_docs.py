"""What the pages tell people to type is understood, and what they point to is there."""

import re
import shlex
from pathlib import Path

import pytest

from factory_tui.arguments import parser

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^```(?:sh)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OF_A_RUN = "pause|resume|stop|steer|escalate|reseed|restart|cap|diff|shell|answer"
INLINE = re.compile(rf"`(factory-tui [^`]+|(?:{OF_A_RUN}) [A-Z][^`]+)`")
LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)\s]+)?\)")


def told(page: Path) -> list[str]:
    """Every command of ours on the page; where one of several may be said, each."""
    text = page.read_text().replace("\\|", "|")
    lines = [line for block in FENCED.findall(text) for line in block.splitlines() if line.startswith("factory-tui")]
    found = []
    for line in (*lines, *INLINE.findall(text)):
        words = shlex.split(line.removeprefix("factory-tui").split(" && ")[0].split(" > ")[0], comments=True)
        several = next((word for word in words if re.fullmatch(r"\w+(\|\w+)+", word)), "")
        found += [shlex.join(one if word == several else word for word in words) for one in several.split("|")]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_is_understood(page: Path) -> None:
    for command in told(page):
        words = ["2" if word in {"N", "DOLLARS"} else word for word in shlex.split(command)]
        try:
            parser().parse_args([word.strip("[]") for word in words if not word.endswith("...")])
        except SystemExit as refused:
            needs_more = not words or words == ["twin"]  # the name of a group alone
            if refused.code and not needs_more:
                pytest.fail(f"{page.name}: factory-tui {command}")


def anchors(page: Path) -> set[str]:
    """What a heading may be linked by."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_on_a_page_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        there = page.parent / target
        assert there.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(there), f"{page.name}: {target}{anchor}"
