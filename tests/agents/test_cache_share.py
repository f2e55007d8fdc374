"""How much of what an agent sends is read from the endpoint's cache, as the twin counts it."""

from factory_tui.agents.prompt import seed_prompt, system_prompt
from factory_tui.agents.protocol import Generated
from factory_tui.cells.protocol import Cell
from factory_tui.domain.events import CallSettled
from factory_tui.domain.money import Tokens
from factory_tui.twins.messages.playbook import parse
from factory_tui.twins.messages.server import serve
from factory_tui.twins.messages.tokens import MIN_CACHEABLE
from tests.agents.rig import Rig
from tests.playbooks import playbook, rule, runs, speaks

STEPS = 30
WORK = (
    "echo line >> lines.txt; head -c 300 /dev/zero | tr '\\0' x; wc -l < lines.txt; "
    f"[ $(wc -l < lines.txt) -lt {STEPS - 1} ] || echo done"
)
PLAYBOOK = playbook("greeter", rule("done", "(?m)done$", speaks("It is.")), rule("work", "Build|xxx", runs(WORK)))


async def share(cell: Cell, standards: str) -> tuple[float, list[Tokens]]:
    """The share of input that was read from the cache, and each call's tokens."""
    async with serve([parse(PLAYBOOK, "greeter.toml")]) as twin:
        rig = Rig(cell, twin.base_url("greeter"))
        seed = seed_prompt("Build a greeter.", [], system_prompt("/work", timeout=5, standards=standards))
        assert await rig.go(seed) == Generated("success")
        await rig.door.close()
    calls = [fact.tokens for fact in rig.notes.of(CallSettled)]
    given = sum(one.input + one.cache_write + one.cache_read for one in calls)
    return sum(one.cache_read for one in calls) / given, calls


async def test_nine_tenths_of_a_run_of_thirty_steps_are_read_from_the_cache(cell: Cell) -> None:
    found, calls = await share(cell, "Write plainly. " * 200)
    first = calls[0]
    assert len(calls) == STEPS
    assert first.input + first.cache_write >= 2_000
    assert (first.cache_read, MIN_CACHEABLE) == (0, 1_024)
    assert found >= 0.9, f"{found:.3f}"
