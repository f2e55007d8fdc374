"""The workshop's pages: scenarios with what they were worth, twins with their faults, and A beside B."""

import pytest

from factory_tui.config.settings import UiTable
from factory_tui.console.comparing import differing, pair
from factory_tui.console.difference import beside, unified
from factory_tui.console.plain import table
from factory_tui.console.twinned import twins
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.reducer import fold
from factory_tui.domain.stories import stories
from tests import snap
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.console.tales import DIFF, NEW, OLD, benched
from tests.waiting import until

SIZES = [(80, 24), (120, 40), (200, 60)]
TWINS = ("4", "tab", "tab", "tab")


async def sent(stage: Stage) -> c.Command:
    await until(lambda: bool(stage.feed.commands), "a command is sent")
    return stage.feed.commands.pop()


def key_bar(stage: Stage) -> str:
    return snap.text_of(stage.app).splitlines()[-1]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_its_pages(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(benched()), size) as stage:
        await stage.press("4")
        await until(lambda: len(stage.app.mirror.past.revisions) == 3, "revisions come from the journal")
        await stage.press("v")
        snap.check(stage.app, f"console/bench-compare-{size[0]}x{size[1]}")
        await stage.press("tab")
        snap.check(stage.app, f"console/bench-scenarios-{size[0]}x{size[1]}")
        await stage.press("tab", "down")
        snap.check(stage.app, f"console/bench-twins-{size[0]}x{size[1]}")
        await stage.press("tab")
        snap.check(stage.app, f"console/bench-loop-{size[0]}x{size[1]}")


async def test_its_pages_in_ascii_and_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with on_stage(StoryFeed(benched()), (120, 40), ui=UiTable(glyphs="ascii")) as stage:
        await stage.press("4", "v")
        for key in ("d", "tab", "tab", "tab", "tab"):
            await stage.press(key)
            text = snap.text_of(stage.app)
            assert text.replace("…", ".").isascii(), text


async def test_a_twin_is_made_to_fail_for_the_chosen_run_by_a_key_and_to_answer_again() -> None:
    async with on_stage(StoryFeed(benched()), (120, 40)) as stage:
        await stage.press(*TWINS, "right", "T")
        assert await sent(stage) == c.SetFault("shortlinks-2", "mailer", "429")
        await stage.press("S")
        assert await sent(stage) == c.SetFault("shortlinks-2", "mailer", "500")
        await stage.press("L", "enter")
        assert "Write milliseconds, 1 to 30000." in snap.text_of(stage.app)
        await stage.press(*"2000", "enter")
        assert await sent(stage) == c.SetFault("shortlinks-2", "mailer", "latency=2000")
        await stage.press("O")
        assert stage.feed.commands == [], "it does so already"
        await stage.press("left", "down", "O")
        assert await sent(stage) == c.SetFault("shortlinks-1", "payments")


async def test_no_key_sets_a_fault_while_no_twin_is_looked_at() -> None:
    async with on_stage(StoryFeed(benched()), (120, 40)) as stage:
        await stage.press("4", "T")
        assert "the twins are not looked at" in snap.text_of(stage.app)
        await stage.press("L")
        assert not stage.app.screen.is_modal
        assert stage.feed.commands == []


async def test_a_fault_that_is_set_shows_who_set_it_and_is_told_again_once_it_is_cleared() -> None:
    past = benched()
    async with on_stage(StoryFeed(past), (120, 40)) as stage:
        await stage.press(*TWINS, "down")
        assert "▲ 429" in snap.text_of(stage.app)
        assert "429 by ana" in snap.text_of(stage.app)
        seq = past[-1].seq + 1
        taken = e.CommandTaken("02", c.SetFault("shortlinks-1", "payments"))
        stage.feed.push(Event(seq, f"{seq:026}", past[-1].at, taken, "shortlinks-1", "ana"))
        await stage.told(seq)
        assert "429 by ana" not in snap.text_of(stage.app)
        assert "judged under a fault: pass 5" in snap.text_of(stage.app)
        await stage.press("up")
        assert "judged under a fault" not in snap.text_of(stage.app), "of another twin"


async def test_the_run_itself_says_which_pass_was_judged_under_a_fault_and_what_is_set() -> None:
    async with on_stage(StoryFeed(benched()), (120, 40)) as stage:
        await stage.press("2")
        text = snap.text_of(stage.app)
        assert "by hand: payments 429" in text
        assert " 3  4 5f " in text
    assert "fault by hand: payments 429" in "\n".join(table(fold(benched())))


