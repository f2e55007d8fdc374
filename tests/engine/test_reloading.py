"""What people write while a run works: when it counts, and that nothing half or broken does."""

from pathlib import Path

import pytest

from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import Answer, ConfirmCorpus, Reseed, Resume, StartRun, Stop
from factory_tui.domain.events import (
    CorpusConfirmed,
    CorpusRevised,
    EditMended,
    EditRefused,
    EscalationRaised,
    Noticed,
    PassBegan,
    Prompted,
    RunQueued,
    RunReseeded,
    RunRestarted,
    SeedRevised,
    ToolCalled,
    VisitEnded,
)
from factory_tui.engine import library
from tests.engine.floor import FarFloor, Floor
from tests.engine.greeter import SEED, make, slow
from tests.waiting import until

POLITE = SEED + "\nIt is polite to everybody.\n"


def seed_file(workspace: Workspace) -> Path:
    return workspace.seeds / "greeter.md"


def reload(workspace: Workspace, mode: str) -> None:
    with workspace.config.open("a") as config:
        config.write(f'[reload]\nmode = "{mode}"\n')


async def edited(floor: Floor, text: str) -> SeedRevised:
    """The seed as it is now, and what the floor says of it."""
    seen = floor.state.seq
    seed_file(floor.workspace).write_text(text)
    event = await floor.fact(SeedRevised, after=seen)
    assert isinstance(event.fact, SeedRevised)
    return event.fact


