"""What an agent writes stays text, in its own pane, whatever it is."""

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from factory_tui.console.linefilter import HostileFilter
from factory_tui.console.paint import cut, fit, left, width, wrap
from factory_tui.console.trace import TEXT, lines
from factory_tui.console.widgets.tail import TailView
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.live import LiveOutput, LiveText
from tests import snap
from tests.console import story
from tests.console.corpus import TRACES
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.console.test_real_link import engine_at
from tests.console.test_terminal import CODE
from tests.terminal import Terminal

PAST = story.until(e.ToolCalled, "shortlinks-1", 2)
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def facts(text: str) -> list[e.AnyFact]:
    """Every place where an agent's words reach the screen."""
    return [
        e.ToolCalled(9, "t", "bash", text),
        e.ToolReturned(9, "t", text, True, 1),
        e.Answered(9, "m", text, "end_turn", 0.1),
        e.VerdictReached(1, 1, "expires", "feedback", 0, False, 0.0, text),
        e.CheckpointRan("tests", text, 1, text, 0.1, False),
        e.EscalationRaised("E-1", "jam", "stalled", "ana", text, (text[:50],), text),
        e.RunMoved("running", None, text),
        e.NodeLeft("start", 1, "fail", "generate", 0.1, text),
    ]


def outside(stage: Stage) -> list[list[tuple[str, str]]]:
    """Every character of the screen with its looks, but those inside the trace's frame."""
    where = stage.app.screen.query_one(TailView).region
    found: list[list[tuple[str, str]]] = []
    for y, strip in enumerate(stage.app.screen._compositor.render_strips()):
        assert strip.cell_length == stage.app.size.width
        inside = where.y < y < where.bottom - 1
        parts = [strip.crop(0, where.x + 1), strip.crop(where.right - 1)] if inside else [strip]
        found.append([(char, str(segment.style)) for part in parts for segment in part for char in segment.text])
    return found


def spoken(text: str) -> list[e.AnyFact]:
    """Where words of a cell or a model come into a trace, and nowhere else."""
    called, returned = e.ToolCalled(9, "t", "bash", text), e.ToolReturned(9, "t", text, True, 1)
    return [called, returned, e.Answered(9, "m", text, "x", 0.1)]


def told(after: int, found: Sequence[e.AnyFact]) -> list[Event]:
    return [Event(after + n, "h", PAST[-1].at, fact, "shortlinks-1") for n, fact in enumerate(found, 1)]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
async def test_sixty_hostile_traces_change_no_cell_outside_their_pane(size: tuple[int, int]) -> None:
    assert len(TRACES) == 60
    async with on_stage(StoryFeed(PAST), size) as stage:
        await stage.press("down", "enter")
        reached, events = list[str](), told(len(PAST), spoken("x"))
        stage.feed.push(*events)
        await stage.told(events[-1].seq)
        before = outside(stage)
        for name, text in TRACES.items():
            events = told(events[-1].seq, spoken(text))
            for event in events:
                stage.feed.push(LiveText("shortlinks-1", 9, text), LiveOutput("shortlinks-1", "t", "stdout", text))
                stage.feed.push(event)
            await stage.told(events[-1].seq)
            if outside(stage) != before or UNSAFE.search(snap.text_of(stage.app)):
                reached.append(name)
        assert reached == []


@pytest.mark.parametrize("name", list(TRACES))
def test_a_trace_of_the_corpus_becomes_safe_lines(name: str) -> None:
    for fact in facts(TRACES[name]):
        for line in lines(Event(1, "x", 0, fact, "shortlinks-1")):
            assert len(line.text) <= TEXT
            assert not UNSAFE.search(line.text)


@pytest.mark.parametrize("name", ["clears the screen", "a link", "bidi", "markup", "a line of a megabyte", "families"])
async def test_hostile_text_in_a_question_or_a_verdict_leaves_the_frames_as_they_are(name: str) -> None:
    async with on_stage(StoryFeed(PAST), (120, 40)) as stage:
        await stage.press("down", "enter")
        before = snap.text_of(stage.app).splitlines()
        events = told(len(PAST), facts(TRACES[name]))
        stage.feed.push(*events)
        await stage.told(events[-1].seq)
        text = snap.text_of(stage.app)
        assert not UNSAFE.search(text)
        assert len(text.splitlines()) == len(before)
        assert text.splitlines()[1] == before[1], "the frame of the loop is as it was"
        for strip in stage.app.screen._compositor.render_strips():
            assert strip.cell_length == 120
            assert all(segment.style is None or segment.style.link is None for segment in strip)
            assert all(segment.style is None or not segment.style.meta.get("@click") for segment in strip)


@given(st.text(), st.integers(1, 60))
def test_cutting_and_padding_keep_to_their_cells(text: str, room: int) -> None:
    flat = " ".join(text.split())
    assert width([(cut(flat, room), "text")]) <= room
    assert width([(left(flat, room), "text")]) == room
    assert width(fit([(flat, "text"), (flat, "dim")], room)) == room


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Mn", "Me")), max_size=300),
    st.integers(8, 60),
)
def test_wrapping_loses_no_word(text: str, room: int) -> None:
    flat = " ".join(text.split())
    wrapped = wrap(flat, room)
    assert all(width([(line, "text")]) <= room for line in wrapped)
    assert "".join(wrapped).replace(" ", "") == flat.replace(" ", "")


@given(st.text(max_size=2000))
def test_a_trace_line_is_one_safe_line(text: str) -> None:
    for fact in facts(text):
        for line in lines(Event(1, "x", 0, fact, "shortlinks-1")):
            assert len(line.text) <= TEXT
            assert "\n" not in line.text
            assert not UNSAFE.search(line.text)


@given(st.lists(st.text(max_size=40), max_size=5))
def test_the_filter_keeps_the_width_and_lets_nothing_through(texts: list[str]) -> None:
    segments = [Segment(text, Style(link="https://evil.example")) for text in texts]
    out = HostileFilter().apply(segments, Color(0, 0, 0))
    assert sum(s.cell_length for s in out) == sum(s.cell_length for s in segments)
    assert not UNSAFE.search("".join(segment.text for segment in out))
    assert all(segment.style is None or segment.style.link is None for segment in out)


async def test_on_a_real_terminal_clipboard_and_title_stay_as_they_are(tmp_path: Path) -> None:
    socket = tmp_path / "engine.sock"
    async with engine_at(socket, PAST) as engine:
        with Terminal([sys.executable, "-c", CODE, str(socket)]) as terminal:
            await asyncio.to_thread(terminal.until, b"live")
            terminal.type(b"j2")
            await asyncio.to_thread(terminal.until, b"shortlinks-1")
            for trace in TRACES.values():
                text = trace[:20_000].encode("utf-8", "replace").decode()
                engine.server.show(LiveText("shortlinks-1", 9, text))
                engine.go_on(told(engine.events[-1].seq, spoken(text)))
            engine.go_on(told(engine.events[-1].seq, spoken("all of it was told")))
            await asyncio.to_thread(terminal.until, b"all of it was told")
            terminal.type(b"q")
            await asyncio.to_thread(terminal.until, b"\x1b[?1049l")
            drawn = re.sub(rb"\x1b\]22;[a-z]*\x07", b"", terminal.got)  # the pointer's shape, which is Textual's
            assert re.findall(rb"\x1b\][^\x07\x1b]*", drawn) == [], "no title, clipboard, link or notice"
            assert not re.search(rb"[\x00\x05\x07\x0e\x0f]|\x1b[PX^_c]", drawn)
