"""Work beside the drawing, in groups of which the newest counts."""

from collections.abc import Callable, Coroutine
from typing import Any, cast

from textual.dom import DOMNode


def begin(
    node: DOMNode,
    work: Callable[[], Coroutine[Any, Any, object]],
    group: str,
    *,
    exclusive: bool = True,
    said: str = "",
) -> None:
    """Begin it; what is `exclusive` takes the place of what is at work in its group, and ends with the node.

    Its coroutine is made when its turn comes: of one that is superseded before that, none would be awaited.
    """

    async def run() -> None:
        await work()

    made = cast("Callable[[], Coroutine[None, None, Any]]", run)  # Textual's type is narrower than what it takes
    node.run_worker(made, group=group, exclusive=exclusive, description=said)
