"""A fault that an operator sets on a twin of a run: in force in its cells, and never shipped on."""

import json
from pathlib import Path

import pytest

from factory_tui.console.plain import summary
from factory_tui.domain.commands import Pause, Resume, SetFault, Undo
from factory_tui.domain.events import PassEnded, Prompted, ToolCalled, VerdictReached, VisitEnded
from factory_tui.domain.ratchet import best
from factory_tui.link.protocol import RefusedError
from tests.engine.floor import Floor
from tests.engine.greeter import SEED, TRIM, WRITE, make
from tests.harness.ledger import ledger
from tests.playbooks import playbook, rule, runs, speaks

UNTIL = """
python3 -c '
import os, time, urllib.error, urllib.request
def asked():
    try:
        return urllib.request.urlopen(os.environ["LEDGER_URL"] + "/charges").status
    except urllib.error.HTTPError as error:
        return error.code
while asked() != WANTED: time.sleep(0.01)
print("the ledger answers", WANTED)
'
"""
WRITES = f"{WRITE}\n{TRIM}\n" + UNTIL.replace("WANTED", "429")
PLAYBOOK = playbook(
    "greeter",
    rule("write it", "greets whoever is named", speaks("I write it."), runs(WRITES), absent=("the ledger answers",)),
    rule("write it again", "lost and rebuilt.*greets whoever is named", runs(WRITES)),
    rule("leave it", "an operator had something fail on purpose", runs(UNTIL.replace("WANTED", "200"))),
    rule("done", "the ledger answers", speaks("greet.py is done.")),
)


async def test_what_is_judged_under_it_does_not_ship_and_once_it_is_cleared_the_same_output_does(
    tmp_path: Path,
) -> None:
    seed = SEED.replace("max_passes", 'twins = ["ledger"]\nmax_passes')
    workspace, playbooks = make(tmp_path, playbook=PLAYBOOK, seed=seed)
    for name in ("greets", "greets-quoted"):
        path = workspace.scenarios / "greeter" / f"{name}.toml"
        path.write_text(path.read_text() + '[[twin]]\nname = "ledger"\n')
    ledger(workspace.twins)
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        await floor.fact(ToolCalled)
        await floor.command(Pause(run, now=True))
        await floor.reach(run, "paused")
        with pytest.raises(RefusedError, match="greeter-1 has no twin bank; twins: ledger"):
            await floor.command(SetFault(run, "bank", "429"))
        with pytest.raises(RefusedError, match=r"`teapot` is no fault\. Remedy: 429, 500, or latency=MS"):
            await floor.command(SetFault(run, "ledger", "teapot"))
        with pytest.raises(RefusedError, match="has no fault already"):
            await floor.command(SetFault(run, "ledger"))
        await floor.command(SetFault(run, "ledger", "429"))
        with pytest.raises(RefusedError, match="Remedy: factory-tui twins fault greeter-1 ledger none"):
            await floor.command(Undo(run))
        await floor.stop()
        await floor.open()
        assert floor.state.runs[run].faults["ledger"].fault == "429", "a restarted engine knows it"
        await floor.command(Resume(run))

        ended = await floor.fact(VisitEnded)
        await floor.command(SetFault(run, "ledger"))
        shown = await floor.reach(run, "shipped", "jammed", "failed", "held")
        assert (shown.state, len(shown.passes)) == ("shipped", 2), shown.why

        assert isinstance(ended.fact, VisitEnded)
        assert (ended.fact.decision, ended.fact.kind) == ("unsatisfied", "screen")
        assert ended.fact.why.startswith("judged while operators had its twins fail (ledger 429), so that it does not ")
        first = [one for one in floor.told(VerdictReached) if one.visit == 1]
        assert all(one.satisfied for one in first), "the product asks no ledger"
        assert {one.scenario for one in first if one.faults} == {"greets", "greets-quoted"}
        told = next(one for one in floor.told(Prompted) if one.origin == "feedback")
        assert "the twin ledger, which answers 429 to whatever it is asked" in told.content

        one, other = shown.passes
        assert (one.faults, other.faults) == (("ledger 429",), ())
        assert one.tallies["greets"].faulted
        assert not other.tallies["greets"].faulted
        assert best(shown) == other
        assert [one.faults for one in floor.told(PassEnded)] == [("ledger 429",), ()]
        assert [visit.faults for visit in floor.state.seeds["greeter"].visits][:2] == [("ledger 429",), ()]
        assert summary(floor.state)["runs"][0]["faults"] == {"set": {}, "passes": {1: ("ledger 429",)}}
        provenance = json.loads((workspace.root / shown.shipped / "provenance.json").read_text())
        assert [one["faults"] for one in provenance["passes"]] == [["ledger 429"], []]
