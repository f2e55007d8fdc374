"""What people write shows on the floor at once: a seed that changed, an edit that cannot be used."""

import pytest

from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import AnyFact, Event
from tests import snap
from tests.console.feeds import StoryFeed
from tests.console.stage import on_stage
from tests.console.test_run_keys import edited

PROBLEM = "seeds/orders-etl.md:3: ship_at: 8 is more than 1. Remedy: a share, like 0.8."


def after(*facts: tuple[str, AnyFact]) -> list[Event]:
    past = edited()
    return [
        *past,
        *(Event(past[-1].seq + n, f"y{n}", past[-1].at, fact, run) for n, (run, fact) in enumerate(facts, 1)),
    ]


async def test_nothing_is_said_to_stay_in_use_that_never_was() -> None:
    files = [f"seeds/never-{number}.md" for number in range(9)]
    past = after(*(("", e.EditRefused(file, f"{file}:1: the seed is empty. Remedy: write it.")) for file in files))
    async with on_stage(StoryFeed(past)) as stage:
        text = snap.text_of(stage.app)
        assert "seeds/never-0.md:1: the seed is empty" in text
        assert "stays in use" not in text
        assert "9 files cannot be used; the workshop tells of each" in text


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_changed_seed_and_a_refused_edit(size: tuple[int, int]) -> None:
    past = after(("", e.EditRefused("seeds/orders-etl.md", PROBLEM)))
    async with on_stage(StoryFeed(past), size) as stage:
        snap.check(stage.app, f"console/edits-{size[0]}x{size[1]}")


async def test_a_pending_re_seed_is_marked_and_said() -> None:
    past = after(("orders-etl-1", e.RunReseeded("77777777aaaa")))
    async with on_stage(StoryFeed(past)) as stage:
        text = snap.text_of(stage.app)
        assert "orders-etl-1: applies at the next pass" in text
        assert "● re-seeds" in text


async def test_a_run_that_asks_is_still_said_to_ask() -> None:
    past = after(("orders-etl-1", e.RunReseeded("77777777aaaa")), ("orders-etl-1", e.RunMoved("jammed", None, "why?")))
    for size, said in (((80, 24), "▲ jammed"), ((120, 40), "▲ jammed re-seeds")):
        async with on_stage(StoryFeed(past), size) as stage:
            assert said in snap.text_of(stage.app)


async def test_a_run_that_is_over_re_seeds_no_more() -> None:
    past = after(("orders-etl-1", e.RunReseeded("77777777aaaa")), ("orders-etl-1", e.RunMoved("shipped", None, "done")))
    async with on_stage(StoryFeed(past)) as stage:
        assert "re-seeds" not in snap.text_of(stage.app)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (c.Escalate("orders-etl-1"), "● asking"),
        (c.Restart("orders-etl-1"), "● restarting"),
        (c.Stop("orders-etl-1"), "stopping"),
    ],
)
async def test_what_a_run_is_about_to_do_stands_in_its_row(command: c.Command, said: str) -> None:
    async with on_stage(StoryFeed(after(("orders-etl-1", e.CommandTaken("k", command))))) as stage:
        assert said in snap.text_of(stage.app)


async def test_once_it_is_used_nothing_is_left_to_say() -> None:
    past = after(("orders-etl-1", e.RunReseeded("77777777aaaa")), ("orders-etl-1", e.PassBegan(3, "77777777aaaa")))
    async with on_stage(StoryFeed(past)) as stage:
        text = snap.text_of(stage.app)
        assert "changed to" not in text
        assert text.splitlines()[1].startswith("╭─ floor")


async def test_a_mended_edit_goes() -> None:
    past = after(("", e.EditRefused("config.toml", "config.toml:1: no")), ("", e.EditMended("config.toml")))
    async with on_stage(StoryFeed(past)) as stage:
        assert "stays in use" not in snap.text_of(stage.app)
