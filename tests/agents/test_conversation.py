"""The conversation is a fold: what is sent is what the facts say, whatever was answered."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_tui.agents.conversation import UNANSWERED, Conversation
from factory_tui.agents.protocol import Generated, Prompt
from factory_tui.cells.protocol import Cell
from factory_tui.domain.events import Answered, AnyFact, CallSettled, Prompted, ToolCalled, ToolReturned
from factory_tui.twins.messages.playbook import parse
from factory_tui.twins.messages.server import serve
from tests.agents.rig import Rig, bash, says
from tests.model.endpoint import Endpoint, Notebook, text, use
from tests.playbooks import playbook, rule, speaks

SAID = Prompted("generate", "seed", json.dumps([text("build")]), "be good")


def answered(*blocks: dict[str, Any], step: int = 1, stop: str = "tool_use") -> Answered:
    return Answered(step, "m", json.dumps(blocks), stop, 0.1)


def test_tools_are_pending_until_they_return() -> None:
    talk = Conversation.fold([SAID, answered(bash("a", "ls"), bash("b", "pwd")), ToolCalled(1, "a", "bash", "ls")])
    assert [(use.call, use.begun) for use in talk.pending] == [("a", True), ("b", False)]
    talk = talk.take(ToolReturned(1, "a", "x", failed=True))
    assert [use.call for use in talk.pending] == ["b"]
    result = {"type": "tool_result", "tool_use_id": "a", "content": "x", "is_error": True}
    assert talk.messages[-1] == {"role": "user", "content": [result]}


def test_a_result_nobody_waits_for_changes_nothing() -> None:
    talk = Conversation.fold([SAID])
    assert talk.take(ToolReturned(1, "a", "x")) == talk


def test_a_prompt_gives_up_on_what_is_pending() -> None:
    more = Prompted("generate", "recovery", json.dumps([text("go on")]))
    talk = Conversation.fold([SAID, answered(bash("a", "ls")), more])
    assert talk.pending == ()
    result = {"type": "tool_result", "tool_use_id": "a", "content": UNANSWERED, "is_error": True}
    assert talk.messages[-1]["content"] == [result, text("go on")]


def test_a_system_prompt_begins_anew_and_step_numbers_go_on() -> None:
    talk = Conversation.fold([SAID, answered(text("done"), step=7, stop="end_turn"), SAID])
    assert (len(talk.messages), talk.step, talk.steps) == (1, 7, 0)


def test_an_id_that_comes_again_is_known_to() -> None:
    [again] = Conversation.fold([SAID, answered(bash("a", "ls")), SAID, answered(bash("a", "ls"), step=2)]).pending
    assert again.again


def test_input_of_another_shape_is_sent_back_as_an_empty_one() -> None:
    talk = Conversation.fold([SAID, answered({**use("a", "bash", {}), "input": [1]})])
    assert talk.messages[-1]["content"] == [use("a", "bash", {})]
    assert talk.pending[0].invalid == "[1]"


async def test_what_is_sent_is_what_the_facts_say(scripted: tuple[Rig, Endpoint]) -> None:
    rig, endpoint = scripted
    endpoint.script = [says(text("\x1b[1mé"), bash("a", "echo 1"), bash("b", "false")), says(text("done"))]
    await rig.go()
    await rig.go(Prompt("feedback", (text("more"),)))
    for sent, answers in zip(endpoint.sent, (0, 1, 2), strict=True):
        places = [place for place, fact in enumerate(rig.notes.facts) if isinstance(fact, Answered)]
        talk = Conversation.fold(rig.notes.facts[: places[answers]])
        assert list(talk.messages) == [_unmarked(said) for said in sent["messages"]]


def _unmarked(said: dict[str, Any]) -> dict[str, Any]:
    content = [{key: value for key, value in block.items() if key != "cache_control"} for block in said["content"]]
    return {**said, "content": content}


blocks = st.one_of(
    st.sampled_from(
        [
            text(""),
            text("ok"),
            text("\x1b[1m\ud83d\ude00\u202e"),
            {"type": "thinking", "thinking": "hm", "signature": "s"},
        ]
    ),
    st.sampled_from(['{"command": "echo hi"}', '{"command": "ec', "[1]", "", '{"command": "\\ud800"}', "{}"]).map(
        lambda given: use("", "bash", given)
    ),
    st.just(use("", "fly", {"a": 1})),
)
answers = st.tuples(
    st.lists(blocks, max_size=3),
    st.sampled_from(["end_turn", "tool_use", "max_tokens", "refusal", "stop_sequence"]),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(answers, min_size=1, max_size=4), places=st.lists(st.integers(0, 1000), max_size=3))
async def test_any_prefix_of_any_run_makes_a_valid_next_request(
    cell: Cell, script: list[tuple[list[dict[str, Any]], str]], places: list[int]
) -> None:
    """The twin judges: whatever was answered, what follows any prefix of the facts is a request it takes."""
    async with Endpoint() as endpoint:
        endpoint.script = [
            says(
                *({**block, "id": f"t{n}_{i}"} if "id" in block else block for i, block in enumerate(given)), stop=stop
            )
            for n, (given, stop) in enumerate(script)
        ] + [says(text("done"))]
        rig = Rig(cell, endpoint.url)
        await rig.go()
        await rig.go(Prompt("feedback", (text("more"),)))
        await rig.door.close()
    whole: list[AnyFact] = rig.notes.facts
    async with serve([parse(playbook("s", rule("any", "", speaks("done"))), "s.toml")]) as twin:
        rig = Rig(cell, twin.base_url("s"))
        for place in {1, len(whole), *(place % len(whole) + 1 for place in places)}:
            rig.notes = Notebook(facts=whole[:place])
            await rig.go(None)
            assert await rig.go(Prompt("feedback", (text("go on"),))) == Generated("success")
            assert {fact.outcome for fact in rig.notes.of(CallSettled)[-2:]} == {"answered"}
            assert json.dumps(rig.talk.messages) == json.dumps(Conversation.fold(rig.notes.facts).messages)
        await rig.door.close()
