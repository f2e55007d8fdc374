"""Visits: what is recorded, what is decided, and that a killed visit decides as one that was not."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.process import ProcessCells
from factory_tui.cells.protocol import ANY, MIB, Cell, CellLimits, Cells, Entry, Labels, Mould
from factory_tui.domain.events import SETTLES, AnyFact, Judged, VerdictReached, VisitBegan, VisitEnded, VisitKind
from factory_tui.harness.draws import inputs
from factory_tui.harness.judges import Judges
from factory_tui.harness.plan import Draft, make_plan
from factory_tui.harness.visit import Visitor, VisitResult
from tests.harness.product import TOTAL, KilledError, Notes, corpus, product, run


async def look(
    cells: Cells,
    entries: list[Entry],
    notes: Notes,
    *,
    visit: int = 1,
    kind: VisitKind = "screen",
    known: Sequence[AnyFact] = (),
    pooled: Sequence[VerdictReached] = (),
) -> VisitResult:
    return await Visitor("w", 30.0).visit(
        notes,
        run=run(),
        corpus=corpus(),
        entries=entries,
        number=1,
        visit=visit,
        kind=kind,
        cells=cells,
        parallel=asyncio.Semaphore(3),
        known=known,
        pooled=pooled,
    )


@pytest.mark.parametrize("faults", [("ledger 429",), ()])
async def test_what_was_judged_under_a_fault_before_the_engine_was_killed_is_still_under_it(
    cells: ProcessCells, faults: tuple[str, ...]
) -> None:
    """All of its judgements are known, its verdict is not; what is judged anew satisfies no expectation."""
    found = corpus(total=f'{TOTAL}\n[judge]\nrubric = "The rows are those of the file, in their order."\n')
    given = Judged(1, 1, "total", "vault", 0, 1, True, 0.9, "fine", panel=1, transcript="1: $ sum", faults=faults)
    notes, nobody = Notes(), {"model": lambda _name: SimpleNamespace(name="m"), "wanted": 0.5, "most": 3}
    judges = Judges(**cast("Any", {**dict.fromkeys(Judges.__struct_fields__), **nobody}))
    result = await Visitor("w", 30.0).visit(
        notes,
        run=run(),
        corpus=found,
        entries=[],
        number=1,
        visit=1,
        kind="screen",
        cells=cells,
        parallel=asyncio.Semaphore(3),
        known=[VisitBegan(1, 1, "screen", "abc", 1), given],
        judges=judges,
    )
    told = {one.index: (one.judgements, one.faults) for one in notes.verdicts}
    assert told.pop(0) == (1, faults)
    assert set(told.values()) == {(0, ())}
    assert result.why.startswith("judged while operators had its twins fail (ledger 429)") == bool(faults)


async def test_a_good_product_is_screened_confirmed_and_ships(
    cells: ProcessCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes, start, begun = Notes(), cells.start, 0

    async def counted(labels: Labels, mould: Mould = ANY) -> Cell:
        nonlocal begun
        begun += 1
        return await start(labels, mould)

    monkeypatch.setattr(cells, "start", counted)
    screen = await look(cells, product(), notes)
    assert screen.decision == "confirm"
    began, *_, ended = notes.facts
    assert isinstance(began, VisitBegan)
    assert began.commit == "abc"
    assert isinstance(ended, VisitEnded)
    assert ended.decision == "confirm"
    assert re.search(rf" \d+ {SETTLES}$", ended.why)
    again = await look(cells, product(), notes, visit=2, kind="confirm", pooled=screen.verdicts)
    assert again.decision == "ship", again.why
    assert again.ship_low >= 0.5
    assert again.feedback.total == 1
    fresh = [verdict for verdict in notes.verdicts if verdict.visit == 2]
    assert fresh
    assert {verdict.set for verdict in fresh} == {"vault"}
    assert all("canary-" in verdict.evidence for verdict in fresh)
    assert begun == len(notes.verdicts), "no cell was for nothing: all that had begun satisfied, and that decided"


async def test_symptoms_tell_the_feedback_set_and_one_number_of_the_vault(cells: ProcessCells) -> None:
    result = await look(cells, product(step="2", slip='Decimal("0.01")'), Notes())
    assert result.decision == "unsatisfied"
    assert "unsatisfied: count (main)" in result.symptoms
    assert "story: given a counter, when a name is asked for n times" in result.symptoms
    assert f"vault satisfaction {result.vault.share:.2f}" in result.symptoms
    for secret in ("canary", "total", "echo", "summary", "note"):
        assert secret not in result.symptoms


async def test_a_killed_visit_goes_on_and_decides_the_same(cells: ProcessCells) -> None:
    whole = Notes()
    expected = await look(cells, product(), whole)
    killed = Notes(stop_after=3)
    with pytest.raises(KilledError):
        await look(cells, product(), killed)
    resumed = Notes()
    result = await look(cells, product(), resumed, known=killed.verdicts)
    assert [v.index for v in (*killed.verdicts, *resumed.verdicts)] == [v.index for v in whole.verdicts]
    assert (result.decision, result.ship_low, result.vault) == (expected.decision, expected.ship_low, expected.vault)
    assert result.symptoms == expected.symptoms


async def test_a_visit_that_ended_stays_as_it_was_decided(cells: ProcessCells) -> None:
    notes = Notes()
    assert (await look(cells, product(), notes)).decision == "confirm"
    *before, ended = notes.facts
    assert isinstance(ended, VisitEnded)
    jammed = replace(ended, decision="unsatisfied", why="its judges were a coin")
    again = await look(cells, product(), notes, known=[*before, jammed])
    assert (again.decision, again.why) == ("unsatisfied", "its judges were a coin")
    assert notes.facts[-1] is ended, "nothing is recorded again"
    again = await look(cells, product(), notes, known=[*before[:-1], jammed])
    assert notes.facts[-1] is ended, "and nothing more is run, where more would be wanted by now"


@pytest.mark.parametrize(("every", "by_void"), [(99, False), (8, False), (1, True)])
async def test_a_ship_by_what_a_twin_made_void_is_called_that(cells: ProcessCells, every: int, by_void: bool) -> None:
    scenarios = corpus().scenarios
    plan = make_plan(scenarios, ship_at=0.5, alpha=0.1, max_passes=2, max_trajectories=40)

    def known(visit: int, kind: VisitKind, drafts: Iterable[Draft]) -> list[AnyFact]:
        sets = {one.name: one.set for one in scenarios}
        found = [VerdictReached(visit, 1, one.scenario, sets[one.scenario], one.index, True, 1.0, "") for one in drafts]
        return [VisitBegan(visit, 1, kind, "abc", len(found)), *found]

    screen = await look(cells, [], Notes(), known=known(1, "screen", plan.screened()))
    lost = known(2, "confirm", plan.confirmed(1))
    kept = [at for at, fact in enumerate(lost) if isinstance(fact, VerdictReached) and fact.scenario in plan.units]
    for at in kept[::every]:
        lost[at] = replace(lost[at], satisfied=None, twin="ledger")
    found = await look(cells, [], Notes(), visit=2, kind="confirm", known=lost, pooled=screen.verdicts)
    assert (found.decision, found.by_void) == ("ship", by_void), (found.why, found.vault)


async def test_verdicts_are_recorded_in_draw_order(cells: ProcessCells) -> None:
    notes = Notes()
    await look(cells, product(), notes)
    order = [(verdict.set, verdict.index) for verdict in notes.verdicts]
    assert order == sorted(order)


async def test_cancelling_a_visit_closes_its_cells(cells: ProcessCells) -> None:
    notes = Notes()
    task = asyncio.create_task(look(cells, product(), notes))
    await asyncio.wait_for(notes.judged.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.docker
async def test_a_docker_cell_gives_the_same_verdicts(
    cells: ProcessCells, docker_workspace: str, cell_image: str
) -> None:
    limits = CellLimits(memory=256 * MIB, work_bytes=64 * MIB, tmp_bytes=32 * MIB)
    fenced = DockerCells(connect(), docker_workspace, cell_image, limits)
    entries = product(step="2")
    try:
        here, there = Notes(), Notes()
        one = await look(cells, entries, here)
        other = await look(fenced, entries, there)
        assert one.symptoms == other.symptoms
        assert [v.evidence for v in here.verdicts] == [v.evidence for v in there.verdicts]
        assert await fenced.sweep() == 0
    finally:
        await fenced.close()


async def test_symptoms_keep_the_documented_shape(cells: ProcessCells) -> None:
    result = await look(cells, product(step="2"), Notes())
    drawn = inputs(corpus()["count"], "tiny-1", 1, 0)
    name, n = drawn["name"], drawn["n"]
    told = [f'did: GET /{name} -> status 200 {{"name": "{name}", "count": {2 * k}}}' for k in range(1, n + 1)]
    assert result.symptoms == "\n".join(
        [
            "feedback satisfaction 0.00 (0 of 1 stories)",
            f"vault satisfaction {result.vault.share:.2f}",
            "satisfied: none",
            "",
            "unsatisfied: count (main), near miss 0.90",
            "story: given a counter, when a name is asked for n times, then it counts n",
            *told,
            f"then: GET /{name}",
            f'got: status 200 {{"name": "{name}", "count": {2 * n + 2}}}',
            f"wanted json count: {n + 1}, observed {2 * n + 2}",
        ]
    )
