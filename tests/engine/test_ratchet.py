"""A run that falls clearly below its best pass: its owner may send it back there, or it goes by itself where it may."""

import json
from pathlib import Path

import pytest

from factory_tui.domain.commands import Answer, Stop
from factory_tui.domain.events import EscalationAnswered, Prompted, RunRestarted
from factory_tui.following import FAILED, SHIPPED
from tests.engine.floor import Floor
from tests.engine.greeter import DONE, SEED, TRIM, WRITES, make
from tests.engine.test_asking import asked
from tests.playbooks import playbook, rule, runs, speaks

PATIENT = SEED.replace("max_passes = 3", "max_passes = 8")
BACK = rule("build on pass 1", "what an earlier attempt at this left in pass 1", runs(TRIM))
EMPTY = r"""echo > greet.py; cat > tests/test_greet.py <<'EOF'
import unittest
class Nothing(unittest.TestCase):
    def test_nothing(self): pass
EOF
echo greet.py reads nothing"""
BREAKS = rule("break it", r"observed .Hello,  +\w+", runs(EMPTY))
IDLE = rule("leave it", "observed", speaks("I would not change anything."))
AGAIN = rule("break it again", "observed", runs("date +%N > greet.py; echo greet.py reads a number"))


async def test_the_owner_of_a_jam_sends_it_back_to_its_best_pass(tmp_path: Path) -> None:
    playing = playbook("greeter", BACK, WRITES, BREAKS, DONE, IDLE)
    async with Floor(*make(tmp_path, playbook=playing, seed=PATIENT)) as floor:
        run = await floor.start()
        jammed = await floor.reach(run, "jammed", "held", "failed", "shipped")
        first = jammed.passes[0]
        assert jammed.state == "jammed", jammed.why
        question = floor.state.escalations["E-1"]
        assert question.jam == "dead", jammed.why
        assert question.choices == ("go on", "go back to pass 1", "stop")
        assert "best: pass 1" in (await asked(floor.workspace, "status"))[1]

        code, words = await asked(
            floor.workspace, "answer", "E-1", "go", "back", "to", "pass", "1", "--text", "Trim it."
        )
        assert code == SHIPPED, words
        anew = await floor.fact(RunRestarted)
        assert anew.fact == RunRestarted(1, first.commit)
        assert floor.told(EscalationAnswered) == [EscalationAnswered("E-1", "go back to pass 1", "Trim it.")]
        heard = await floor.fact(Prompted, lambda fact: "Trim it." in fact.content, after=anew.seq)
        assert heard.run == run, "the agent is told what was said with it"
        begun = next(fact for fact in floor.told(Prompted)[::-1] if fact.origin == "seed")
        assert "what an earlier attempt at this left in pass 1" in begun.content
        await floor.command(Stop(run))
        await floor.reach(run, "stopped")


@pytest.mark.chaos
async def test_one_that_may_goes_back_by_itself_once_and_what_it_leaves_can_be_taken_out(tmp_path: Path) -> None:
    playing = playbook("greeter", BACK.replace(TRIM, EMPTY), WRITES, BREAKS, DONE, AGAIN)
    seed = PATIENT.replace('owner = "demo"', 'owner = "demo"\nratchet = true')
    async with Floor(*make(tmp_path, playbook=playing, seed=seed)) as floor:
        run = await floor.start()
        jammed = await floor.reach(run, "jammed", "held", "failed", "shipped")
        (anew,) = floor.told(RunRestarted)
        assert (jammed.state, jammed.restarts) == ("jammed", (3,)), "after two passes that fell, and never again"
        assert anew == RunRestarted(1, jammed.passes[0].commit, ratchet=True)
        assert not [one for one in floor.state.escalations.values() if one.raised_at < jammed.queued_at]

        await floor.command(Answer(jammed.escalation, "stop"))
        await floor.reach(run, "stopped")
        told = (await asked(floor.workspace, "status"))[1]
        assert f"{run} is stopped; its best is pass 1" in told
        assert f"take {run} FOLDER" in told
        out = tmp_path / "out"
        assert (await asked(floor.workspace, "take", run, str(out)))[0] == SHIPPED
        assert "Hello" in (out / "greet.py").read_text(), "of the best pass, where no other is named"
        code, words = await asked(floor.workspace, "take", run, str(out))
        assert (code, "is there already. Remedy: " in words) == (FAILED, True)
        rows = json.loads((await asked(floor.workspace, "status", "--json"))[1])["runs"]
        assert (rows[0]["best"]["pass"], rows[0]["best"]["commit"]) == (1, jammed.passes[0].commit)
