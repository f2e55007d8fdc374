"""What the vault says reaches no agent: a run whose agent is about to be told of it is held, with what was found."""

from pathlib import Path

import msgspec
import pytest

from factory_tui.domain.commands import Answer, Resume, Steer
from factory_tui.domain.events import Prompted, SnapshotTaken, ToolReturned
from factory_tui.link.protocol import RefusedError
from tests.engine.floor import Floor
from tests.engine.greeter import PLAYBOOK, WRITE, make
from tests.engine.test_guidance import DIES, PATIENT

STORY = "given a percent sign in a name, when greet.py is called with it, then it is greeted as it stands"
SPIES: dict[str, tuple[str, str]] = {
    "a tool's result": ("cat {vault}; echo greet.py reads", "what bash returned in step 1"),
    "a file of the work tree": ("cp {vault} NOTES.md; echo greet.py reads", "'NOTES.md' in the work tree"),
    "a failed checkpoint's output": (
        "echo 'print(open(\"{vault}\").read()); raise SystemExit(1)' > tests/test_spy.py; echo greet.py reads",
        "a checkpoint prompt",
    ),
    "the symptoms of a pass": (
        "echo 'print(open(\"{vault}\").read())' >> greet.py; "
        "sed -i 's/\"Hello, Ana!.n\"/said/' tests/test_greet.py; echo greet.py reads",
        "a feedback prompt",
    ),
}


@pytest.mark.parametrize("spy", SPIES)
async def test_what_the_vault_says_is_kept_from_the_agent_and_holds_the_run(tmp_path: Path, spy: str) -> None:
    command, place = SPIES[spy]
    vault = tmp_path / "greeter" / "scenarios" / "greeter" / "percent.toml"
    begin, _ = WRITE.rsplit("; echo", 1)
    playbook = PLAYBOOK.replace(WRITE, f"{begin} > /dev/null; {command.format(vault=vault)}")
    workspace, playbooks = make(tmp_path, playbook=playbook)
    vault.write_text(vault.read_text().replace("given a name, when greet.py is called with it, then it greets", STORY))
    async with Floor(workspace, playbooks) as floor:
        run = await floor.reach(await floor.start(), "held", "shipped", "failed", "jammed")
        assert (run.state, run.reason) == ("held", "fence"), run.why
        assert run.why.startswith(f"{place} holds words of percent. ")
        assert "Remedy: " in run.why
        if spy != "the symptoms of a pass":
            assert floor.told(SnapshotTaken) == []
        told = [*floor.told(Prompted), *floor.told(ToolReturned)]
        assert told
        assert not any(b"percent sign" in msgspec.json.encode(fact) for fact in told)
        assert "percent sign" not in run.why

        await floor.command(Resume(run.id))
        await floor.until(lambda state: state.runs[run.id].state == "running")
        again = await floor.reach(run.id, "held", "shipped", "failed", "jammed")
        assert (again.state, again.reason) == ("held", "fence")


async def test_a_person_who_quotes_the_vault_is_told_so_before_the_agent_is(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path, playbook=DIES, seed=PATIENT)
    vault = workspace.scenarios / "greeter" / "percent.toml"
    vault.write_text(vault.read_text().replace("given a name, when greet.py is called with it, then it greets", STORY))
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        why = "what you say holds words of percent. Remedy: say it in words of your own"
        await floor.fact(Prompted)
        with pytest.raises(RefusedError, match=why):
            await floor.command(Steer(run, f"mind this: {STORY}"))
        await floor.reach(run, "jammed")
        with pytest.raises(RefusedError, match=why):
            await floor.command(Answer("E-1", text=STORY))
        assert not any("percent sign" in repr(event.fact) for event in floor.events), "nor is it in the journal"
        await floor.command(Answer("E-1", text="trim every name"))
        await floor.reach(run, "running")
        assert (await floor.reach(run, "shipped", "jammed", "held")).state == "shipped"
