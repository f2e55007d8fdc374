"""What consoles may look at that no event holds: how the outputs of two passes differ."""

from factory_tui.delivery.git import DeliveryError
from factory_tui.delivery.snapshot import Snapshots
from factory_tui.domain.state import State
from factory_tui.link.protocol import DiffRequest, RefusedError

DIFF_LIMIT = 256 << 10
"""Bytes of a diff that a console is sent."""


async def changes(state: State, snapshots: Snapshots, asked: DiffRequest) -> tuple[str, bool]:
    """The unified diff between two passes (0: what it began with), and whether its end was cut off.

    Raises RefusedError with the reason.
    """
    run = state.runs.get(asked.run)
    if run is None:
        raise RefusedError(f"there is no run {asked.run}; runs: {', '.join(state.runs) or 'none'}")
    made = {0: run.beginning, **{item.number: item.commit for item in run.passes if item.commit}}
    missing = next((number for number in (asked.before, asked.after) if number not in made), None)
    if missing is not None:
        known = ", ".join(str(number) for number in made if number) or "none yet"
        raise RefusedError(f"{run.id} has no output of pass {missing}; passes: {known}")
    try:
        return await snapshots.diff_head(made[asked.before], made[asked.after], DIFF_LIMIT)
    except DeliveryError as trouble:
        raise RefusedError(str(trouble)) from trouble
