"""A conversation that outgrows its model's window goes on from a summary, and from the same one after a kill."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from factory_tui.agents import rebuilding
from factory_tui.agents.conversation import Conversation
from factory_tui.agents.protocol import Generated, Prompt
from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import Cell, Labels
from factory_tui.domain.events import Answered, CallReserved, CallSettled, ConversationRebuilt, Prompted, ToolReturned
from factory_tui.model.failures import ProviderHeld
from factory_tui.twins.messages.playbook import parse
from factory_tui.twins.messages.server import serve
from tests.agents.rig import Kept, Rig, bash, says
from tests.agents.test_messages import Crash, DyingNotebook
from tests.model.endpoint import Endpoint, Notebook, message, stream, text
from tests.playbooks import playbook, rule, runs, speaks

WINDOW = 6_000
STEPS = 12
WORK = (
    f"if [ $(cat lines.txt 2>/dev/null | wc -l) = {STEPS} ]; then echo all are there; "
    "else echo line >> lines.txt; head -c 3000 /dev/zero | tr '\\0' x; fi"
)
PLAYBOOK = playbook(
    "greeter",
    rule("sum up", "about to be replaced by a summary", speaks("Lines are being written; go on writing them.")),
    rule("done", "all are there", speaks("All lines are written.")),
    rule("louder", "too quiet", speaks("So be it.")),
    rule("work", "Build a greeter|xxx", runs(WORK)),
)


async def test_a_long_run_goes_on_past_its_models_window(cell: Cell) -> None:
    async with serve([parse(PLAYBOOK, "greeter.toml")]) as twin:
        rig = Rig(cell, twin.base_url("greeter"), window=WINDOW)
        assert await rig.go() == Generated("success")
        await rig.door.close()
    assert await cell.read("lines.txt") == b"line\n" * STEPS
    rebuilt, settled = rig.notes.of(ConversationRebuilt), rig.notes.of(CallSettled)
    assert len(rebuilt) > 1
    assert sum(len(result.output) for result in rig.results) // 4 > WINDOW
    assert max(fact.tokens.total for fact in settled) <= WINDOW
    for fact in rebuilt:
        words = "\n".join(block["text"] for block in json.loads(fact.content))
        assert words.startswith("# The request\n\nBuild a greeter.")
        assert "Lines are being written" in words
        assert "lines.txt" in words
        assert (fact.before >= WINDOW * rebuilding.FULL, fact.after < fact.before / 2) == (True, True)


async def test_a_summary_is_reserved_for_and_settled_as_one(cell: Cell) -> None:
    async with serve([parse(PLAYBOOK, "greeter.toml")]) as twin:
        rig = Rig(cell, twin.base_url("greeter"), window=WINDOW)
        await rig.go()
        await rig.door.close()
    rebuilt = {fact.step for fact in rig.notes.of(ConversationRebuilt)}
    for facts in (rig.notes.of(CallReserved), rig.notes.of(CallSettled)):
        assert {fact.step for fact in facts if fact.purpose == "summary"} == rebuilt
    summaries = [fact for fact in rig.notes.of(CallSettled) if fact.purpose == "summary"]
    assert all(fact.money > 0 and fact.money <= fact.released for fact in summaries)
    assert all(fact.tokens.cache_read > fact.tokens.cache_write for fact in summaries), "the cache is used for it"


async def test_killed_after_any_fact_it_sends_the_same_bytes(cell: Cell, tmp_path: Path) -> None:
    """The twin takes no tool call without its result, and here every request is one that the whole run sent, too."""
    cells = ProcessCells("tests", tmp_path / "more")
    async with serve([parse(PLAYBOOK, "greeter.toml")]) as twin:
        rig = Rig(cell, twin.base_url("greeter"), window=WINDOW)
        await rig.go()
        whole = list(rig.notes.facts)
        places = [place for place, fact in enumerate(whole, 1) if isinstance(fact, ConversationRebuilt)]
        for lives in sorted({place + shift for place in places for shift in (-2, -1, 0, 1, 2)}):
            rig.cell = await cells.start(Labels("tests", "shortlinks-1", "agent"))
            rig.notes = DyingNotebook()
            rig.notes.lives = lives
            with suppress(Crash):
                await rig.go()
            rig.notes = Notebook(facts=rig.notes.facts)
            assert await rig.go(None) == Generated("success")
            assert _said(rig.notes) == _said(Notebook(facts=whole))
            await rig.cell.close()
        await rig.door.close()


def _said(notes: Notebook) -> list[str]:
    """Every conversation that was answered or summed up, in bytes."""
    found = [place for place, fact in enumerate(notes.facts) if isinstance(fact, Answered | ConversationRebuilt)]
    return [json.dumps(Conversation.fold(notes.facts[:place]).messages) for place in found]


async def test_what_was_said_last_outlives_it(cell: Cell) -> None:
    async with serve([parse(PLAYBOOK, "greeter.toml")]) as twin:
        rig = Rig(cell, twin.base_url("greeter"), window=WINDOW)
        await rig.go()
        long = "It is too quiet. " * 800
        await rig.go(Prompt("feedback", (text(long),)))
        await rig.door.close()
    assert isinstance(rig.notes.facts[-1], Answered)
    assert json.loads(rig.notes.of(ConversationRebuilt)[-1].content)[-2] == text(long)
    assert [block["text"] for block in rig.talk.messages[-1]["content"]] == ["So be it."]


async def test_what_fits_in_no_way_holds_the_run_in_plain_words(cell: Cell) -> None:
    async with serve([parse(PLAYBOOK, "greeter.toml")]) as twin:
        rig = Rig(cell, twin.base_url("greeter"), window=WINDOW)
        with pytest.raises(ProviderHeld, match=r"about [0-9]+ tokens.*takes 6000 .*Remedy: name a model") as held:
            await rig.go(Prompt("seed", (text("Build a greeter. " * 2000),), "be good"))
        await rig.door.close()
    assert held.value.reason == "config"
    assert [type(fact) for fact in rig.notes.facts] == [Prompted], "nothing was paid for it"


async def test_files_that_name_what_is_kept_from_the_agent_stop_it(scripted: tuple[Rig, Endpoint]) -> None:
    _, endpoint = scripted
    rig = Rig(scripted[0].cell, endpoint.url, window=WINDOW)
    quiet = "touch $(printf 'MAR%s' KED); head -c 12000 /dev/zero | tr '\\0' x"
    full = stream(message(bash("a", quiet), stop="tool_use", input_tokens=WINDOW // 2))
    endpoint.script = [full, says(text("never"))]
    with pytest.raises(Kept, match="names of the work tree"):
        await rig.go()
    await rig.door.close()
    assert not rig.notes.of(ConversationRebuilt)


def test_a_question_that_does_not_fit_leaves_out_the_last_pair_whole() -> None:
    facts: list[Any] = [Prompted("generate", "seed", json.dumps([text("build")]), "be good")]
    for step in (1, 2):
        facts += [
            Answered(step, "m", json.dumps([bash(f"c{step}", "ls")]), "tool_use", 0.1),
            ToolReturned(step, f"c{step}", "x" * 4_000),
        ]
    talk = Conversation.fold(facts)
    asked, whole = rebuilding.question(talk, 1_500, [])
    assert not whole
    assert [one["role"] for one in asked] == ["user", "assistant", "user"]
    assert asked[-1]["content"][0]["tool_use_id"] == "c1"
    told = rebuilding.message(talk, "a.py", json.dumps([text("so far")]), whole=whole)
    assert "too long for the summary" in told[1]["text"]
