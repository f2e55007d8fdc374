"""Shipping: a repository that anyone can clone, with where it came from; whole or not at all."""

import hashlib
import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

import factory_tui
from factory_tui.cells.protocol import Entry
from factory_tui.delivery import ship as shipping
from factory_tui.delivery.git import DeliveryError
from factory_tui.delivery.ship import Handover, JournalRange, ship
from factory_tui.delivery.snapshot import Snapshots
from factory_tui.domain.events import Satisfaction
from factory_tui.domain.money import Burn, Tokens
from factory_tui.domain.state import Pass, Run
from tests.delivery.trees import bare, file, folder, link, read_tree

JOURNAL = JournalRange(3, 412, "ab" * 32)
FIRST = [file("app.py", b"print(1)\n"), file("old.py", b"")]
LAST = [
    folder(".git"),
    file(".git/config", b"[core]\nfsmonitor = touch owned\n"),
    file("app.py", b"print(2)\n"),
    folder("empty"),
    file("run.sh", b"#!/bin/sh\n", 0o755),
    link("passwd", "/etc/passwd"),
    folder("pkg"),
    folder("pkg/.git"),
    file("pkg/.git/HEAD", b"ref: x\n"),
    file("pkg/a b\n.py", b"x = 1\r\n"),
]
SHIPPED = sorted((entry for entry in LAST if ".git" not in entry.path), key=lambda entry: entry.path)


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    return Snapshots(tmp_path / ".factory" / "snapshots.git")


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    return tmp_path / ".factory" / "shipped"


async def a_run(snapshots: Snapshots, *trees: list[Entry]) -> Run:
    passes, parent = [], ""
    for number, tree in enumerate(trees, 1):
        taken = await snapshots.take(
            tree, cell="c1", parent=parent, message=f"Pass {number}", at=1_700_000_000_000 + number
        )
        parent = taken.commit
        share = Satisfaction(number / len(trees), 0.5, 1.0, 20, 24)
        passes.append(Pass(number, "0123456789ab", parent, taken.files, taken.size, share, share, 0.83, ended=True))
    return Run(
        id="shop-1",
        seed="shop",
        revision="0123456789ab",
        corpus="c0ffee",
        loop="factory",
        dot="digraph {}",
        model="default",
        ledger="rehearsal",
        owner="demo",
        ship_at=0.8,
        alpha=0.01,
        max_passes=10,
        max_trajectories=48,
        cap=None,
        scenarios=(),
        unfenced=False,
        queued_at=1,
        passes=tuple(passes),
        burn=Burn(Tokens(10, 20, 3, 4), Decimal("0.1234")),
    )


