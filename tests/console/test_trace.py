"""The trace on its screen: a cursor, folding, a search, windows, times, and what a line is short for in full."""

import base64
import re
import sys
from pathlib import Path

import msgspec
import pytest

from factory_tui.console import mirror
from factory_tui.console.screens.output import OutputScreen
from factory_tui.console.widgets.output import Output
from factory_tui.console.widgets.tail import TailView
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from tests import snap
from tests.console import story
from tests.console.corpus import TRACES
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.console.test_hostile import UNSAFE
from tests.waiting import until

SIZES = [(80, 24), (120, 40), (200, 60)]
WORK = story.until(e.SnapshotTaken, "shortlinks-1", 1)
OUTPUT = "\n".join(f"test_{number} ... {'FAIL' if number % 40 == 7 else 'ok'}" for number in range(200))


def called(output: str, command: str = "python3 -m unittest -v") -> list[Event]:
    """A run whose agent ran one command: what it asked for, and what came."""
    teller = story.Teller()
    teller.say("", e.EngineStarted("1", 1, "w", "docker", True))
    tale = story.Tale(teller, "shortlinks-1", story.SHORTLINKS)
    tale.queued("shortlinks")
    asked = [{"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": f"cd app\n{command}"}}]
    tale.say(e.Answered(1, "m", msgspec.json.encode(asked).decode(), "tool_use", 1.0))
    tale.say(e.ToolCalled(1, "toolu_1", "bash", command), e.ToolReturned(1, "toolu_1", output, True, 1, 2.5, 12_000))
    return teller.events


def tail(stage: Stage) -> TailView:
    return stage.app.screen.query_one(TailView)


def under(stage: Stage) -> str:
    """The line under the cursor."""
    item = tail(stage).item
    return item.line.text if item and not tail(stage).following else ""


def lit(stage: Stage, role: str) -> list[str]:
    return [text for row in tail(stage)._drawn for text, its in row if its == role]


async def opened(stage: Stage) -> Output:
    await until(lambda: isinstance(stage.app.screen, OutputScreen), "it opens")
    shown = stage.app.screen.query_one(Output)
    await until(lambda: not shown.said or "reading" not in shown.said, "the journal answers")
    await stage.settle()
    return shown


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_folded_calls_are_one_line_each(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(WORK), size) as stage:
        await stage.press("down", "enter", "c", "up", "up")
        snap.check(stage.app, f"console/run-folded-{size[0]}x{size[1]}")
        await stage.press("c", "f")
        assert "calls folded" not in snap.text_of(stage.app)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_search_lights_what_it_found_and_says_how_much(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(WORK), size) as stage:
        await stage.press("down", "enter", "/", *"unittest", "enter", "N")
        snap.check(stage.app, f"console/run-search-{size[0]}x{size[1]}")
        assert "unittest" in lit(stage, "match")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_enter_opens_all_that_a_line_is_short_for(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(called(OUTPUT)), size) as stage:
        await stage.press("2", "enter", "enter")
        await opened(stage)
        snap.check(stage.app, f"console/output-{size[0]}x{size[1]}")
        await stage.press("escape")
        assert stage.app.scope == "run"
        assert not tail(stage).following, "where it was"


async def test_enter_opens_a_folded_call_before_its_output() -> None:
    async with on_stage(StoryFeed(called("a\nb\nc"))) as stage:
        await stage.press("2", "c", "enter")
        folded = len(tail(stage).reading.items)
        await stage.press("enter")
        assert len(tail(stage).reading.items) == folded + 3
        await stage.press("enter")
        assert (await opened(stage)).text.startswith("bash\n")


async def test_moving_beyond_the_newest_line_follows_again_and_lines_that_come_leave_the_cursor_where_it_is() -> None:
    async with on_stage(StoryFeed(WORK)) as stage:
        await stage.press("down", "enter", "up", "up")
        before = under(stage)
        following = story.tell()[len(WORK)]
        fact = e.Noticed("info", "noted")
        stage.feed.push(msgspec.structs.replace(following, fact=fact, run="shortlinks-1"))
        await stage.told(following.seq)
        assert under(stage) == before
        assert "1 new" in snap.text_of(stage.app)
        await stage.press("down", "down", "down", "down")
        assert tail(stage).following


async def test_n_and_upper_n_go_through_the_matches_and_esc_ends_the_search() -> None:
    async with on_stage(StoryFeed(WORK), (120, 40)) as stage:
        await stage.press("down", "enter", "/", *"who:tool FAIL", "enter")
        assert "1 of 1" in snap.text_of(stage.app)
        assert "FAIL" in under(stage)
        await stage.press("n")
        assert "no later line has it" in snap.text_of(stage.app)
        await stage.press("escape", "f", "/", *"tool:bash", "enter")
        assert "5 of 5  n N" in snap.text_of(stage.app)
        await stage.press("N")
        assert "4 of 5" in snap.text_of(stage.app)
        await stage.press("n", "escape")
        assert lit(stage, "match") == []
        assert "/ tool" not in snap.text_of(stage.app)
        assert stage.app.scope == "run"


