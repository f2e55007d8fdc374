"""What the vault says reaches no agent, whatever way it takes: the run is held, and only an admin lets it go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import Answer, Escalate, Fork, Release, Restart, Resume, Steer
from factory_tui.domain.events import (
    CellStarted,
    CheckpointRan,
    LeakFound,
    LeakReleased,
    NodeLeft,
    PassBegan,
    Prompted,
    Revealed,
    SnapshotTaken,
    ToolCalled,
    ToolReturned,
    VisitEnded,
)
from factory_tui.harness import visit
from factory_tui.harness.corpus import load_corpus
from factory_tui.harness.feedback import evidence
from factory_tui.harness.trajectory import Trajectory
from factory_tui.harness.tripwire import Tripwire
from factory_tui.link.protocol import RefusedError
from tests.engine.floor import Floor
from tests.engine.greeter import DONE, TRIMS, WRITE, make
from tests.playbooks import playbook, rule, runs, speaks

CHANNELS = (
    *("env", "prompt", "standards", "playbook", "egress", "log", "argv", "file", "link", "path", "rationale"),
    *("steer", "escalation"),
)


def words(channel: str) -> str:
    """What the vault says, in a line of its own, about each channel."""
    return f"whoever hears this by the {channel} has it from what percent keeps"


class Planted(NamedTuple):
    workspace: Workspace
    playbooks: Path

    @property
    def canary(self) -> str:
        return load_corpus(self.workspace.scenarios / "greeter", "greeter").canary("percent")

    def digests(self, text: str) -> set[str]:
        return {
            one.digest for one in Tripwire(load_corpus(self.workspace.scenarios / "greeter", "greeter")).caught(text)
        }


def plant(folder: Path, book: str, **changed: str) -> Planted:
    """The greeter, of whose vault one scenario has all these words."""
    workspace, playbooks = make(folder, playbook=book, **changed)
    vault = workspace.scenarios / "greeter" / "percent.toml"
    lines = "".join(f"{channel} = '\"{words(channel)}\"'\n" for channel in CHANNELS)
    vault.write_text(vault.read_text().replace("[[act]]", f"[let]\n{lines}[[act]]", 1))
    return Planted(workspace, playbooks)


def unread(command: str) -> str:
    """The command, spelt so that nobody sees what it says."""
    return f"eval \"$(python3 -c 'print(bytes({list(command.encode())}).decode())')\""


@asynccontextmanager
async def listener() -> AsyncIterator[tuple[int, list[bytes]]]:
    """Somebody outside who answers: its port, and what it was told."""
    told: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.append(await reader.readuntil(b"keeps"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], told


def passed_on(floor: Floor, channel: str) -> bool:
    """Whether the agent was told what is said on that channel, or a tool or checkpoint ran with it."""
    kinds = (Prompted, ToolReturned, ToolCalled, CheckpointRan)
    said = words(channel).encode()
    return any(said in msgspec.json.encode(event.fact) for event in floor.events if isinstance(event.fact, kinds))


async def test_a_leak_by_any_channel_is_found_kept_back_and_released_by_an_admin_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run that meets them all, one after the other: each holds it, and a release lets just that one through."""
    (log := tmp_path / "service.log").write_text(words("log"))
    begin, _ = WRITE.rsplit("; echo", 1)
    async with listener() as (port, posted):
        post = f"import urllib.request as u; u.urlopen('http://127.0.0.1:{port}', b'{words('egress')}')"
        leave = f"echo '{words('file')}' > 1.md; ln -s '{words('link')}' 2-link; touch '3 {words('path')}'"
        book = playbook(
            "greeter",
            rule(
                "write",
                "greets whoever is named",
                speaks(f"I know: {words('playbook')}."),
                runs(f"{begin}; echo written"),
            ),
            rule("post", "written", runs(f'python3 -c "{post}"; echo posted')),
            rule("read the log", "posted", runs(f"cat {log}; echo; echo was read")),
            rule("leave it about", "was read", runs(f"{unread(leave)}; echo greet.py reads")),
            TRIMS,
            DONE,
        )
        planted = plant(tmp_path, book)
        seed = planted.workspace.seeds / "greeter"
        (seed / "cell").mkdir(parents=True)
        planted.workspace.seeds.joinpath("greeter.md").rename(seed / "seed.md")
        (seed / "cell" / "devcontainer.json").write_text(
            f'{{"image": "factory-cell", "remoteEnv": {{"NOTE": "{words("env")}"}}}}'
        )
        planted.workspace.standards.write_text(f"Known failures: ({planted.canary})\n")
        loop = planted.workspace.loops / "factory.dot"
        graph = (
            loop.read_text()
            .replace("$goal", f"$goal {words('prompt')}")
            .replace("-q -f .", f"-q -f . # {words('argv')}")
        )
        loop.write_text(graph)

        def rationale(trajectory: Trajectory, canary: str = "") -> str:
            told = evidence(trajectory, canary)
            return told if canary or trajectory.satisfied else f"{told}\nbecause: {words('rationale')}"

        monkeypatch.setattr(visit, "evidence", rationale)
        async with Floor(planted.workspace, planted.playbooks) as floor:
            run = await floor.start()
            seq = 0
            for channel, place in (
                ("env", "the variable NOTE of the seed's cells"),
                ("prompt", "a seed prompt"),
                ("playbook", "the model's answer in step 1"),
                ("egress", "the model's answer in step 2"),
                ("log", "what bash returned in step 3"),
                ("argv", "the command of Byte-compile"),
                ("file", "'1.md' in the work tree"),
                ("link", "'2-link' in the work tree"),
                ("path", "a name, which is not repeated here,"),
                ("rationale", "a feedback prompt"),
            ):
                found = await floor.fact(LeakFound, after=seq)
                held = await floor.reach(run, "held", "shipped", "failed", "jammed")
                assert isinstance(found.fact, LeakFound)
                assert found.fact.where == place
                assert (held.state, held.reason, held.tainted) == ("held", "fence", len(held.passes)), held.why
                assert held.why.startswith(f"{place} holds ")
                assert not passed_on(floor, channel)
                digests = planted.digests(words(channel) + (planted.canary if channel == "prompt" else ""))
                assert digests
                assert set(found.fact.digests) == set(held.leaks) == digests
                what = ["the canary of percent"] * (channel == "prompt") + ["words of percent"]
                assert list(found.fact.what) == what
                assert floor.told(CellStarted) or channel in ("env", "prompt")
                assert not floor.told(SnapshotTaken) or channel == "rationale"
                assert posted == [] or channel not in ("env", "prompt", "playbook", "egress")
                if channel == "env":
                    await refuses_words(floor, run)
                await floor.command(Release(run))
                seq = floor.state.seq
            shipped = await floor.reach(run, "held", "shipped", "failed", "jammed")
            assert (shipped.state, len(shipped.passes), shipped.tainted) == ("shipped", 2, 1), shipped.why
            assert all(passed_on(floor, channel) for channel in ("prompt", "log", "argv", "rationale")), (
                "they were real"
            )
            assert words("egress").encode() in posted[0]
            [told] = floor.told(Revealed)
            assert set(told.told) == {"greets", "odd", "trims"}
            assert told.told["trims"] > 0.5
            assert (told.told["greets"], told.told["odd"], told.bits) == (0, 0, 6.7)
            assert (shipped.revealed, shipped.bits) == (told.told, told.bits)
            assert {event.actor for event in floor.events if isinstance(event.fact, LeakReleased)} == {floor.link.actor}


