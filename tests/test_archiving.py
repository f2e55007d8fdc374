"""`factory-tui journal` on a workspace: what is said, what is printed, the exit codes, and what stands in the way."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from factory_tui.cli import main
from factory_tui.config.workspace import Workspace
from factory_tui.domain.events import Draft, Event, Noticed, RunMoved, RunQueued, ToolReturned
from factory_tui.engine.looking import journal_of
from factory_tui.following import FAILED, SHIPPED, USAGE
from tests.engine.conftest import home
from tests.engine.greeter import make

__all__ = ["home"]
Output = pytest.CaptureFixture[str]
QUEUED = RunQueued(
    "greeter", "rev", "corpus", "factory", "digraph{}", "m", "rehearsal", "demo", 0.8, 0.01, 10, 48, None
)


async def write(workspace: Workspace) -> list[Event]:
    """A run that is over and one that is not."""
    async with journal_of(workspace) as journal:
        for run, state in (("greeter-1", "shipped"), ("greeter-2", "running")):
            facts = (QUEUED, ToolReturned(1, "call", "x" * 20_000), RunMoved(state))  # type: ignore[arg-type]
            await journal.append([Draft(fact, run) for fact in facts])
        return await journal.events()


@pytest.fixture
def workspace(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The greeter's; the test stands in it."""
    found, _ = make(tmp_path)
    monkeypatch.chdir(found.root)
    return found


def test_a_workspace_without_a_journal_says_so_and_gets_none(workspace: Workspace, capsys: Output) -> None:
    for action in (["verify"], ["export"], ["backup", "copy"], ["compact"]):
        assert main(["journal", *action]) == FAILED
        assert "there is no journal yet. Remedy: " in capsys.readouterr().err
    assert main(["journal", "restore", "nowhere", "--yes"]) == FAILED
    assert "nowhere: there is no such file. Remedy: " in capsys.readouterr().err
    assert not (workspace.state / "journal.db").exists()


def test_a_whole_journal_and_a_changed_row_are_told_with_the_exit_code(workspace: Workspace, capsys: Output) -> None:
    asyncio.run(write(workspace))
    assert main(["journal", "verify"]) == SHIPPED
    assert capsys.readouterr().out.startswith("6 events, the chain is whole. Its head: 6 ")
    assert main(["journal", "verify", "--json"]) == SHIPPED
    found = json.loads(capsys.readouterr().out)
    assert (found["events"], found["damage"], len(found["head"]["hash"])) == (6, None, 64)
    with closing(sqlite3.connect(workspace.state / "journal.db")) as database, database:
        database.execute("UPDATE event SET actor = 'mallory' WHERE seq = 3")
    assert main(["journal", "verify"]) == FAILED
    said = capsys.readouterr().out
    assert said.startswith("seq 3: the row, or its place, is not what was written")
    assert "journal restore BACKUP" in said
    assert main(["journal", "verify", "--json"]) == FAILED
    found = json.loads(capsys.readouterr().out)
    assert (found["events"], found["damage"]["seq"]) == (2, 3)


def test_events_are_printed_as_lines_of_json(workspace: Workspace, capsys: Output) -> None:
    written = asyncio.run(write(workspace))

    def exported(*options: str) -> list[Event]:
        assert main(["journal", "export", *options]) == SHIPPED
        return [msgspec.json.decode(line, type=Event) for line in capsys.readouterr().out.splitlines()]

    with workspace.hold():  # as an engine does
        assert exported() == written
        assert exported("greeter-2") == written[3:]
        assert exported("--from", "2", "--to", "4") == written[1:4]
    assert main(["journal", "export", "greeter-9"]) == FAILED
    assert "there are no such events of greeter-9. Remedy: " in capsys.readouterr().err


def test_a_backup_is_put_back_by_one_command_once_no_engine_runs(workspace: Workspace, capsys: Output) -> None:
    written = asyncio.run(write(workspace))
    with workspace.hold():
        assert main(["journal", "backup", "copy"]) == SHIPPED
        assert "6 events" in capsys.readouterr().out
        assert main(["journal", "restore", "copy", "--yes"]) == USAGE
        assert "holds this workspace" in capsys.readouterr().err
        assert main(["journal", "compact", "--yes"]) == USAGE
        assert "holds this workspace" in capsys.readouterr().err
    assert main(["journal", "verify", "copy"]) == SHIPPED
    asyncio.run(write(workspace))
    (workspace.state / "journal.db").write_bytes(b"\xa5" * 9_000)
    assert main(["journal", "verify"]) == FAILED
    assert "seq 1: " in capsys.readouterr().out
    assert main(["status"]) == FAILED
    assert "journal restore BACKUP" in capsys.readouterr().err
    assert main(["journal", "restore", "copy"]) == USAGE
    assert "nothing was changed" in capsys.readouterr().err
    assert main(["journal", "restore", "copy", "--yes"]) == SHIPPED
    assert "restored, to event 6. What was there: " in capsys.readouterr().out
    assert main(["journal", "verify"]) == SHIPPED
    capsys.readouterr()
    assert main(["journal", "export"]) == SHIPPED
    events = [msgspec.json.decode(line, type=Event) for line in capsys.readouterr().out.splitlines()]
    assert events[:6] == written
    assert events[6].fact == Noticed("warning", "the journal was restored from copy, to event 6")
    (aside,) = workspace.state.glob("journal-before-*")
    assert (aside / "journal.db").read_bytes() == b"\xa5" * 9_000


def test_only_what_is_over_is_compacted_and_only_after_a_yes(workspace: Workspace, capsys: Output) -> None:
    written = asyncio.run(write(workspace))
    assert main(["journal", "compact"]) == SHIPPED
    assert capsys.readouterr().out == "no run is over for so long\n"
    assert main(["journal", "compact", "greeter-2", "--yes"]) == FAILED
    assert "greeter-2 is running, not over. Remedy: " in capsys.readouterr().err
    assert main(["journal", "compact", "--older", "0"]) == USAGE
    assert "nothing was changed" in capsys.readouterr().err
    assert main(["journal", "compact", "--older", "0", "--yes"]) == SHIPPED
    said = capsys.readouterr().out
    assert "greeter-1  shipped" in said
    assert "3 events are in " in said
    assert main(["journal", "verify"]) == SHIPPED
    capsys.readouterr()
    assert main(["journal", "export"]) == SHIPPED
    assert [msgspec.json.decode(line, type=Event) for line in capsys.readouterr().out.splitlines()] == written
    assert main(["journal", "compact", "greeter-1", "--yes"]) == SHIPPED
    assert "all of it is in an archive already" in capsys.readouterr().out