async def test_n_and_upper_n_read_nothing_while_nothing_is_searched() -> None:
    async with on_stage(StoryFeed(WORK)) as stage:
        await stage.press("down", "enter")
        for key in ("N", "n"):
            await stage.press(key)
            assert "nothing is searched yet" in snap.text_of(stage.app)
            assert not [one for one in stage.app.workers if one.group == "search"]


async def test_a_search_goes_on_into_the_journal() -> None:
    teller = story.Teller()
    tale = story.Tale(teller, "shortlinks-1", story.SHORTLINKS)
    tale.queued("shortlinks")
    for number in range(2600):
        tale.say(e.ToolCalled(number, f"c{number}", "bash", f"echo {'needle' if number == 40 else number}"))
    async with on_stage(StoryFeed(teller.events)) as stage:
        await stage.press("2", "/", *"needle", "enter")
        assert "none here, N looks further back" in snap.text_of(stage.app)
        await stage.press("N")
        await until(lambda: "needle" in under(stage), "it is found")
        await stage.settle()
        assert "1 of 1" in snap.text_of(stage.app)
        await stage.press("/", *["backspace"] * 6, *"nowhere", "enter", "N")
        await until(lambda: stage.app.mirror.trace("shortlinks-1").complete, "all of it was read")
        await stage.settle()
        assert "none here" in snap.text_of(stage.app)


async def test_further_back_newer_lines_make_room_and_come_again_on_the_way_to_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mirror, "RING", 700)
    teller = story.Teller()
    tale = story.Tale(teller, "shortlinks-1", story.SHORTLINKS)
    tale.queued("shortlinks")
    for number in range(1600):
        tale.say(e.ToolCalled(number, f"c{number}", "bash", f"echo {'needle' if number == 40 else number}"))
    async with on_stage(StoryFeed(teller.events)) as stage:
        trace = stage.app.mirror.trace("shortlinks-1")
        await stage.press("2", "/", *"needle", "enter", "N")
        await until(lambda: "needle" in under(stage), "it is found")
        assert trace.last is not None
        assert len(trace.lines) <= 700
        for _ in range(4):
            before = trace.version
            await stage.press("end")
            if tail(stage).following:
                break
            await until(lambda before=before: trace.version > before, "newer lines come")  # type: ignore[misc]
        await stage.press("end")
        assert tail(stage).following
        assert "echo 1599" in snap.text_of(stage.app)
        await stage.press("N")
        await until(lambda: "needle" in under(stage), "it is found again")
        await stage.press("f")
        await until(lambda: trace.last is None and len(trace.lines) > 0, "the newest page is read")
        await stage.settle()
        assert "echo 1599" in snap.text_of(stage.app)


async def test_m_shows_the_last_minutes_alone() -> None:
    feed = StoryFeed(WORK)
    async with on_stage(feed) as stage:
        await stage.press("down", "enter", "m", "m", "m", "m")
        assert "last 1m" in snap.text_of(stage.app)
        feed.now += 3_600_000
        await stage.settle()
        assert "nothing in the last 1m" in snap.text_of(stage.app)
        await stage.press("m")
        assert "last" not in snap.text_of(stage.app).splitlines()[-4]


async def test_minutes_without_a_line_are_empty_for_one_who_reads_back_too() -> None:
    feed = StoryFeed(WORK)
    async with on_stage(feed) as stage:
        await stage.press("down", "enter", "up")
        feed.now += 3_600_000
        await stage.press("m", "m", "m", "m")
        assert "nothing in the last 1m" in snap.text_of(stage.app)
        tail(stage).wheel(-1)
        await stage.press("up", "pageup", "m")
        assert under(stage)
        assert "nothing in the last" not in snap.text_of(stage.app)


async def test_upper_t_says_times_in_another_way() -> None:
    async with on_stage(StoryFeed(WORK), (120, 40)) as stage:
        await stage.press("down", "enter")
        seen = []
        for _ in range(4):
            last = next(line for line in snap.text_of(stage.app).splitlines()[::-1] if "snapshot" in line)
            seen.append(last.strip("│").split("pass ")[0].strip())
            await stage.press("T")
        assert re.fullmatch(r"\d\d:\d\d:\d\d", seen[0])
        assert seen[1:] == ["+0.8s", "+24s", ""]