async def refuses_words(floor: Floor, run: str) -> None:
    """What people say to an agent is looked at before it is taken: it is in no journal either."""
    why = "what you say holds words of percent. Remedy: say it in words of your own"
    with pytest.raises(RefusedError, match=why):
        await floor.command(Steer(run, f"mind this: {words('steer')}"))
    await floor.command(Escalate(run, "is this so?"))
    await floor.reach(run, "jammed")
    with pytest.raises(RefusedError, match=why):
        await floor.command(Answer("E-1", text=words("escalation")))
    assert not any(words(one) in repr(event.fact) for event in floor.events for one in ("steer", "escalation"))
    seq = floor.state.seq
    await floor.command(Answer("E-1", "go on"))
    await floor.fact(LeakFound, after=seq)
    await floor.reach(run, "held")


WELL = WRITE.replace("names[0] if", "names[0].strip() if")


async def test_a_pass_by_which_something_was_found_ships_nothing_however_well_it_does(tmp_path: Path) -> None:
    leave = unread(f"echo '{words('file')}' > NOTES.md")
    book = playbook(
        "greeter",
        rule("write it well", "greets whoever is named", runs(f"{leave}; {WELL}")),
        rule("nothing is wanting", "vault satisfaction 1.00", runs("rm NOTES.md; echo trimmed")),
        DONE,
    )
    planted = plant(tmp_path, book)
    async with Floor(planted.workspace, planted.playbooks) as floor:
        run = await floor.start()
        first = await floor.fact(LeakFound)
        await floor.reach(run, "held")
        await floor.command(Resume(run))
        again = await floor.fact(LeakFound, after=first.seq)
        assert again.fact == first.fact, "without a release it is found again"
        await floor.reach(run, "held")
        assert floor.told(SnapshotTaken) == []
        await floor.command(Release(run))
        shipped = await floor.reach(run, "shipped", "held", "jammed", "failed")
        assert (shipped.state, len(shipped.passes), shipped.tainted) == ("shipped", 2, 1), shipped.why
        decided = [(fact.number, fact.decision) for fact in floor.told(VisitEnded)]
        assert "ship" in [what for number, what in decided if number == 1], "it was good enough"
        assert "so that pass 1 does not ship" in next(f.why for f in floor.told(NodeLeft) if f.node == "harness")


async def test_what_nobody_released_keeps_a_run_from_shipping_even_where_it_is_gone(tmp_path: Path) -> None:
    (log := tmp_path / "service.log").write_text(words("log"))
    book = playbook("greeter", rule("write it well", "greets whoever is named", runs(f"cat {log}; {WELL}")), DONE)
    planted = plant(tmp_path, book)
    async with Floor(planted.workspace, planted.playbooks) as floor:
        run = await floor.start()
        await floor.reach(run, "held")
        log.write_text("")
        await floor.command(Restart(run))
        begun = await floor.fact(PassBegan, lambda fact: fact.number == 2)
        await floor.fact(VisitEnded, lambda fact: fact.decision == "ship", after=begun.seq)
        held = await floor.reach(run, "held", "shipped", "jammed", "failed")
        assert (held.state, held.reason) == ("held", "fence")
        assert "nobody released it" in held.why
        with pytest.raises(RefusedError, match="nobody released it"):
            await floor.command(Fork(run))
        await floor.command(Release(run))
        assert (await floor.reach(run, "shipped", "jammed", "failed")).state == "shipped"
        with pytest.raises(RefusedError, match="it has ended"):
            await floor.command(Release(run))
