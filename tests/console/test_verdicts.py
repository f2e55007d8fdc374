"""The verdict matrix with its cursor, what is known of one cell of it, and the figures that say what would ship."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from factory_tui.config.settings import UiTable
from factory_tui.console.screens import questions
from factory_tui.console.verdicts import KEPT, OF_VERDICTS, Verdicts, to_settle
from factory_tui.console.widgets.matrix import Matrix
from factory_tui.console.widgets.pane import Motion
from factory_tui.console.widgets.verdict import Verdict
from factory_tui.domain import events as e
from factory_tui.domain.events import AnyFact, Event
from factory_tui.domain.reducer import fold
from tests import snap
from tests.console import story, tales
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.waiting import until

SIZES = [(80, 24), (120, 40), (200, 60)]
MANY, FEW = tales.judged(12, 40), tales.judged(3, 4)
"""Journals of a run: with many passes and scenarios, and with few."""


def cursor(stage: Stage) -> tuple[str, int]:
    cell = stage.app.screen.query_one(Matrix).cell
    assert cell is not None
    return cell.scenario[:8], cell.number


def move(stage: Stage, motion: Motion, times: int) -> None:
    assert stage.app.place is not None
    for _ in range(times):
        stage.app.place.go(motion)


def matrix(stage: Stage) -> list[str]:
    return ["".join(text for text, _ in row) for row in stage.app.screen.query_one(Matrix)._drawn]


async def shown(stage: Stage, text: str) -> str:
    """Wait until it is there, and give the whole screen."""
    await until(lambda: text in snap.text_of(stage.app), f"the screen says {text}")
    await stage.settle()
    return snap.text_of(stage.app)


def followed(events: Sequence[Event], *facts: AnyFact, run: str = "links-1") -> list[Event]:
    last = events[-1]
    more = [Event(last.seq + n, f"{last.seq + n:026}", last.at + n, fact, run) for n, fact in enumerate(facts, 1)]
    return [*events, *more]


def judgement(nth: int, probability: float, rationale: str, scenario: str) -> e.Judged:
    return e.Judged(
        3, 3, scenario, "vault", 7, nth, probability >= 0.5, probability, rationale, ("no link",), "opus", 3
    )


def verdict(scenario: str, index: int, satisfied: bool | None, evidence: str, **more: object) -> e.VerdictReached:
    probability = float(bool(satisfied))
    return e.VerdictReached(3, 3, scenario, "vault", index, satisfied, probability, evidence, **more)  # type: ignore[arg-type]


OF = "story-02-of-somebody-with-links"
PANEL = followed(
    FEW,
    judgement(1, 0.2, "the page says nothing of the end", OF),
    judgement(2, 0.7, "it is said in passing", OF),
    judgement(3, 0.3, "nobody would find it", OF),
    verdict(
        OF, 7, False, "then: GET /a\nwanted status: 410, observed 302", near_miss=0.3, judgements=3, dissent=1, panel=3
    ),
    verdict(OF, 8, None, "because: the twin closed the connection", twin="mail"),
)
"""A scenario whose third pass has a judged trajectory and a void one as well."""


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_many_passes_and_scenarios(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(MANY), size) as stage:
        await stage.press("2", "tab", "end")
        await shown(stage, "story-40")
        snap.check(stage.app, f"console/verdicts-many-{size[0]}x{size[1]}")


@pytest.mark.parametrize(("passes", "size"), [(1, (80, 24)), (3, (120, 40)), (3, (200, 60))], ids=str)
async def test_few_of_them(passes: int, size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(tales.judged(passes, 4)), size) as stage:
        await stage.press("2", "tab")
        snap.check(stage.app, f"console/verdicts-few-{size[0]}x{size[1]}")


async def test_a_verdict_alone_on_a_narrow_terminal_and_back_to_all_of_them() -> None:
    async with on_stage(StoryFeed(PANEL)) as stage:
        await stage.press("2", "tab")
        before = snap.text_of(stage.app)
        await stage.press("enter")
        text = await shown(stage, "judgement 2 of at most 3")
        snap.check(stage.app, "console/verdict-80x24")
        assert "near miss ━━━─────── 30%" in text
        assert "3 judgements, 1 of another mind" in text
        await stage.press("end")
        text = snap.text_of(stage.app)
        assert "nobody would find it" in text
        assert "○ #8 void, by a fault of twin mail: counted for nobody" in text
        await stage.press("escape")
        assert snap.text_of(stage.app) == before
        await stage.press("escape")
        assert stage.app.scope == "floor"


async def test_a_wide_terminal_shows_it_below_the_trace_and_it_follows_the_cursor() -> None:
    async with on_stage(StoryFeed(PANEL), (120, 40)) as stage:
        await stage.press("2")
        assert "#7 not satisfied" not in snap.text_of(stage.app)
        await stage.press("tab")
        await shown(stage, "#7 not satisfied")
        snap.check(stage.app, "console/verdict-120x40")
        await stage.press("left")
        await shown(stage, "visit 2, 1 trajectory of the vault")
        assert "#7 not satisfied" not in snap.text_of(stage.app)
        await stage.press("shift+tab")
        assert "visit 2" not in snap.text_of(stage.app)


async def test_the_cursor_goes_through_passes_and_scenarios_and_stops_at_their_ends() -> None:
    async with on_stage(StoryFeed(MANY), (120, 40)) as stage:
        await stage.press("2", "tab")
        assert cursor(stage) == ("story-13", 12), "what is worst by now"
        move(stage, "left", 20)
        await stage.settle()
        assert cursor(stage) == ("story-13", 1)
        assert matrix(stage)[1].split()[:3] == ["│", "feedback", "1"]
        move(stage, "right", 20)
        await stage.press("end")
        assert cursor(stage) == ("story-40", 12)
        assert matrix(stage)[1].split()[1] == "vault", "the head of what is in sight"
        assert "12" in matrix(stage)[1].split()
        assert "story-40" in matrix(stage)[-2]
        await stage.press("home")
        assert cursor(stage) == ("story-01", 12)
        await stage.press("down", "down", "up")
        assert cursor(stage) == ("story-02", 12)


async def test_a_cursor_that_nobody_moved_goes_with_the_newest_pass_and_one_that_was_stays() -> None:
    following = tales.judged(4, 4)[len(FEW) :]
    for keys, number in (((), 4), (("left", "right"), 3)):
        async with on_stage(StoryFeed(FEW), (120, 40)) as stage:
            await stage.press("2", "tab", *keys)
            stage.feed.push(*following)
            await stage.told(following[-1].seq)
            assert cursor(stage)[1] == number


async def test_a_cursor_on_a_pass_that_there_was_not_then_is_on_the_newest_of_then() -> None:
    second = next(event.seq for event in MANY if isinstance(event.fact, e.PassEnded) and event.fact.number == 2)
    async with on_stage(StoryFeed(MANY), (120, 40)) as stage:
        await stage.press("2", "tab", "left", "right")
        put = cursor(stage)
        stage.app.visit(second, "links-1", "run")
        await until(lambda: stage.app.then is not None, "the past is there")
        await stage.settle()
        await stage.press("tab")
        assert cursor(stage) == (put[0], 2)
        await stage.press("left")
        assert cursor(stage) == (put[0], 1)


async def test_a_click_moves_the_cursor_and_a_second_one_opens() -> None:
    async with on_stage(StoryFeed(FEW), (120, 40)) as stage:
        await stage.press("2", "tab")
        lines = matrix(stage)
        row = next(at for at, line in enumerate(lines) if "story-04" in line)
        column = lines[1].index(" 2 ") + 1
        await stage.pilot.click(Matrix, offset=(column, row))
        await stage.settle()
        assert cursor(stage) == ("story-04", 2)
        await stage.pilot.click(Matrix, offset=(column, row))
        await stage.settle()
        assert isinstance(stage.app.place and stage.app.place.pane, Verdict)


async def test_enter_on_the_floors_matrix_opens_the_run_with_that_verdict() -> None:
    async with on_stage(StoryFeed(FEW), (120, 40)) as stage:
        await stage.press("shift+tab", "left", "enter")
        assert stage.app.scope == "run"
        assert cursor(stage) == ("story-02", 2)
        await shown(stage, "visit 2, 1 trajectory of the vault")


async def test_without_colours_and_in_ascii_the_cell_under_the_cursor_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with on_stage(StoryFeed(PANEL), ui=UiTable(glyphs="ascii")) as stage:
        await stage.press("2", "tab")
        snap.check(stage.app, "console/verdicts-ascii-80x24")
        assert any(line.count(">x") == 1 for line in matrix(stage))
        await stage.press("enter")
        assert "x #7 not satisfied  near miss ###------- 30%" in await shown(stage, "#7 not")


async def test_hostile_words_of_a_verdict_stay_words() -> None:
    nasty = verdict(OF, 9, False, "\x1b]0;owned\x07\x1b[2Jgot: \u202etxt.exe\u200b\n" + "漢" * 9000)
    said = judgement(1, 0.1, "[bold red]\x1b[31m never\x9b", OF)
    async with on_stage(StoryFeed(followed(FEW, said, nasty))) as stage:
        await stage.press("2", "tab", "enter")
        text = await shown(stage, "txt.exe")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e]", text)
        assert "[bold red]� never" in text


class Read(StoryFeed):
    """Knows what of the journal was asked for."""

    def __init__(self, past: Sequence[Event]) -> None:
        super().__init__(past)
        self.asked: list[int | None] = []

    async def events(
        self,
        run: str | None,
        before: int | None,
        limit: int,
        after: int | None = None,
        *,
        kinds: tuple[str, ...] | None = None,
        actor: str | None = None,
    ) -> Sequence[Event]:
        if kinds == OF_VERDICTS:
            self.asked.append(before)
        return await super().events(run, before, min(limit, 30), after, kinds=kinds, actor=actor)


async def test_a_pass_is_read_when_it_is_looked_at_back_to_its_first_verdict_and_once() -> None:
    feed = Read(MANY)
    async with on_stage(feed, (120, 40)) as stage:
        await stage.press("2")
        assert feed.asked == []
        await stage.press("tab")
        await until(lambda: len(feed.asked) == 2 and feed.asked[0] is None, "a pass is longer than a page")
        await stage.press("down", "down", "up")
        assert len(feed.asked) == 2, "all of a pass is held"
        await stage.press("left")
        await shown(stage, "visit 11")
        assert feed.asked[2] is not None, "what lies after it is not read again"
        await stage.press("right")
        assert None not in feed.asked[1:]


def test_of_many_passes_those_looked_at_last_are_held() -> None:
    held = Verdicts()
    for number in range(1, KEPT + 2):
        held.open("links-1", number)
        held.page("links-1", number, MANY)
    assert held.look("links-1", 1) is None
    kept = held.look("links-1", 2)
    assert kept is not None
    assert [one.visit for one in kept.of("story-13-of-somebody-with-links")] == [2]


async def test_why_it_cannot_be_read_is_said() -> None:
    class Refuses(StoryFeed):
        async def events(
            self,
            run: str | None,
            before: int | None,
            limit: int,
            after: int | None = None,
            *,
            kinds: tuple[str, ...] | None = None,
            actor: str | None = None,
        ) -> Sequence[Event]:
            if kinds == OF_VERDICTS:
                raise ConnectionError("the journal is away")
            return await super().events(run, before, limit, after, kinds=kinds)

    async with on_stage(Refuses(FEW)) as stage:
        await stage.press("2", "tab", "enter")
        await shown(stage, "The journal cannot be read: the journal is away")


async def test_d_compares_the_pass_under_the_cursor_with_the_one_before_or_two_that_are_marked() -> None:
    feed = StoryFeed(MANY)
    async with on_stage(feed, (120, 40)) as stage:
        await stage.press("2", "tab", "left")
        assert "d pass 10 to 11  space marks" in matrix(stage)[-1]
        await stage.press("d", "escape", "space")
        move(stage, "left", 4)
        assert "pass 11 marked: space on another" in matrix(stage)[-1]
        await stage.press("space")
        assert "d compares pass 7 with 11" in matrix(stage)[-1]
        await stage.press("d", "escape", "space")
        move(stage, "left", 6)
        await stage.press("d")
        await until(lambda: len(feed.diffs) == 3, "all are asked for")
        assert [pair for _, *pair in feed.diffs] == [[10, 11], [7, 11], [0, 1]]


async def test_a_pass_without_an_output_is_compared_with_nothing() -> None:
    async with on_stage(StoryFeed(followed(FEW, e.PassBegan(4, tales.OLD))), (120, 40)) as stage:
        await stage.press("2", "tab", "right", "d")
        assert "pass 4 has no output yet" in snap.text_of(stage.app)
        await stage.press("space", "left", "space", "d")
        assert "pass 4 has no output" in snap.text_of(stage.app)
        assert stage.feed.diffs == []


async def test_a_pass_is_marked_only_where_there_is_one_under_a_cursor() -> None:
    async with on_stage(StoryFeed(FEW), (120, 40)) as stage:
        await stage.press("2", "space")
        assert "the cursor is on no pass" in snap.text_of(stage.app)
        assert stage.app.marked == {}


async def test_t_begins_with_the_pass_under_the_cursor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Sequence[str]] = []
    monkeypatch.setattr(questions, "lend", lambda _app, words, _what, stays: started.append(words))
    async with on_stage(StoryFeed(MANY), (120, 40)) as stage:
        stage.app.folder = tmp_path
        await stage.press("2", "tab", "left", "t", "enter")
    assert started[0][-2:] == ["--pass", "11"]


def settling(decision: str, why: str, *after: AnyFact) -> tuple[str, str]:
    share = story.satisfaction(3, 4)
    ended = e.VisitEnded(3, 3, "screen", share, share, 0.4, decision, why)  # type: ignore[arg-type]
    events = followed(FEW, ended, *after)
    return to_settle(fold(events).runs["links-1"], ended)


def test_how_many_more_would_settle_it() -> None:
    began = e.VisitBegan(4, 3, "confirm", "c", 16)
    due = f"4 of 4 vault trajectories satisfied: a confirm is due; 12 {e.SETTLES}"
    fine, bad = (e.VerdictReached(4, 3, OF, "vault", 1, good, float(good), "") for good in (True, False))
    assert settling("confirm", due) == ("12 more", "all satisfied")
    assert settling("confirm", due, began, fine) == ("11 more", "all satisfied")
    assert settling("confirm", due, began, fine, bad) == ("at most 14 more", "in this confirm")
    assert settling("unsatisfied", f"2 of 4: 9 {e.SETTLES}", e.PassBegan(4, tales.OLD)) == (
        "9 more of pass 3",
        "all satisfied",
    )
    said = "2 of 4 vault trajectories satisfied: not even satisfying all that is left would ship"
    assert settling("unsatisfied", said) == ("", "not even satisfying all that is left would ship")
    assert to_settle(fold(FEW).runs["links-1"], None) == ("", "")


async def test_what_would_ship_it_is_read_from_the_journal_and_stands_on_every_size() -> None:
    share = story.satisfaction(4, 4)
    ended = e.VisitEnded(3, 3, "screen", share, share, 0.55, "confirm", f"4 of 4: a confirm is due; 12 {e.SETTLES}")
    events = followed(FEW, ended)
    async with on_stage(StoryFeed(events)) as stage:
        await stage.press("2")
        text = await shown(stage, "12 more to settle")
        assert re.search(r" vault 100% \d+-100  ships at 80% bound 55%  12 more to settle  gap [+-]\d+", text)
        await stage.pilot.resize_terminal(120, 40)
        await stage.settle()
        text = snap.text_of(stage.app)
        assert "to settle 12 more, all satisfied" in text
        assert "told      30% of a story, 20 bits of vault" in text
        await stage.pilot.resize_terminal(200, 60)
        await stage.settle()
        assert [line for line in snap.text_of(stage.app).splitlines() if re.search(r"  2  \d+% .* \d+% .* \d+%", line)]
