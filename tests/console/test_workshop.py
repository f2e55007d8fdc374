"""The workshop: seeds with their text, revisions and who used them, scenarios with their verdicts, the loop."""

import re
import sys
import textwrap
from pathlib import Path

import pytest

from factory_tui.config.settings import UiTable
from factory_tui.console.app import ConsoleApp
from factory_tui.console.bench import benches, elsewhere, offered, revisions, spans, uses
from factory_tui.console.past import Past
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.reducer import fold
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.console.tales import FIRST, NEW, OLD, SECOND, known
from tests.terminal import Terminal
from tests.waiting import until

SIZES = [(80, 24), (120, 40), (200, 60)]


async def loaded(stage: Stage) -> None:
    await until(lambda: len(stage.app.mirror.past.revisions) == 3, "revisions come from the journal")
    await stage.settle()


async def sent(stage: Stage) -> list[c.Command]:
    await until(lambda: bool(stage.feed.commands), "a command is sent")
    return stage.feed.commands


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_workshop(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(known()), size) as stage:
        await stage.press("4")
        await loaded(stage)
        snap.check(stage.app, f"console/workshop-{size[0]}x{size[1]}")
        await stage.press("d")
        snap.check(stage.app, f"console/workshop-diff-{size[0]}x{size[1]}")
        await stage.press("shift+tab", "up")
        snap.check(stage.app, f"console/workshop-problems-{size[0]}x{size[1]}")


@pytest.mark.parametrize("name", ["revisions", "judged"])
async def test_on_a_narrow_terminal_tab_shows_what_has_no_room(name: str) -> None:
    async with on_stage(StoryFeed(known())) as stage:
        await stage.press("4", *["tab"] * (2 if name == "judged" else 5))
        await loaded(stage)
        snap.check(stage.app, f"console/workshop-{name}-80x24")
        await stage.press(*["shift+tab"] * (1 if name == "judged" else 4))
        assert "# Short links" in snap.text_of(stage.app)