async def test_a_viewer_sees_twins_and_lets_them_be() -> None:
    async with on_stage(StoryFeed(benched(), role="viewer"), (120, 40)) as stage:
        await stage.press(*TWINS, "T", "S", "L", "O", "F")
        assert stage.feed.commands == []
        assert stage.app.screen is stage.app.place, "nothing is asked"


async def test_a_twin_of_another_seed_is_no_twin_of_the_run() -> None:
    past = benched()
    seq = past[-1].seq + 1
    corpus = e.CorpusRevised("checkout", "beef", (("pays", "vault"),), twins=(("bank", "unchecked"),))
    async with on_stage(StoryFeed([*past, Event(seq, f"{seq:026}", past[-1].at, corpus)]), (120, 40)) as stage:
        await stage.press(*TWINS, "T")
        assert "shortlinks-1 has no twin bank" in snap.text_of(stage.app)
        assert stage.feed.commands == []


async def test_twins_and_scenarios_are_filtered() -> None:
    async with on_stage(StoryFeed(benched()), (120, 40)) as stage:
        await stage.press(*TWINS, "slash", *"fidelity:drift", "enter")
        assert "mailer" in snap.text_of(stage.app)
        assert "api.payments" not in snap.text_of(stage.app)
        await stage.press("shift+tab", "slash", *"set:vault", "space", *"is:flaky", "enter")
        assert "None fits." in snap.text_of(stage.app)


async def test_a_run_is_forked_with_the_newest_revision_and_stands_beside_its_fork() -> None:
    async with on_stage(StoryFeed(benched()), (120, 40)) as stage:
        await stage.press("4", "F")
        assert "B is a new run" in snap.text_of(stage.app)
        await stage.press("right", "enter")
        assert await sent(stage) == c.Fork("shortlinks-1", seed="shortlinks")
        assert "A  shortlinks-1" in snap.text_of(stage.app), "they are compared at once"
        await stage.press("right", "F")
        assert "shortlinks-2 made its last output by the newest revision" in snap.text_of(stage.app)
        await stage.press("v")
        assert "A  shortlinks-1" not in snap.text_of(stage.app)


async def test_without_a_fork_there_is_nothing_to_compare_and_that_is_said() -> None:
    past = [event for event in benched() if event.run != "shortlinks-2"]
    async with on_stage(StoryFeed(past), (120, 40)) as stage:
        await stage.press("4")
        assert " compare" not in key_bar(stage)
        await stage.press("v")
        assert "F forks it with the newest revision" in snap.text_of(stage.app)


def test_what_differs_between_two_runs_is_told_by_the_passes_that_count() -> None:
    state = fold(benched())
    both = pair(state, state.runs["shortlinks-2"])
    assert both is not None
    assert both == pair(state, state.runs["shortlinks-1"])
    assert (both.a.id, both.b.id) == ("shortlinks-1", "shortlinks-2")
    assert both.a.measured is not None
    assert both.a.measured.number == 4, "pass 5 was judged under a fault"
    assert [one.scenario for one in differing(both) or ()] == ["counts-visits"]
    assert pair(state, None) is None


def test_what_is_known_of_scenarios_and_twins() -> None:
    state = fold(benched())
    known = {one.name: one for one in stories(state.seeds["shortlinks"], list(state.runs.values()))}
    assert (known["expires"].told, known["unicode-host"].told) == (0.61, None)
    assert (known["expires"].reviewed, known["expires"].stale) == (OLD, True)
    assert known["expires"].power.value is not None
    assert known["expires"].power.value > 0
    mailer, payments = twins(state)
    assert (mailer.host, mailer.lamp, mailer.seeds) == ("smtp.example", "drift", ("shortlinks",))
    assert (payments.seeds, [run.id for run in payments.runs]) == (
        ("checkout", "shortlinks"),
        ["shortlinks-2", "shortlinks-1"],
    )
    confirmed = [*benched(), Event(10_000, "z", 0, e.CorpusConfirmed("shortlinks", NEW), actor="ana")]
    assert not any(one.stale for one in stories(fold(confirmed).seeds["shortlinks"]))


def test_a_difference_stands_side_by_side_with_its_indentation_and_its_marks() -> None:
    diff = "@@ -1,3 +1,4 @@\n def f():\n-    return 1\n+    return 2\n+    # more\n end"
    rows = ["".join(text for text, _ in row).rstrip() for row in beside(diff, 63, "|")]
    assert rows == [
        "   1  def f():                 |    1  def f():",
        "   2 -    return 1             |    2 +    return 2",
        "                               |    3 +    # more",
        "   3  end                      |    4  end",
    ]
    assert len(list(unified(diff, 63))) == 6
    assert {len("".join(text for text, _ in row)) for row in beside(DIFF, 80, "|")} == {79}
