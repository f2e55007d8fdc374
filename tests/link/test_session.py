"""docs/protocol.md's example sessions, replayed against a real server: every line in them is what is said."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_tui import __version__
from factory_tui.domain.events import Noticed
from factory_tui.domain.gauges import Gauge
from factory_tui.domain.live import LiveCell, LiveText
from factory_tui.link.server import user_name
from tests.link.conftest import DEADLINE, SmallEngine

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
CELL = LiveCell("4f0c", "shortlinks-1", "agent", 0, "docker", True, "factory-cell", 1_700_000_000_000, Gauge(8 << 20))
HAPPENS: dict[str, Callable[[SmallEngine], None]] = {
    "the engine journals a notice": lambda engine: engine.record(Noticed("info", "both seeds are queued")),
    "a cell is looked at": lambda engine: engine.show(CELL),
    "the model's answer streams": lambda engine: engine.show(LiveText("shortlinks-1", 3, "I will begin with")),
}


def sessions() -> list[list[str]]:
    """The lines of the page's sessions: `> ` from the console, `< ` from the engine, `# ` what happens."""
    blocks = PAGE.read_text(encoding="utf-8").split("```session\n")[1:]
    return [block.partition("```")[0].splitlines() for block in blocks]


def heard(data: bytes) -> Any:
    """A line as the page shows it: with its user and its version."""
    message = json.loads(data)
    if message["type"] == "full-state" and message["role"] == "admin":
        assert message["actor"] == user_name(os.geteuid())
        message["actor"] = "ada"
    if message["type"] == "hello":
        assert message["software"] == f"factory-tui {__version__}"
        message["software"] = "factory-tui 0.1.0"
    return message


@pytest.mark.parametrize("lines", sessions(), ids=["owner", "viewer"])
async def test_the_page_shows_what_is_said(engine: SmallEngine, lines: list[str]) -> None:
    assert len(lines) > 7
    reader, writer = await asyncio.open_unix_connection(str(engine.path))
    for number, text in enumerate(lines, 1):
        mark, said = text[0], text[2:]
        if mark == ">":
            writer.write(said.encode() + b"\n")
        elif mark == "#":
            HAPPENS[said](engine)
        else:
            async with asyncio.timeout(DEADLINE):
                assert heard(await reader.readline()) == json.loads(said), f"line {number}"
    writer.close()
    await writer.wait_closed()