@pytest.mark.parametrize("key", ["", "d", "l", "tab"])
async def test_workshop_in_ascii_and_without_colour(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with on_stage(StoryFeed(known()), ui=UiTable(glyphs="ascii")) as stage:
        await stage.press("4", *([key] if key else []))
        await loaded(stage)
        assert snap.text_of(stage.app).isascii()


async def test_without_a_seed_it_says_how_to_write_one() -> None:
    bare = [story.tell()[0]]
    async with on_stage(
        StoryFeed([Event(1, bare[0].id, bare[0].at, e.EngineStarted("1", 1, "w", "docker", True))])
    ) as stage:
        await stage.press("4")
        assert "seeds/NAME.md" in snap.text_of(stage.app)


async def test_a_seed_without_scenarios_or_runs_says_what_to_do() -> None:
    facts: list[e.AnyFact] = [e.EngineStarted("1", 1, "w", "docker", True), e.SeedRevised("hello", OLD, FIRST)]
    teller = story.Teller()
    teller.say("", *facts)
    async with on_stage(StoryFeed(teller.events), (200, 60)) as stage:
        await stage.press("4")
        await until(lambda: len(stage.app.mirror.past.revisions) == 1, "the revision comes")
        await stage.settle()
        text = snap.text_of(stage.app)
        assert "scenarios/hello/" in text
        assert "n starts one" in text
        assert "Drawn once a run of this seed has begun" in text
        await stage.press("u")
        assert stage.feed.commands == []
        await stage.press("n")
        assert "hello" in snap.text_of(stage.app)


async def test_seeds_that_have_no_room_are_counted() -> None:
    teller = story.Teller()
    teller.say("", e.EngineStarted("1", 1, "w", "docker", True))
    for number in range(9):
        teller.say("", e.SeedRevised(f"seed-{number}", OLD, FIRST))
    async with on_stage(StoryFeed(teller.events)) as stage:
        await stage.press("4")
        await stage.settle()
        assert "seed-8" not in snap.text_of(stage.app)
        assert " 9 seeds " in snap.text_of(stage.app)
        for _ in range(8):
            await stage.press("down")
        assert "seed-8" in snap.text_of(stage.app)


async def test_a_rubric_without_a_human_label_says_so_in_its_row() -> None:
    sets: tuple[tuple[str, e.ScenarioSet], ...] = (("greets", "feedback"), ("polite", "vault"))
    teller = story.Teller()
    teller.say(
        "",
        e.EngineStarted("1", 1, "w", "docker", True),
        e.SeedRevised("hello", OLD, FIRST),
        e.CorpusRevised("hello", "c0ffee", sets, {"greets": "main", "polite": "edge"}, ("polite",)),
    )
    async with on_stage(StoryFeed(teller.events), (200, 60)) as stage:
        await stage.press("4")
        await stage.settle()
        text = snap.text_of(stage.app)
        assert "polite ? " in text
        assert "greets ? " not in text
        assert "? no human labels" in text


@pytest.mark.parametrize(
    ("lamp", "mark"), [("faithful", "✓"), ("unfaithful", "✗"), ("drift", "✗"), ("unchecked", "‖"), ("unrecorded", "○")]
)
async def test_the_twins_that_scenarios_ask_for_have_a_lamp(lamp: str, mark: str) -> None:
    sets: tuple[tuple[str, e.ScenarioSet], ...] = (("greets", "feedback"), ("polite", "vault"))
    teller = story.Teller()
    teller.say(
        "",
        e.EngineStarted("1", 1, "w", "docker", True),
        e.SeedRevised("hello", OLD, FIRST),
        e.CorpusRevised("hello", "c0ffee", sets, twins=(("payments", lamp),)),
    )
    async with on_stage(StoryFeed(teller.events), (120, 40)) as stage:
        await stage.press("4", "tab", "tab", "tab")
        assert re.search(rf"payments - +{mark} {lamp} ", snap.text_of(stage.app))


async def test_what_cannot_be_used_is_shown_with_file_line_and_remedy() -> None:
    async with on_stage(StoryFeed(known()), (120, 40)) as stage:
        await stage.press("4", "up")
        sheet = [line.rpartition("││")[2].strip("│") for line in snap.text_of(stage.app).splitlines()]
        text = " ".join(" ".join(sheet).split())
        assert "seeds/orders-etl.md:2: owner" in text
        assert "Remedy: name one of ana, ben." in text
        assert f"revision {OLD[:8]} stays in use" in text
        assert "loops/factory.dot:7" in text
        await stage.press("up")
        assert "it has no front matter" in snap.text_of(stage.app)


async def test_a_run_uses_the_newest_revision_at_its_next_pass() -> None:
    async with on_stage(StoryFeed(known()), (120, 40)) as stage:
        await stage.press("4", "u")
        assert "uses the newest revision already" in snap.text_of(stage.app)
        await stage.press("left", "u")
        assert await sent(stage) == [c.Reseed("shortlinks-1")]


async def test_a_restart_with_the_newest_revision_is_asked_about() -> None:
    async with on_stage(StoryFeed(known())) as stage:
        await stage.press("4", "left", "R")
        snap.check(stage.app, "console/workshop-restart")
        await stage.press("enter")
        assert stage.feed.commands == [], "cancel is what is focused"
        await stage.press("R", "right", "enter")
        assert await sent(stage) == [c.Reseed("shortlinks-1", restart=True)]


async def test_scenarios_are_confirmed_after_a_question() -> None:
    async with on_stage(StoryFeed(known())) as stage:
        await stage.press("4", "c", "right", "enter")
        assert await sent(stage) == [c.ConfirmCorpus("shortlinks")]


async def test_a_viewer_reads_and_changes_nothing() -> None:
    async with on_stage(StoryFeed(known(), role="viewer")) as stage:
        await stage.press("4")
        await loaded(stage)
        assert "# Short links" in snap.text_of(stage.app)
        for key in ("u", "R", "c", "E"):
            await stage.press(key)
        assert (stage.app.scope, stage.feed.commands) == ("workshop", [])


async def test_older_revisions_are_turned_to_and_text_scrolls() -> None:
    async with on_stage(StoryFeed(known())) as stage:
        await stage.press("4")
        await loaded(stage)
        await stage.press("pagedown")
        assert "410" in snap.text_of(stage.app)
        await stage.press("{", "pagedown")
        assert "410" not in snap.text_of(stage.app)
        await stage.press("d")
        assert "The first revision that is known" in snap.text_of(stage.app)
        await stage.press("}")
        assert "+A link may be told" in snap.text_of(stage.app)


async def test_an_edit_is_on_the_screen_at_once() -> None:
    past = known()
    async with on_stage(StoryFeed(past), (200, 60)) as stage:
        await stage.press("4")
        await loaded(stage)
        seq, third = past[-1].seq + 1, "77aa77aa77aa"
        fact = e.SeedRevised("shortlinks", third, SECOND + "\nAnd a list.\n", "+And a list.", by_hand=True)
        stage.feed.push(Event(seq, f"{seq:026}", past[-1].at, fact))
        await stage.told(seq)
        assert "And a list." in snap.text_of(stage.app)
        assert third[:8] in snap.text_of(stage.app)


async def test_hostile_seeds_stay_text() -> None:
    teller = story.Teller()
    nasty = "+++\n+++\n\x1b[2Jgone\x1b]0;title\x07 [red]x[/] \u202eabc"
    teller.say(
        "", e.EngineStarted("1", 1, "w", "docker", True), e.SeedRevised("hello", OLD, nasty, nasty, by_hand=True)
    )
    async with on_stage(StoryFeed(teller.events)) as stage:
        await stage.press("4")
        await until(lambda: len(stage.app.mirror.past.revisions) == 1, "the revision comes")
        await stage.settle()
        for key in ("d", "d"):
            text = snap.text_of(stage.app)
            assert "[red]x[/]" in text
            assert not {"\x1b", "\x07", "\u202e"} & set(text)
            await stage.press(key)


def test_which_run_used_which_revision() -> None:
    state = fold(known())
    bench = next(one for one in benches(state) if one.name == "shortlinks")
    assert [(use.run.id, use.passes) for use in uses(OLD, bench.runs)] == [("shortlinks-1", (1, 2))]
    assert [(use.run.id, use.passes, use.next) for use in uses(NEW, bench.runs)] == [("shortlinks-2", (1,), False)]
    past = Past()
    assert [one.revision for one in revisions(bench, past)] == [NEW, OLD], "runs and the state remember them"
    past.older([event for event in known() if isinstance(event.fact, e.SeedRevised)])
    assert [one.source for one in revisions(bench, past)] == [SECOND, FIRST]
    assert [file for file, _ in elsewhere(state)] == ["loops/factory.dot"]


async def test_a_seed_that_is_gone_is_offered_no_more_and_shown_for_its_runs_alone() -> None:
    teller = story.Teller()
    for event in known():
        teller.say(event.run, event.fact)
    teller.say("", e.SeedRevised("mistyped", OLD, FIRST))
    teller.say("", *(e.SeedRevised(name, "", "", by_hand=True) for name in ("mistyped", "shortlinks")))
    async with on_stage(StoryFeed(teller.events)) as stage:
        await stage.press("4")
        text = snap.text_of(stage.app)
        assert "mistyped" not in text
        assert any("shortlinks" in line and "gone" in line for line in text.splitlines())
        assert not {"mistyped", "shortlinks"} & set(offered(stage.app.mirror.state))
        await until(lambda: bool(stage.app.mirror.past.revisions), "revisions come")
        assert all(one.revision for one in stage.app.mirror.past.revisions)


def test_passes_are_told_in_spans() -> None:
    assert [spans(numbers) for numbers in ((), (1,), (1, 2, 3, 5), (2, 4, 5))] == ["", "1", "1-3, 5", "2, 4-5"]


async def test_no_editor_is_offered_where_no_workspace_is_at_hand() -> None:
    async with on_stage(StoryFeed(known())) as stage:
        await stage.press("4")
        assert " edit" not in snap.text_of(stage.app).splitlines()[-1]
        await stage.press("E")
        assert "opens no editor" in snap.text_of(stage.app)


EDITOR = """
import pathlib, sys
path = pathlib.Path(sys.argv[1])
print("EDITING", path.name, flush=True)
path.write_text(path.read_text() + "edited")
"""
CODE = """
import asyncio, sys
from pathlib import Path
from factory_tui.console.app import run_console
from tests.console.feeds import StoryFeed
from tests.console.tales import known

async def connect():
    return StoryFeed(known())

sys.exit(run_console(connect, None, Path(sys.argv[1])))
"""


def test_the_editor_gets_the_terminal_and_gives_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "seeds").mkdir()
    seed = tmp_path / "seeds" / "shortlinks.md"
    seed.write_text(FIRST)
    script = tmp_path / "editor.py"
    script.write_text(textwrap.dedent(EDITOR))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    with Terminal([sys.executable, "-c", CODE, str(tmp_path)]) as terminal:
        terminal.until(b"shortlinks-2")
        terminal.type(b"4")
        terminal.until(b"Short links")
        terminal.type(b"E")
        terminal.until(b"EDITING shortlinks.md")
        terminal.until(b"the editor ended")
        terminal.type(b"q")
        terminal.until(b"\x1b[?1049l")
        assert terminal.ends() == 0
    assert seed.read_text() == FIRST + "edited"


