"""What the screens show, at three sizes, cell by cell."""

import re
from decimal import Decimal

import pytest

from factory_tui.config.settings import UiTable
from factory_tui.console.widgets.card import Card
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.live import LiveText
from factory_tui.domain.money import Tokens
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import on_stage

SIZES = [(80, 24), (120, 40), (200, 60)]
MIDDLE = story.until(e.VerdictReached, "shortlinks-1", 45)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_floor(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(MIDDLE), size) as stage:
        snap.check(stage.app, f"console/floor-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_run(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(MIDDLE), size) as stage:
        await stage.press("down", "enter")
        snap.check(stage.app, f"console/run-{size[0]}x{size[1]}")


async def test_floor_when_all_have_shipped() -> None:
    async with on_stage(StoryFeed(story.tell())) as stage:
        snap.check(stage.app, "console/floor-shipped")


async def test_floor_without_runs() -> None:
    async with on_stage(StoryFeed(story.tell()[:1])) as stage:
        snap.check(stage.app, "console/floor-empty")


async def test_verdicts_take_the_pane_on_a_narrow_terminal() -> None:
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        await stage.press("down", "enter", "tab")
        snap.check(stage.app, "console/run-verdicts-80x24")
        await stage.press("shift+tab")
        snap.check(stage.app, "console/run-80x24")


async def test_a_pass_that_something_was_found_by_is_called_tainted_until_the_next_one() -> None:
    teller = story.Teller()
    tale = story.Tale(teller, "orders-etl-1", story.ORDERS)
    tale.queued("orders-etl")
    tale.say(e.PassBegan(1, "r"), e.LeakFound("a tool's result", ("words of gaps",), ("d1",)))
    async with on_stage(StoryFeed(teller.events), (120, 40)) as stage:
        await stage.press("enter")
        assert "1 of at most 10  tainted" in snap.text_of(stage.app)
        stage.feed.push(Event(len(teller.events) + 1, "r", teller.at, e.PassBegan(2, "r"), "orders-etl-1"))
        await stage.told(len(teller.events) + 1)
        assert "2 of at most 10 " in snap.text_of(stage.app)
        assert "tainted" not in snap.text_of(stage.app)


async def test_what_feedback_has_told_stands_beside_its_verdicts() -> None:
    told = e.Revealed(1, {"counts-visits": 0.63, "expires": 0.0}, 13.3)
    past = [*MIDDLE, Event(len(MIDDLE) + 1, "r", MIDDLE[-1].at, told, "shortlinks-1")]
    async with on_stage(StoryFeed(past), (120, 40)) as stage:
        await stage.press("down", "enter")
        lines = [line.rpartition("│")[0].rpartition("│")[2].split() for line in snap.text_of(stage.app).splitlines()]
        assert ["feedback", "1", "2", "near", "share", "told"] in lines
        assert ["counts-visits", "✓", "~", "60%", "50%", "63%"] in lines
        assert ["expires", "✗", "✓", "100%", "0%"] in lines
        assert ["count-under-load", "✗", "✗", "60%", "0%"] in lines
        assert ["vault", "1", "2", "near", "13", "bits"] in lines


async def test_three_passes_are_seen_before_long_names_are() -> None:
    teller = story.Teller()
    teller.say("", e.EngineStarted("1", 1, "w", "docker", True))
    tale = story.Tale(teller, "links-1", [("expiry-spares-the-neighbours", "vault"), ("custom-alias", "feedback")])
    tale.queued("links")
    for number in (1, 2, 3):
        tale.say(e.PassBegan(number, "9f3c1a7e55d0"))
        tale.look(number, "screen", {}, 1, "unsatisfied")
    tale.say(e.Revealed(1, {"custom-alias": 0.63}, 13.3))
    async with on_stage(StoryFeed(teller.events), (120, 40)) as stage:
        await stage.press("enter")
        lines = [line.rpartition("│")[0].rpartition("│")[2].split() for line in snap.text_of(stage.app).splitlines()]
        assert ["vault", "1", "2", "3", "13", "bits"] in lines
        assert any(re.fullmatch("expiry-spares-.*…bours ✓ ✓ ✓ 100%", " ".join(line)) for line in lines)
        assert ["custom-alias", "✓", "✓", "✓", "100%", "63%"] in lines


async def test_writing_is_shown_while_it_streams() -> None:
    past = story.until(e.Prompted, "shortlinks-1", 2)
    async with on_stage(StoryFeed(past)) as stage:
        stage.app.choose("shortlinks-1")
        stage.feed.push(LiveText("shortlinks-1", 4, "Expiry compares seconds\nwith milli"))
        stage.feed.push(LiveText("shortlinks-1", 4, "seconds."))
        following = story.tell()[len(past)]
        stage.feed.push(Event(following.seq, following.id, following.at, e.Noticed("info", "noted")))
        await stage.told(following.seq)
        text = snap.text_of(stage.app)
        assert "writing    Expiry compares seconds" in text
        assert "with milliseconds." in text


STREAMS = LiveText("shortlinks-1", 4, "Expiry compares seconds")
CUT = e.CallSettled(4, 1, Tokens(), Decimal("0.01"), Decimal("0.01"), 1.0, "cancelled", "cancelled")
"""A call that ended in the middle of its answer."""


@pytest.mark.parametrize("fact", [CUT, e.RunMoved("paused")], ids=["a call that was cut", "a run that was paused"])
async def test_nothing_is_said_to_be_written_once_it_was_cut_short(fact: e.AnyFact) -> None:
    past = story.until(e.Prompted, "shortlinks-1", 2)
    async with on_stage(StoryFeed(past)) as stage:
        stage.app.choose("shortlinks-1")
        following = story.tell()[len(past)]
        stage.feed.push(STREAMS, Event(following.seq, following.id, following.at, e.Noticed("info", "noted")))
        await stage.told(following.seq)
        assert "writing    Expiry" in snap.text_of(stage.app)
        stage.feed.push(Event(following.seq + 1, following.id, following.at, fact, "shortlinks-1"))
        await stage.told(following.seq + 1)
        assert "writing" not in snap.text_of(stage.app)


async def test_lamps_say_state_by_glyph_and_word() -> None:
    teller = story.Teller()
    teller.say("", *(event.fact for event in story.tell()[:1]))
    for number, state in enumerate(("paused", "held", "jammed", "signoff", "failed", "stopped"), 1):
        tale = story.Tale(teller, f"orders-etl-{number}", story.ORDERS)
        tale.queued("orders-etl", "live" if number % 2 else "rehearsal")
        reason = "provider" if state == "held" else None
        tale.say(e.RunMoved(state, reason, "the endpoint answered 529" if reason else ""))  # type: ignore[arg-type]
    async with on_stage(StoryFeed(teller.events)) as stage:
        snap.check(stage.app, "console/floor-lamps")


@pytest.mark.parametrize("width", [72, 80])
async def test_no_label_of_the_header_is_cut_however_much_there_is_to_say(width: int) -> None:
    teller = story.Teller()
    teller.say("", e.EngineStarted("1", 1, "w", "process", False))
    for number, state in enumerate(("queued", "running", "paused", "held", "jammed", "failed", "shipped") * 5, 1):
        tale = story.Tale(teller, f"orders-etl-{number}", story.ORDERS)
        tale.queued("orders-etl", "rehearsal")
        if state == "jammed":
            tale.say(e.EscalationRaised(f"E-{number}", "jam", "stalled", "ana", "Why?", ("go on", "stop")))
        tale.say(e.RunMoved(state, None, ""))  # type: ignore[arg-type]
    teller.say("", e.FloorFrozen(), actor="ana")
    async with on_stage(StoryFeed(teller.events, role="viewer"), (width, 24)) as stage:
        first = snap.text_of(stage.app).splitlines()[0]
        for word in ("10 in inbox", "FROZEN", " REHEARSAL ", " UNFENCED ", "read only", "live"):
            assert word in first


def shipped_to(path: str) -> list[Event]:
    """A run that shipped although nobody is greeted without a name."""
    teller = story.Teller()
    tale = story.Tale(teller, "hello-1", (("greets", "feedback"), ("no-name", "feedback"), ("greets-ana", "vault")))
    tale.queued("hello")
    tale.say(e.PassBegan(1, "9f3c1a7e55d0"))
    tale.look(1, "confirm", {"no-name": 0.0}, 2, "ship")
    tale.say(e.Shipped(path, "3b7e90c4", "sha256:77aa"), e.RunMoved("shipped"))
    return teller.events


@pytest.mark.parametrize("folder", ["/home/ana/factories/demo", "/srv" + "/deep" * 40])
async def test_the_card_says_where_a_run_shipped_to_and_what_is_not_satisfied(folder: str) -> None:
    path = f"{folder}/.factory/shipped/hello-1"
    async with on_stage(StoryFeed(shipped_to(path)), (120, 40)) as stage:
        rows = ["".join(text for text, _ in row) for row in stage.app.screen.query_one(Card).rows(44, 15)]
        text = snap.text_of(stage.app)
        assert "1 feedback story unsatisfied: no-name" in text
        said = "".join(row.strip() for row in rows[rows.index("  shipped to") + 1 :])
        assert len(rows) <= 15
        assert said == path or (said.startswith("…") and path.endswith(said[1:]))
        assert all(row.strip() in text for row in rows[-2:])


async def test_a_first_screen_says_how_far_the_vault_is() -> None:
    past = story.until(e.VerdictReached, "shortlinks-1", 12)
    async with on_stage(StoryFeed(past), (120, 40)) as stage:
        stage.app.choose("shortlinks-1")
        await stage.settle()
        text = snap.text_of(stage.app)
        assert " of 7 " in text.split("so far", 1)[1].splitlines()[0]
        assert "not measured yet" not in text


async def test_a_tick_is_for_success_only() -> None:
    past = story.until(e.PassBegan, "shortlinks-1", 2)
    teller = story.Teller()
    teller.events = list(past)
    teller.say("shortlinks-1", e.NodeEntered("generate", "codergen", 2), e.RunMoved("stopped"))
    async with on_stage(StoryFeed(teller.events), (120, 40)) as stage:
        stage.app.choose("shortlinks-1")
        await stage.press("enter")
        strip = snap.text_of(stage.app).splitlines()[2]
        for mark in ("✓ compile", "✓ tests", "✗ harness", "· gate", "○ ship"):
            assert mark in strip


async def test_what_a_run_is_about_to_do_is_said_beside_its_state() -> None:
    teller = story.Teller()
    teller.events = list(MIDDLE)
    teller.say("orders-etl-1", e.CommandTaken("c1", c.Pause("orders-etl-1")), actor="ana")
    for size, said in (((80, 24), "● pausing"), ((120, 40), "● running pausing")):
        async with on_stage(StoryFeed(teller.events), size) as stage:
            stage.app.choose("orders-etl-1")
            await stage.settle()
            assert said in snap.text_of(stage.app)
            await stage.press("enter")
            assert "● running  pausing" in snap.text_of(stage.app)


async def test_ascii_draws_nothing_else() -> None:
    async with on_stage(StoryFeed(MIDDLE), ui=UiTable(glyphs="ascii")) as stage:
        assert snap.text_of(stage.app).isascii()
        await stage.press("down", "enter")
        assert snap.text_of(stage.app).isascii()


async def test_without_colour_failing_and_asking_stand_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        assert stage.app.style_of("bad").bold
        assert stage.app.style_of("asks").reverse
        assert stage.app.style_of("bad+cursor").underline


@pytest.mark.parametrize("theme", ["dark", "light", "colour-blind"])
async def test_themes_draw(theme: str) -> None:
    async with on_stage(StoryFeed(MIDDLE), ui=UiTable(theme=theme)) as stage:
        before = stage.app.style_of("bad")
        assert stage.app.theme == theme
        await stage.press("down", "enter")
        stage.app.action_act("theme")
        assert stage.app.style_of("bad") != before
        assert "shortlinks-1" in snap.text_of(stage.app)


@pytest.mark.parametrize("size", [(71, 24), (80, 19)])
async def test_too_small_says_needed_and_actual(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(MIDDLE), size) as stage:
        text = snap.text_of(stage.app)
        assert "needed  72 x 20" in text
        assert f"actual  {size[0]} x {size[1]}" in text
        await stage.pilot.resize_terminal(80, 24)
        await stage.settle()
        snap.check(stage.app, "console/floor-80x24")


async def test_nothing_is_cut_in_the_middle_of_a_word_at_80_columns() -> None:
    said = " ".join(event.fact.text for event in MIDDLE if isinstance(event.fact, e.Noticed))
    async with on_stage(StoryFeed(MIDDLE)) as stage:
        for keys in ((), ("down", "enter"), ("tab",)):
            await stage.press(*keys)
            assert "…" not in snap.text_of(stage.app), said
