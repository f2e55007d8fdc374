"""What an agent writes stays text, in its own pane, whatever it is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from factory_tui.console.linefilter import HostileFilter
from factory_tui.console.paint import cut, fit, left, width, wrap
from factory_tui.console.trace import TEXT, lines
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.live import LiveText
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import on_stage

PAST = story.until(e.ToolCalled, "shortlinks-1", 2)
CORPUS = {
    "escape": "\x1b[2J\x1b[H\x1b[31mowned\x1b[0m",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07done",
    "title": "\x1b]0;evil\x07x",
    "link": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "bidi": "access \u202etxt.exe\u2066 level\u2069",
    "zero-width": "a\u200bb\u200dc\ufeffd\u2060e",
    "c1": "\x9b31mred\x90payload\x9c",
    "carriage": "fine\rEVIL",
    "markup": "[@click=app.exit]press[/] [bold red]x[/] [link=https://evil.example]y[/link]",
    "backspace": "abc\x08\x08\x08xyz",
    "long-line": "A" * 1_000_000,
    "many-lines": "\n" * 50_000 + "end",
    "wide": "漢字" * 500,
    "combining": "a" + "\u0301" * 3000,
    "surrogate": "\ud800 lone",
    "emoji": "👩‍👩‍👧‍👦 ️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
}
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


@pytest.mark.parametrize("name", list(CORPUS))
async def test_hostile_text_changes_nothing_outside_its_pane(name: str) -> None:
    async with on_stage(StoryFeed(PAST), (120, 40)) as stage:
        await stage.press("down", "enter")
        before = snap.text_of(stage.app).splitlines()
        at = len(PAST)
        events = [
            Event(at + 1 + n, f"h{n}", PAST[-1].at, fact, "shortlinks-1") for n, fact in enumerate(facts(CORPUS[name]))
        ]
        stage.feed.push(*events[:2], LiveText("shortlinks-1", 9, CORPUS[name]), *events[2:])
        await stage.told(at + len(events))
        text = snap.text_of(stage.app)
        after = text.splitlines()
        assert not UNSAFE.search(text)
        assert len(after) == len(before)
        bars = [" ".join(bar.split()).replace("a answer ", "") for bar in (before[-1], after[-1])]
        assert bars[0].split("p pause")[0] == bars[1].split("p pause")[0], (
            "the key bar is as it was, but for the answer"
        )
        assert after[1] == before[1], "the frame of the loop is as it was"
        assert stage.app.is_running
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