def test_a_console_of_a_workspace_knows_its_folder(tmp_path: Path) -> None:
    assert ConsoleApp(StoryFeed().connect, folder=tmp_path).folder == tmp_path
    assert ConsoleApp(StoryFeed().connect).folder is None


def crowded(scenarios: int = 40, runs: int = 30) -> list[Event]:
    """More scenarios and runs than any terminal is high."""
    teller = story.Teller()
    teller.say("", e.EngineStarted("1", 1, "w", "docker", True))
    half: tuple[e.ScenarioSet, ...] = ("feedback", "vault")
    corpus = tuple((f"story-{place:02}", half[2 * place // scenarios]) for place in range(scenarios))
    teller.say("", e.SeedRevised("busy", OLD, FIRST), e.CorpusRevised("busy", "c0ffee", corpus, {}))
    for number in range(1, runs + 1):
        tale = story.Tale(teller, f"busy-{number}", corpus)
        tale.queued("busy")
        tale.say(e.PassBegan(1, OLD))
    return teller.events


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_scenario_and_every_run_can_be_paged_to(size: tuple[int, int]) -> None:
    async with on_stage(StoryFeed(crowded()), size) as stage:
        await stage.press("4", *["tab"] * 5)
        seen = ""
        for _ in range(12):
            seen += snap.text_of(stage.app)
            await stage.press("pagedown")
        assert all(f"busy-{number} " in seen for number in range(1, 31))
        await stage.press(*["shift+tab"] * 3)
        seen = ""
        for _ in range(12):
            seen += snap.text_of(stage.app)
            await stage.press("pagedown")
        assert all(f"story-{place:02}" in seen for place in range(40))
        await stage.press("shift+tab")
        assert "# Short links" in snap.text_of(stage.app)


async def test_the_chosen_run_stays_in_sight_among_the_revisions() -> None:
    async with on_stage(StoryFeed(crowded()), (120, 40)) as stage:
        await stage.press("4", *(["left"] * 29))
        assert stage.app.chosen == "busy-1"
        assert "busy-1 " in snap.text_of(stage.app)
