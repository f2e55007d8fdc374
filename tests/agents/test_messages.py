"""The agent's loop: the real SDK over HTTP to the twin or to a scripted endpoint, tools in a real cell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from factory_tui.agents.prompt import Attachment, seed_prompt, system_prompt
from factory_tui.agents.protocol import Generated, Prompt
from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import Cell, CellDied, CellError, Labels
from factory_tui.domain.events import Answered, AnyFact, CallReserved, CallSettled, Prompted, ToolCalled, ToolReturned
from factory_tui.model.failures import ProviderHeld
from factory_tui.twins.messages.playbook import parse
from factory_tui.twins.messages.server import serve
from tests.agents.rig import EDITOR, PLAYBOOK, SEED, Kept, Rig, bash, says
from tests.model.endpoint import Endpoint, Notebook, message, status, stream, text, use
from tests.pictures import JPEG, png


@pytest.fixture
async def rehearsal(cell: Cell) -> AsyncIterator[Rig]:
    async with serve([parse(PLAYBOOK, "greeter.toml")]) as twin:
        rig = Rig(cell, twin.base_url("greeter"))
        yield rig
        await rig.door.close()


async def test_a_rehearsal_writes_runs_and_mends(rehearsal: Rig) -> None:
    assert await rehearsal.go() == Generated("success")
    assert await rehearsal.cell.read("greet.py") == b"print('hello')\n"
    kinds = [type(fact) for fact in rehearsal.notes.facts if isinstance(fact, (Prompted, Answered, ToolReturned))]
    assert kinds == [Prompted, Answered, *[ToolReturned] * 2, *[Answered, ToolReturned] * 2, Answered]
    assert {fact.outcome for fact in rehearsal.notes.of(CallSettled)} == {"answered"}


async def test_pictures_of_a_seed_are_sent_as_such_and_what_the_endpoint_would_refuse_is_not(rehearsal: Rig) -> None:
    shots = {"shot.png": png(640, 480), "shot.jpg": JPEG, "cut.png": png(640, 480)[:-9], "long.png": png(8001, 1)}
    attached = [Attachment(name, data) for name, data in shots.items()]
    assert await rehearsal.go(seed_prompt("Build a greeter.", attached, "")) == Generated("success")
    sent = rehearsal.talk.messages[0]["content"]
    assert [block["source"]["media_type"] for block in sent if block["type"] == "image"] == ["image/png", "image/jpeg"]


@pytest.mark.docker
async def test_a_rehearsal_in_a_docker_cell_is_the_same(docker_cell: Cell) -> None:
    async with serve([parse(PLAYBOOK, "greeter.toml")]) as twin:
        rig = Rig(docker_cell, twin.base_url("greeter"))
        assert await rig.go() == Generated("success")
        await rig.door.close()
    assert [fact.output.splitlines()[-1] for fact in rig.results if fact.exit is not None] == ["[exit code 0]"] * 2
    made = await docker_cell.run("stat -c '%a %U' greet.py && python3 greet.py")
    assert made.exit == 0
    assert made.stdout.split()[0] == b"644"


async def test_feedback_goes_on_with_the_same_conversation(rehearsal: Rig) -> None:
    await rehearsal.go()
    assert await rehearsal.go(Prompt("feedback", (text("It is too quiet."),))) == Generated("success")
    assert rehearsal.talk.messages[-1]["content"][0]["text"] == "So be it."
    assert len(rehearsal.talk.messages) == 10


async def test_words_that_are_taken_back_while_results_are_written_down_are_not_said(rehearsal: Rig) -> None:
    waits = iter([None, Prompt("steer", (text("Mind the tabs."),), told=1)])  # before the first call, after its tools
    assert await rehearsal.go(heed=lambda: next(waits, None)) == Generated("success")
    assert [fact.origin for fact in rehearsal.notes.of(Prompted)] == ["seed"]


async def test_from_the_second_request_on_the_cache_is_read(rehearsal: Rig) -> None:
    long = system_prompt("/work", timeout=5, standards="Write plainly. " * 2000)
    await rehearsal.go(seed_prompt("Build a greeter.", [], long))
    first, *others = [fact.tokens for fact in rehearsal.notes.of(CallSettled)]
    assert (first.cache_write > 1000, first.cache_read) == (True, 0)
    known = first.cache_write
    for tokens in others:
        assert tokens.cache_read >= known
        known = tokens.cache_read + tokens.cache_write


async def test_a_missing_rule_holds_the_run_and_names_the_nearest(rehearsal: Rig) -> None:
    with pytest.raises(ProviderHeld, match="nearest is rule '") as caught:
        await rehearsal.go(Prompt("seed", (text("Build a chair."),), "be good"))
    assert caught.value.reason == "provider"


@pytest.mark.parametrize("then", ["529", '"cut"'])
async def test_faults_of_the_endpoint_are_ridden_out(cell: Cell, then: str) -> None:
    book = f"{PLAYBOOK}\n[[fault]]\nthen = {then}\nattempt = 0\n"
    async with serve([parse(book, "greeter.toml")]) as twin:
        rig = Rig(cell, twin.base_url("greeter"))
        assert await rig.go() == Generated("success")
        outcomes = [fact.outcome for fact in rig.notes.of(CallSettled)]
        assert outcomes == ["failed", "answered"] * 4
        await rig.door.close()


class Crash(Exception):  # noqa: N818
    """The engine was killed."""


class DyingNotebook(Notebook):
    """Its engine dies once it was told so many facts."""

    lives = 0

    async def record(self, *facts: AnyFact) -> None:
        for fact in facts:
            if not self.lives:
                raise Crash
            self.lives -= 1
            await super().record(fact)


async def test_killed_after_any_fact_the_run_goes_on_and_pays_for_no_answer_twice(
    rehearsal: Rig, tmp_path: Path
) -> None:
    await rehearsal.go()
    whole = len(rehearsal.notes.facts)
    cells = ProcessCells("tests", tmp_path / "more")
    for lives in range(1, whole + 1):
        rehearsal.cell = await cells.start(Labels("tests", "shortlinks-1", "agent"))
        rehearsal.notes = DyingNotebook()
        rehearsal.notes.lives = lives
        with suppress(Crash):
            await rehearsal.go()
        before = list(rehearsal.notes.facts)
        rehearsal.notes = Notebook(facts=before)
        assert await rehearsal.go(None) == Generated("success")
        assert await rehearsal.cell.read("greet.py") in (b"print('hello')\n", b"print('helo')\n")
        assert rehearsal.notes.facts[:lives] == before
        assert len({fact.step for fact in rehearsal.notes.of(Answered)}) == len(rehearsal.notes.of(Answered))
        await rehearsal.cell.close()


async def test_a_later_engine_reserves_by_what_was_counted_and_another_model_by_its_bytes(
    scripted: tuple[Rig, Endpoint],
) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(bash("a", "true")), status(400)]
    with suppress(ProviderHeld):
        await rig.go(seed_prompt("Build a greeter. " * 2000, [], system_prompt("/work", timeout=5)))
    first, second = (fact.tokens for fact in rig.notes.of(CallReserved))
    assert second < first / 2, "it was counted to be much less than its bytes"
    past = rig.notes.facts
    again, other = Rig(rig.cell, endpoint.url), Rig(rig.cell, endpoint.url, name="claude-other")
    for later in (again, other):
        later.notes = Notebook(facts=past)
        with suppress(ProviderHeld):
            await later.go(None)
        await later.door.close()
    assert second <= again.notes.of(CallReserved)[-1].tokens < first / 2
    assert other.notes.of(CallReserved)[-1].tokens > first


async def test_an_answer_is_journalled_before_its_tools_and_a_call_before_it_runs(
    scripted: tuple[Rig, Endpoint],
) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(bash("a", "echo 1"), bash("b", "echo 2")), says(text("done"))]
    await rig.go()
    order = [fact for fact in rig.notes.facts if isinstance(fact, (Answered, ToolCalled, ToolReturned))]
    names = [f"{type(fact).__name__} {getattr(fact, 'call', '')}".strip() for fact in order]
    assert names == ["Answered", "ToolCalled a", "ToolReturned a", "ToolCalled b", "ToolReturned b", "Answered"]


async def test_what_goes_on_beside_a_call_sees_no_tool_at_work_and_no_step_waits_for_it(
    scripted: tuple[Rig, Endpoint],
) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(bash("a", "echo 1"), bash("b", "echo 2")), says(bash("c", "echo 3")), says(text("done"))]
    ended: list[tuple[int, list[str]]] = []

    async def beside(step: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append((step, [fact.call for fact in rig.notes.of(ToolCalled)]))

    assert await rig.go(beside=beside) == Generated("success")
    assert ended == [(0, []), (1, ["a", "b"]), (2, ["a", "b", "c"])]


async def test_an_answer_is_kept_whatever_befalls_beside_its_call(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(bash("a", "echo 1"))]

    async def beside(step: int) -> None:
        raise CellDied("killed")

    with pytest.raises(CellDied, match="killed"):
        await rig.go(beside=beside)
    assert len(rig.notes.of(Answered)) == 1


async def test_an_unknown_tool_and_invalid_input_are_told_to_the_model(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(use("a", "fly", {}), use("b", "bash", '{"command": "l')), says(text("sorry"))]
    assert await rig.go() == Generated("success")
    unknown, invalid = endpoint.sent[1]["messages"][-1]["content"]
    assert unknown["is_error"]
    assert "bash and" in unknown["content"]
    assert invalid["is_error"]
    assert '{"command": "l' in invalid["content"]
    assert endpoint.sent[1]["messages"][1]["content"][1] == use("b", "bash", {})


async def test_a_refusal_ends_the_work(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(text("I will"), bash("a", "touch x"), stop="refusal"), says(text("fine"))]
    assert await rig.go() == Generated("fail", "the model refused to go on")
    assert rig.results == []
    assert await rig.go(Prompt("feedback", (text("go on"),))) == Generated("success")
    results = [block["type"] for block in endpoint.sent[1]["messages"][-1]["content"]]
    assert results == ["tool_result", "text"]


@pytest.mark.parametrize("nothing", [[], [text("")], [text(" \n")]])
async def test_an_empty_answer_is_nudged_once(scripted: tuple[Rig, Endpoint], nothing: list[dict[str, Any]]) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(*nothing), says(text("done"))]
    assert await rig.go() == Generated("success")
    rig.notes = Notebook()
    endpoint.script = [says(*nothing)]
    assert await rig.go() == Generated("fail", "the model answered nothing, twice")
    assert [fact.origin for fact in rig.notes.of(Prompted)] == ["seed", "nudge"]
    assert [said["role"] for said in endpoint.sent[-1]["messages"]] == ["user"]


async def test_an_answer_cut_off_is_gone_on_with_in_smaller_pieces(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    cut = says(text("I write"), use("a", EDITOR, '{"command": "create", "file_te'), stop="max_tokens")
    endpoint.script = [cut, says(text("done"))]
    assert await rig.go() == Generated("success")
    result, nudge = endpoint.sent[1]["messages"][-1]["content"]
    assert result["is_error"]
    assert "smaller pieces" in nudge["text"]


async def test_answers_that_are_always_cut_off_end_the_work(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(text("and"), stop="max_tokens")]
    assert await rig.go() == Generated("fail", "4 answers in a row were cut off at max_tokens")


async def test_a_paused_turn_goes_on(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(text("thinking"), stop="pause_turn"), says(text("done"))]
    assert await rig.go() == Generated("success")
    assert endpoint.sent[1]["messages"][-1]["role"] == "assistant"


async def test_steps_are_bounded_and_counted_anew_after_feedback(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(bash("a", "true"))]
    ended = await rig.go()
    assert ended == Generated("fail", "no end after 12 steps ([agent] max_steps)")
    assert len(rig.results) == 12
    endpoint.script = [says(text("done"))]
    assert await rig.go(Prompt("feedback", (text("go on"),))) == Generated("success")


async def test_a_dispute_ends_the_work_until_somebody_decides(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(text("I looked.\nDISPUTE: it asks for A,\nand for not A"))]
    ended = Generated("disputes", "it asks for A,\nand for not A")
    assert await rig.go() == ended
    assert await rig.go(None) == ended, "an engine that died meanwhile says the same"
    endpoint.script = [says(text("There is no DISPUTE: it is A"))]
    assert await rig.go(Prompt("answer", (text("A it is"),))) == Generated("success")


async def test_calls_that_go_round_in_a_circle_are_nudged_once_then_somebody_has_to_say(
    scripted: tuple[Rig, Endpoint],
) -> None:
    rig, endpoint = scripted
    rig = Rig(rig.cell, endpoint.url, max_steps=80)
    endpoint.script = [says(bash(f"c{n}", ("pwd", "ls")[n % 2])) for n in range(24)]
    ended = await rig.go()
    assert ended == Generated("circling", "its last 12 tool calls repeat, 2 in turn, once more")
    assert [fact.origin for fact in rig.notes.of(Prompted)] == ["seed", "nudge"]
    assert "repeat, 2 in turn" in endpoint.sent[12]["messages"][-1]["content"][-1]["text"]
    assert await rig.go(None) == ended, "an engine that died meanwhile says the same"
    endpoint.script = [says(text("done"))]
    assert await rig.go(Prompt("answer", (text("go on"),))) == Generated("success")
    await rig.door.close()


async def test_who_waits_for_what_moves_does_not_go_round_in_a_circle(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    rig = Rig(rig.cell, endpoint.url, max_steps=80)
    waits = [says(bash(f"c{n}", "echo . >> log; wc -l log")) for n in range(30)]
    endpoint.script = [*waits, says(text("done"))]
    assert await rig.go() == Generated("success")
    assert [fact.origin for fact in rig.notes.of(Prompted)] == ["seed"]
    await rig.door.close()


async def test_at_the_gate_nothing_is_sent_and_nothing_runs(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(bash("a", "touch ran")), says(text("done"))]
    waiting, gate = asyncio.Event(), asyncio.Event()
    steps: list[tuple[int, int]] = []

    async def paused() -> None:
        steps.append((len(endpoint.sent), len(await rig.cell.tree())))
        waiting.set()
        await gate.wait()

    task = asyncio.create_task(rig.go(gate=paused))
    await waiting.wait()
    assert endpoint.sent == []
    gate.set()
    assert await task == Generated("success")
    assert steps == [(0, 0), (1, 0), (1, 1)]


async def test_cancelled_in_a_tool_the_run_goes_on_without_running_it_twice(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(bash("a", "echo x >> log; sleep 60")), says(text("done"))]
    task = asyncio.create_task(rig.go())
    assert (await rig.cell.run("until test -s log; do sleep 0.01; done", timeout=5)).exit == 0
    task.cancel()
    await asyncio.wait([task])
    assert await rig.go(None) == Generated("success")
    assert await rig.cell.read("log") == b"x\n"
    assert len(rig.results) == 1


async def test_cancelled_in_the_stream_the_step_is_asked_again(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    streaming = asyncio.Event()
    endpoint.script = [stream(message(text("long"))[:3], hang=streaming), says(text("done"))]
    task = asyncio.create_task(rig.go())
    await streaming.wait()
    task.cancel()
    await asyncio.wait([task])
    assert await rig.go(None) == Generated("success")
    assert [fact.outcome for fact in rig.notes.of(CallSettled)] == ["cancelled", "answered"]
    assert endpoint.sent[0] == endpoint.sent[1]


async def test_a_cell_that_died_is_for_the_engine_and_the_conversation_stays_whole(
    scripted: tuple[Rig, Endpoint],
) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(bash("a", "true")), says(text("done"))]
    await rig.cell.close()
    with pytest.raises(CellDied):
        await rig.go()
    assert rig.talk.pending == ()
    assert rig.results[-1].failed


async def test_without_a_prompt_there_is_nothing_to_do(scripted: tuple[Rig, Endpoint]) -> None:
    assert (await scripted[0].go(None)).status == "fail"


async def test_what_the_watch_keeps_back_is_neither_journalled_nor_sent(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(bash("a", "printf MARK; echo ED"))]
    with pytest.raises(Kept, match="what bash returned in step 1"):
        await rig.go()
    assert (rig.results, len(endpoint.sent)) == ([], 1)
    with pytest.raises(Kept, match="a feedback prompt"):
        await rig.go(Prompt("feedback", (text("It is MARKED."),)))
    assert not any("MARKED" in fact.content for fact in rig.notes.of(Prompted))


@pytest.mark.parametrize("answer", [bash("a", "touch MARKED"), text("It is MARKED.")], ids=["a tool", "words"])
async def test_what_the_model_says_is_seen_before_anything_comes_of_it_and_again_when_it_is_taken_up(
    scripted: tuple[Rig, Endpoint], answer: dict[str, Any]
) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(answer)]
    for prompt in (SEED, None):
        with pytest.raises(Kept, match="the model's answer in step 1"):
            await rig.go(prompt)
    assert (rig.results, len(endpoint.sent)) == ([], 1)
    with pytest.raises(CellError):
        await rig.cell.read("MARKED")
