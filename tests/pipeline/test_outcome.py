"""The status file, and what a conversation goes on with."""

import msgspec
import pytest

from factory_tui.pipeline import Outcome, Status
from tests.pipeline.loops import loop


def test_a_status_file_is_read_and_written_under_its_documented_names() -> None:
    text = b'{"outcome":"partial_success","suggested_next_ids":["b"],"context_updates":{"n":1}}'
    outcome = msgspec.json.decode(text, type=Outcome)
    assert (outcome.status, outcome.suggested_next_ids, outcome.context_updates) == (
        Status.PARTIAL_SUCCESS,
        ("b",),
        {"n": 1},
    )
    assert msgspec.json.decode(msgspec.json.encode(outcome))["outcome"] == "partial_success"


@pytest.mark.parametrize("text", [b"{}", b'{"outcome":"great"}', b'{"status":"success"}', b"success", b""])
def test_a_status_file_that_says_no_known_status_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(text, type=Outcome)


def test_fidelity_and_thread_come_from_the_nearest_that_says_so() -> None:
    graph = loop(
        'default_fidelity=truncate a b [fidelity=full, thread_id=own] subgraph { label="Loop A" c } '
        "a -> b [fidelity=compact, thread_id=edge] a -> c [thread_id=edge] b -> c"
    )
    a, b, c = (graph.nodes[name] for name in "abc")
    to_b, to_c, bare = graph.edges
    assert [graph.fidelity(a, None), graph.fidelity(b, None), graph.fidelity(b, to_b)] == [
        "truncate",
        "full",
        "compact",
    ]
    assert [
        graph.thread(b, to_b, "a"),
        graph.thread(c, to_c, "a"),
        graph.thread(c, bare, "b"),
        graph.thread(a, None, "z"),
    ] == [
        "own",
        "edge",
        "loop-a",
        "z",
    ]
    assert loop("a").fidelity(loop("a").nodes["a"], None) == "compact"