class TestSeeds:
    async def test_an_edit_counts_from_the_next_pass_and_ships_once_its_scenarios_are_confirmed(
        self, tmp_path: Path
    ) -> None:
        async with Floor(*make(tmp_path)) as floor:
            run = await floor.paused()
            before = floor.state.runs[run].revision
            revised = await edited(floor, POLITE)
            assert revised.by_hand
            assert "+It is polite to everybody." in revised.diff
            await floor.until(lambda state: state.runs[run].reseed == revised.revision)
            await floor.command(Resume(run))
            waiting = await floor.reach(run, "signoff", "failed", "jammed", "held", "shipped")
            assert (waiting.state, waiting.revision) == ("signoff", revised.revision)
            assert [item.revision for item in waiting.passes] == [before, revised.revision]
            told = [fact for fact in floor.told(Prompted) if fact.origin == "reseed"]
            assert len(told) == 1
            assert "+It is polite to everybody." in told[0].content
            asked = floor.told(EscalationRaised)[-1]
            assert asked.choices == ("confirm", "stop")
            assert "+It is polite to everybody." in asked.evidence
            assert "trims-tabs" in asked.question
            judged = len(floor.told(VisitEnded))
            await floor.command(ConfirmCorpus("greeter"))
            shipped = await floor.reach(run, "shipped", "failed", "signoff")
            assert (shipped.state, len(floor.told(VisitEnded))) == ("shipped", judged)
            vault = (floor.workspace.scenarios / "greeter" / "trims-tabs.toml").read_text()
            assert f'reviewed_for = "{revised.revision}"' in vault

    async def test_who_answers_a_run_has_reviewed_for_its_revision_and_for_no_newer_one(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            run = await floor.paused()
            shown = await edited(floor, POLITE)
            await floor.command(Resume(run))
            asked = (await floor.reach(run, "signoff", "failed", "shipped")).escalation
            unseen = await edited(floor, POLITE + "It sings.\n")
            await floor.until(lambda state: state.runs[run].reseed == unseen.revision)
            await floor.command(ConfirmCorpus("greeter"))
            assert floor.state.runs[run].state == "signoff", "what it would ship was not confirmed"
            assert floor.state.seeds["greeter"].confirmed == unseen.revision
            await floor.command(Answer(asked, "confirm", "as the diff says"))
            shipped = await floor.reach(run, "shipped", "failed", "held")
            assert (shipped.state, shipped.revision) == ("shipped", shown.revision)
            assert floor.state.escalations[asked].text == "as the diff says"
            assert len(floor.told(CorpusConfirmed)) == 1

    async def test_a_confirmation_whose_engine_was_killed_is_written_by_the_next(self, tmp_path: Path) -> None:
        floor = FarFloor(*make(tmp_path))
        await floor.open()
        vault = floor.workspace.scenarios / "greeter" / "trims-tabs.toml"
        unmarked = vault.read_text()
        await floor.command(ConfirmCorpus("greeter"))
        await floor.kill()
        vault.write_text(unmarked)
        await floor.open()
        try:
            mark = f'reviewed_for = "{floor.state.seeds["greeter"].confirmed}"'
            await until(lambda: mark in vault.read_text())
        finally:
            await floor.stop()

    async def test_a_seed_that_nobody_uses_may_go_without_a_word(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            run = await floor.paused()
            seed_file(floor.workspace).unlink()
            await floor.fact(EditRefused)
            await floor.command(Stop(run))
            (floor.workspace.seeds / "another.md").write_text(SEED)
            await floor.fact(EditMended)
            assert floor.state.edits == {}

    async def test_no_more_revisions_are_kept_than_are_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(library, "FRESH", 0.0)
        async with Floor(*make(tmp_path)) as floor:
            run = await floor.paused()
            for number in range(4):
                await edited(floor, POLITE + f"{number}\n")
            last = await edited(floor, POLITE)
            kept = floor.workspace.state / "revisions" / "seeds" / "greeter"
            used = {floor.state.runs[run].revision, last.revision}
            await until(lambda: {path.name for path in kept.iterdir()} == used)
            await floor.command(Resume(run))
            assert (await floor.reach(run, "signoff", "held", "failed", "shipped")).state == "signoff"

    async def test_scenarios_that_nobody_confirms_end_the_run_by_its_owners_word(self, tmp_path: Path) -> None:
        workspace, playbooks = make(tmp_path)
        vault = workspace.scenarios / "greeter" / "percent.toml"
        vault.write_text('reviewed_for = "000000000000"\n' + vault.read_text())
        async with Floor(workspace, playbooks) as floor:
            run = await floor.reach(await floor.start(), "signoff", "shipped")
            assert run.state == "signoff"
            await floor.command(Answer(run.escalation, "stop"))
            assert (await floor.reach(run.id, "stopped", "shipped")).state == "stopped"

    async def test_a_broken_edit_keeps_what_was_good_until_it_is_mended(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            await floor.until(lambda state: "greeter" in state.seeds)
            seed_file(floor.workspace).write_text(SEED.replace('owner = "demo"', "owner ="))
            await floor.fact(EditRefused)
            assert "seeds/greeter.md:2: " in floor.state.edits["seeds/greeter.md"]
            assert "Remedy: " in floor.state.edits["seeds/greeter.md"]
            await floor.command(StartRun("greeter", ledger="rehearsal"))
            assert floor.told(RunQueued)[-1].revision == floor.state.seeds["greeter"].revision
            await edited(floor, POLITE)
            await floor.fact(EditMended)
            assert floor.state.edits == {}

    async def test_a_seed_that_goes_stays_in_use_and_may_come_back(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            run = await floor.paused()
            seed_file(floor.workspace).unlink()
            await floor.fact(EditRefused)
            assert "seeds/greeter.md: is gone" in floor.state.edits["seeds/greeter.md"]
            await floor.command(Resume(run))
            await floor.fact(PassBegan, lambda fact: fact.number == 2)
            seed_file(floor.workspace).write_text(SEED)
            await floor.fact(EditMended)
            assert (await floor.reach(run, "shipped", "signoff", "failed")).state == "shipped"
            assert len(floor.told(SeedRevised)) <= 1

    async def test_a_seed_that_is_renamed_is_known_by_its_new_name_alone(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            before = seed_file(floor.workspace)
            await floor.until(lambda state: "greeter" in state.seeds)
            before.rename(before.with_name("welcome.md"))
            await floor.fact(SeedRevised, lambda fact: (fact.seed, fact.revision) == ("greeter", ""))
            await floor.until(lambda state: state.engine.seeds == ("welcome",))
            assert floor.state.edits == {}, "nobody needs it"
        async with Floor(floor.workspace, floor.playbooks) as floor:
            assert floor.state.engine.seeds == ("welcome",)
            assert floor.state.engine.slots == 4
            before.with_name("welcome.md").rename(before)
            await floor.until(lambda state: state.engine.seeds == ("greeter",))
            run = await floor.start()
            assert floor.state.runs[run].revision == floor.state.seeds["greeter"].revision

    async def test_restart_begins_anew_with_the_new_text(self, tmp_path: Path) -> None:
        workspace, playbooks = make(tmp_path, playbook=slow(300))
        reload(workspace, "restart")
        async with Floor(workspace, playbooks) as floor:
            run = await floor.start()
            await floor.fact(ToolCalled, lambda fact: "sleep" in fact.brief)
            seen = floor.state.seq
            revised = await edited(floor, POLITE)
            await floor.fact(RunRestarted)
            prompted = await floor.fact(Prompted, lambda fact: fact.origin == "seed", after=seen)
            assert isinstance(prompted.fact, Prompted)
            assert "It is polite to everybody." in prompted.fact.content
            assert floor.state.runs[run].revision == revised.revision
            await floor.command(Stop(run))

    async def test_when_asked_for_a_person_says_when(self, tmp_path: Path) -> None:
        workspace, playbooks = make(tmp_path)
        reload(workspace, "ask")
        async with Floor(workspace, playbooks) as floor:
            run = await floor.paused()
            revised = await edited(floor, POLITE)
            await floor.fact(Noticed, lambda fact: run in fact.remedy)
            assert not floor.told(RunReseeded)
            await floor.command(Reseed(run))
            assert floor.state.runs[run].reseed == revised.revision

    async def test_an_edit_outlives_its_engine_and_its_own_file(self, tmp_path: Path) -> None:
        floor = FarFloor(*make(tmp_path))
        await floor.open()
        run = await floor.paused()
        revised = await edited(floor, POLITE)
        await floor.until(lambda state: bool(state.runs[run].reseed))
        await floor.kill()
        seed_file(floor.workspace).write_text("no seed at all")
        await floor.open()
        try:
            await floor.until(lambda state: "no front matter" in state.edits.get("seeds/greeter.md", ""))
            await floor.command(Resume(run))
            began = await floor.fact(PassBegan, lambda fact: fact.number == 2)
            assert isinstance(began.fact, PassBegan)
            assert began.fact.revision == revised.revision
        finally:
            await floor.stop()


class TestTheRest:
    async def test_a_pass_is_judged_by_the_scenarios_it_began_with(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            run = await floor.paused()
            path = floor.workspace.scenarios / "greeter" / "upper.toml"
            path.write_text(path.read_text().replace("-X", "-Y"))
            revised = await floor.fact(CorpusRevised, after=floor.state.seq - 1)
            assert isinstance(revised.fact, CorpusRevised)
            await floor.command(Resume(run))
            done = await floor.reach(run, "shipped", "held", "failed", "signoff")
            assert done.state == "shipped"
            assert len({item.corpus for item in done.passes}) == 2
            assert done.passes[-1].corpus == revised.fact.corpus

    async def test_a_new_seed_that_asks_for_it_is_started_once(self, tmp_path: Path) -> None:
        workspace, playbooks = make(tmp_path)
        seed_file(workspace).unlink()
        auto = SEED.replace('owner = "demo"', 'owner = "demo"\nautostart = true')
        async with Floor(workspace, playbooks) as floor:
            (workspace.seeds / "other.md").write_text(auto)
            refused = await floor.fact(Noticed, lambda fact: "seeds/other.md asks to be started" in fact.text)
            assert isinstance(refused.fact, Noticed)
            assert refused.fact.remedy == "factory-tui run other"
            seed_file(workspace).write_text(auto)
            queued = await floor.fact(RunQueued)
            assert isinstance(queued.fact, RunQueued)
            assert (queued.run, queued.fact.ledger) == ("greeter-1", "rehearsal")
            await floor.command(Stop("greeter-1"))
            await edited(floor, auto + "More.\n")
            assert floor.state.counts == {"greeter": 1}

    async def test_settings_apply_at_once_and_what_cannot_is_said(self, tmp_path: Path) -> None:
        async with Floor(*make(tmp_path)) as floor:
            await floor.until(lambda state: "greeter" in state.seeds)
            config = floor.workspace.config
            good = config.read_text()
            config.write_text(good.replace("slots = 4", "slots = four"))
            await floor.fact(EditRefused)
            assert "config.toml:3" in floor.state.edits["config.toml"]
            config.write_text(good.replace("[owners.demo]", "memory = 600\n[owners.demo]", 1))
            await floor.until(lambda state: "harness.memory" in state.edits["config.toml"])
            config.write_text(good.replace("[cells]", "[cells]\nmemory = 600").replace("slots = 4", "slots = 1"))
            waits = await floor.fact(Noticed, lambda fact: "[cells]" in fact.text)
            assert isinstance(waits.fact, Noticed)
            assert "engine stop" in waits.fact.remedy
            assert floor.state.edits == {}
            runs = [await floor.start(), await floor.start()]
            await floor.until(lambda state: state.runs[runs[0]].state == "running")
            await floor.fact(ToolCalled)
            assert floor.state.runs[runs[1]].state == "queued"