async def test_w_cuts_long_lines_and_left_and_right_move_them() -> None:
    events = called("x", "echo " + " ".join(f"word{number}" for number in range(60)))
    async with on_stage(StoryFeed(events)) as stage:
        await stage.press("2")
        assert "word20" in snap.text_of(stage.app)
        await stage.press("w")
        assert "word20" not in snap.text_of(stage.app)
        for _ in range(6):
            await stage.press("right")
        assert "word20" in snap.text_of(stage.app)
        assert "120 aside" in snap.text_of(stage.app)


async def test_a_click_chooses_a_line_and_another_one_opens_it() -> None:
    async with on_stage(StoryFeed(called(OUTPUT))) as stage:
        await stage.press("2")
        row = next(at for at, line in enumerate(snap.text_of(stage.app).splitlines()) if "bash python3" in line)
        await stage.pilot.click(offset=(30, row))
        await stage.settle()
        assert under(stage) == "bash python3 -m unittest -v"
        await stage.pilot.click(offset=(30, row))
        await opened(stage)


async def test_the_wheel_goes_back_and_comes_to_follow_again() -> None:
    async with on_stage(StoryFeed(story.until(e.VerdictReached, "shortlinks-1", 20))) as stage:
        await stage.press("down", "enter")
        before = snap.text_of(stage.app)
        trace = tail(stage)
        for _ in range(3):
            trace.wheel(-1)
        await stage.settle()
        assert not trace.following
        assert snap.text_of(stage.app).splitlines()[8] != before.splitlines()[8]
        for _ in range(4):
            trace.wheel(1)
        await stage.settle()
        assert trace.following


async def copied(stage: Stage, monkeypatch: pytest.MonkeyPatch, key: str) -> str:
    written: list[str] = []
    monkeypatch.setattr(stage.app._driver, "write", written.append)
    await stage.press(key)
    await until(lambda: any("\x1b]52" in text for text in written), "it is copied")
    sequence = next(text for text in written if "\x1b]52" in text)
    found = re.fullmatch(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", sequence)
    assert found
    return base64.b64decode(found[1]).decode()


async def test_y_copies_the_line_and_upper_y_the_whole_output(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_stage(StoryFeed(called(OUTPUT))) as stage:
        await stage.press("2", "up")
        assert await copied(stage, monkeypatch, "y") == under(stage)
        text = await copied(stage, monkeypatch, "Y")
        assert OUTPUT in text
        assert "python3 -m unittest -v" in text


async def test_o_opens_a_pager_or_behind_the_door_the_pane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = tmp_path / "shown"
    pager = tmp_path / "pager.py"
    pager.write_text("import shutil, sys\nshutil.copy(sys.argv[2], sys.argv[1])\n")
    monkeypatch.setenv("PAGER", f"{sys.executable} {pager} {shown}")
    async with on_stage(StoryFeed(called(OUTPUT))) as stage:
        await stage.press("2", "o")
        assert OUTPUT in (await opened(stage)).text
        await stage.press("escape")
        stage.app.folder = tmp_path
        await stage.press("o")
        await until(lambda: stage.app.flash is not None, "it says how that went")
        assert "cannot be lent" in str(stage.app.flash) or OUTPUT in shown.read_text()


async def test_a_long_output_is_searched_and_read_to_its_end() -> None:
    output = "\n".join(f"line {number} of many" for number in range(30_000)) + "\nneedle in the end\n" + "z" * 1_000_000
    async with on_stage(StoryFeed(called(output))) as stage:
        await stage.press("2", "enter", "enter")
        shown = await opened(stage)
        await stage.press("/", *"needle", "enter")
        assert "1 of 1" in snap.text_of(stage.app)
        assert "needle in the end" in snap.text_of(stage.app)
        await stage.press("end")
        assert "exit 1 in 2s, 12 kB left out of the middle" in snap.text_of(stage.app)
        await stage.press("pageup", "home")
        assert "command" in snap.text_of(stage.app)
        assert shown._wrapped.cache_info().currsize <= 512


async def test_hostile_output_stays_text_in_its_pane_however_it_is_read() -> None:
    text = "\n".join(TRACES.values()).encode("utf-8", "replace").decode()
    async with on_stage(StoryFeed(called(text))) as stage:
        await stage.press("2", "c", "enter", "enter", "enter")
        shown = await opened(stage)
        await stage.press("/", *"owned", "enter")
        pages = 0
        while pages < 60:
            drawn = snap.text_of(stage.app)
            assert not UNSAFE.search(drawn)
            assert len(drawn.splitlines()) == 24
            for strip in stage.app.screen._compositor.render_strips():
                assert strip.cell_length == 80
                assert all(segment.style is None or segment.style.link is None for segment in strip)
            await stage.press("pagedown" if pages % 10 else "n")
            pages += 1
        assert shown._top > (0, 0)
        await stage.press("end", "escape", "w", "right", "T")
        assert not UNSAFE.search(snap.text_of(stage.app))
