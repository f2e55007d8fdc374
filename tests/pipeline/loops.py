"""Short ways to write loops in tests."""

from collections.abc import Mapping

from factory_tui.pipeline import DotError, Finish, Go, Graph, Outcome, Status, Step, parse, step
from factory_tui.pipeline.scan import ScanError

HANDLERS = frozenset(
    {
        "start",
        "exit",
        "codergen",
        "wait.human",
        "conditional",
        "parallel",
        "parallel.fan_in",
        "tool",
        "stack.manager_loop",
        "harness",
        "drafts",
        "checkpoint",
        "ship",
    }
)

ENDS = "start [shape=Mdiamond] exit [shape=Msquare]"


def loop(body: str, ends: str = ENDS) -> Graph:
    return parse(f"digraph loop {{ {ends}\n{body} }}", "test.dot")


def after(
    graph: Graph,
    node: str,
    status: Status | Outcome = Status.SUCCESS,
    *,
    context: Mapping[str, object] | None = None,
    outcomes: Mapping[str, Status] | None = None,
    attempt: int = 1,
    visits: Mapping[str, int] | None = None,
    chance: float = 0.5,
) -> Step:
    outcome = Outcome(status=status) if isinstance(status, Status) else status
    return step(
        graph,
        node,
        outcome,
        context=context or {},
        outcomes=outcomes or {},
        attempt=attempt,
        visits=visits,
        chance=chance,
    )


def took(found: Step) -> tuple[str, str]:
    assert isinstance(found, Go), found
    return found.target, found.why


def failed(found: Step) -> str:
    assert isinstance(found, Finish), found
    assert not found.success
    return found.reason


def assert_inside(text: str, error: DotError | ScanError) -> None:
    """The place that an error names exists in the text, or is just past the end of a line of it."""
    lines = text.split("\n")
    assert 1 <= error.line <= len(lines)
    assert 1 <= error.column <= len(lines[error.line - 1]) + 1