def git(repo: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(repo), *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def provenance(handover: Handover) -> Any:
    return json.loads((handover.path / "provenance.json").read_bytes())


async def test_what_ships_is_a_repository_with_one_commit_a_pass(snapshots: Snapshots, shipped: Path) -> None:
    handover = await ship(snapshots, await a_run(snapshots, FIRST, LAST), JOURNAL, shipped)
    assert handover.path == shipped / "shop" / "shop-1"
    assert git(handover.path, "log", "--format=%s|%an|%at") == (
        "Pass 2 of shop-1|factory-tui|1700000000\nPass 1 of shop-1|factory-tui|1700000000\n"
    )
    assert git(handover.path, "rev-parse", "HEAD").strip() == handover.commit
    assert git(handover.path, "symbolic-ref", "HEAD") == "refs/heads/main\n"
    assert git(handover.path, "status", "--porcelain") == ""
    assert git(handover.path, "show", "HEAD~1:app.py") == "print(1)\n"
    git(handover.path, "fsck", "--strict")
    assert [path.name for path in handover.path.parent.iterdir()] == ["shop-1"]


async def test_the_files_are_the_last_passes_and_nothing_of_the_agents_git(snapshots: Snapshots, shipped: Path) -> None:
    handover = await ship(snapshots, await a_run(snapshots, FIRST, LAST), JOURNAL, shipped)
    there = [entry for entry in read_tree(handover.path) if not entry.path.startswith((".git", "provenance.json"))]
    assert bare(there) == bare(SHIPPED)
    assert "fsmonitor" not in (handover.path / ".git" / "config").read_text()


async def test_all_of_it_is_on_disk_before_it_is_said_to_be_there(
    snapshots: Snapshots, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    fsync = os.fsync

    def watched(handle: int) -> None:
        synced.add(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    run = await a_run(snapshots, [file("main.py", b"1"), file("locked", b"2", 0o000), folder("empty"), link("to", "x")])
    handover = await ship(snapshots, run, JournalRange(1, 2, "aa"), shipped)
    for path in [handover.path, *handover.path.parents[:3], *handover.path.rglob("*")]:
        assert path.is_symlink() or path.stat().st_ino in synced, path


async def test_provenance_says_where_it_came_from(snapshots: Snapshots, shipped: Path) -> None:
    run = await a_run(snapshots, FIRST, LAST)
    handover = await ship(snapshots, run, JOURNAL, shipped)
    told = provenance(handover)
    assert handover.provenance == hashlib.sha256((handover.path / "provenance.json").read_bytes()).hexdigest()
    assert told["commit"] == handover.commit
    assert told["factory_tui"] == factory_tui.__version__
    assert told["seed"] == {"name": "shop", "revision": "0123456789ab", "owner": "demo"}
    assert (told["run"], told["model"], told["ledger"], told["corpus"]) == ("shop-1", "default", "rehearsal", "c0ffee")
    assert told["loop"] == {"name": "factory", "digest": hashlib.sha256(b"digraph {}").hexdigest()}
    commits = git(handover.path, "log", "--reverse", "--format=%H").split()
    assert [(one["number"], one["commit"], one["snapshot"]) for one in told["passes"]] == [
        (1, commits[0], run.passes[0].commit),
        (2, commits[1], run.passes[1].commit),
    ]
    assert told["satisfaction"] == told["passes"][1]["vault"] | {"interval": 0.9, "ship_low": 0.83}
    assert told["passes"][1]["vault"] == msgspec.to_builtins(run.passes[1].vault)
    assert told["tokens"] == {"input": 10, "output": 20, "cache_write": 3, "cache_read": 4}
    assert told["money"] == "0.1234"
    assert told["journal"] == {"first": 3, "last": 412, "head": "ab" * 32}
    assert told["files"] == {e.path: hashlib.sha256(e.data or b"").hexdigest() for e in SHIPPED if e.kind == "file"}
    assert told["links"] == {"passwd": "/etc/passwd"}
    assert told["left_out"] == [".git/config", "pkg/.git/HEAD"]


async def test_a_clone_carries_its_provenance(snapshots: Snapshots, shipped: Path, tmp_path: Path) -> None:
    handover = await ship(snapshots, await a_run(snapshots, LAST), JOURNAL, shipped)
    git(tmp_path, "clone", "--quiet", str(handover.path), "clone")
    text = git(tmp_path / "clone", "for-each-ref", "--format=%(contents)", "refs/tags/shipped")
    assert text.rstrip("\n") + "\n" == (handover.path / "provenance.json").read_text()
    assert git(tmp_path / "clone", "rev-parse", "shipped^{commit}").strip() == handover.commit


async def test_asked_again_it_is_the_same_handover_though_the_journal_went_on(
    snapshots: Snapshots, shipped: Path
) -> None:
    run = await a_run(snapshots, FIRST, LAST)
    first = await ship(snapshots, run, JOURNAL, shipped)
    made = (first.path / ".git").stat().st_ino
    assert await ship(snapshots, run, JournalRange(3, 500, "cd" * 32), shipped) == first
    assert (first.path / ".git").stat().st_ino == made


@pytest.mark.parametrize("moment", ["_history", "_provenance", "write_tree", "replace"])
async def test_a_crash_in_the_middle_leaves_nothing_and_the_next_try_gives_the_same(
    snapshots: Snapshots, shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    run = await a_run(snapshots, FIRST, LAST)
    whole = await ship(snapshots, run, JOURNAL, tmp_path / "elsewhere")

    class PowerCut(BaseException):
        pass

    def cut(*_: object) -> None:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(shipping, moment, cut)
        with pytest.raises(PowerCut):
            await ship(snapshots, run, JOURNAL, shipped)
    assert not (shipped / "shop" / "shop-1").exists()
    again = await ship(snapshots, run, JOURNAL, shipped)
    assert (again.commit, again.provenance) == (whole.commit, whole.provenance)
    assert [path.name for path in (shipped / "shop").iterdir()] == ["shop-1"]


@pytest.mark.parametrize("spoil", ["change", "add", "provenance", "git", "another commit"])
async def test_what_was_changed_since_is_made_anew(snapshots: Snapshots, shipped: Path, spoil: str) -> None:
    run = await a_run(snapshots, FIRST, LAST)
    first = await ship(snapshots, run, JOURNAL, shipped)
    match spoil:
        case "change":
            (first.path / "app.py").write_text("print(3)\n")
        case "add":
            (first.path / "more.py").write_text("")
        case "provenance":
            (first.path / "provenance.json").write_text("{}")
        case "git":
            (first.path / ".git").rename(first.path / "git")
        case _:
            run = msgspec.structs.replace(run, passes=run.passes[:1])
    again = await ship(snapshots, run, JOURNAL, shipped)
    assert (again == first) is (spoil != "another commit")
    assert git(again.path, "status", "--porcelain") == ""
    assert provenance(again)["passes"][-1]["snapshot"] == run.passes[-1].commit


async def test_an_output_cannot_bring_a_provenance_of_its_own(snapshots: Snapshots, shipped: Path) -> None:
    run = await a_run(snapshots, [file("provenance.json", b"{}")])
    with pytest.raises(DeliveryError, match=r"provenance\.json of its own.*Remedy: "):
        await ship(snapshots, run, JOURNAL, shipped)
    assert not (shipped / "shop" / "shop-1").exists()


async def test_a_run_without_a_snapshot_has_nothing_to_ship(snapshots: Snapshots, shipped: Path) -> None:
    with pytest.raises(DeliveryError, match=r"shop-1 has no snapshot to ship\. Remedy: "):
        await ship(snapshots, await a_run(snapshots), JOURNAL, shipped)


async def test_where_nothing_can_be_written_the_remedy_is_told(snapshots: Snapshots) -> None:
    with pytest.raises(DeliveryError, match=r"could not be written: Not a directory\. Remedy: "):
        await ship(snapshots, await a_run(snapshots, FIRST), JOURNAL, Path(__file__))
