"""Five tasks of an operator, each from the floor at 80x24 in six keys at most; docs/operating.md has the same keys."""

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from factory_tui.console.widgets.verdict import Verdict
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from tests import snap
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.console.tales import benched
from tests.waiting import until

MOST = 6
PAGE = Path(__file__).parents[2] / "docs" / "operating.md"
_NAMES = {"enter": "enter", "right": "→", "tab": "tab"}


def listed(task: str) -> list[str]:
    """The keys that the page has for a task."""
    row = next(line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(f"| {task} |"))
    words = re.findall(r"`([^`]+)`", row.split("|")[2])
    return [key for word in words for key in ([word] if word in _NAMES.values() else [*word])]


async def pressed(stage: Stage, task: str, *keys: str) -> None:
    """These keys, which are few, and are those of the page."""
    assert len(keys) <= MOST
    assert listed(task) == [_NAMES.get(key, key) for key in keys]
    await stage.press(*keys)


async def drawn(stage: Stage, text: str) -> None:
    def there() -> bool:
        stage.app.draw()
        return text in snap.text_of(stage.app)

    await until(there, f"{text} is drawn")


async def sent(stage: Stage) -> Sequence[c.Command]:
    await until(lambda: bool(stage.feed.commands), "a command is sent")
    return stage.feed.commands


async def test_answering_the_oldest_jam() -> None:
    async with on_stage(StoryFeed(story.waits())) as stage:
        state = stage.app.mirror.state
        oldest = min((one for one in state.escalations.values() if not one.answered_at), key=lambda one: one.since)
        await pressed(stage, "answer the oldest jam", "3", "1")
        [command] = await sent(stage)
        assert isinstance(command, c.Answer)
        assert (command.escalation, command.choice) == (oldest.id, oldest.choices[0])


async def test_seeing_why_the_last_pass_failed() -> None:
    teller = story.Teller()
    teller.say("", e.EngineStarted("1", 1, "w", "docker", True))
    tale = story.Tale(teller, "links-1", [("follows", "vault"), ("expires", "vault"), ("creates", "feedback")])
    tale.queued("links")
    tale.say(e.PassBegan(1, "9f3c1a7e55d0"))
    tale.look(1, "screen", {"expires": 0.0}, 1, "unsatisfied")
    async with on_stage(StoryFeed(teller.events)) as stage:
        await pressed(stage, "see why the last pass failed", "enter", "tab", "enter")
        assert stage.app.place is not None
        assert isinstance(stage.app.place.pane, Verdict)
        await drawn(stage, "expires")
        await drawn(stage, "not satisfied")


async def test_re_seeding_and_comparing() -> None:
    async with on_stage(StoryFeed(benched())) as stage:
        await pressed(stage, "re-seed, and compare", "4", "F", "right", "enter")
        assert list(await sent(stage)) == [c.Fork("shortlinks-1", seed="shortlinks")]
        await drawn(stage, "A  shortlinks-1")


async def test_finding_who_raised_a_cap() -> None:
    past = story.tell()
    seq = past[-1].seq + 1
    raised = e.CommandTaken("k1", c.RaiseCap("shortlinks-1", Decimal(20)))
    async with on_stage(StoryFeed([*past, Event(seq, "cap", past[-1].at, raised, "shortlinks-1", "ana")])) as stage:
        await pressed(stage, "find who raised a cap", "6", "/", *"cap", "enter")
        await drawn(stage, "ana")
        assert "20" in snap.text_of(stage.app)


async def test_stopping_the_costliest_run() -> None:
    async with on_stage(StoryFeed(story.until(e.VerdictReached, "shortlinks-1", 45))) as stage:
        runs = stage.app.mirror.state.runs.values()
        costliest = max(runs, key=lambda run: run.burn.money)
        assert costliest.id.startswith("s")
        await pressed(stage, "stop the costliest run", "5", "g", "X", "s", "tab", "enter")
        assert list(await sent(stage)) == [c.Stop(costliest.id)]
