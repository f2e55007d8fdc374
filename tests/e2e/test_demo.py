"""`factory-tui demo`, as a person types it: four seeds become four programs that work, and nothing is left running."""

import asyncio
import csv
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from docker import DockerClient

from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import Answer
from factory_tui.domain.events import (
    CellStarted,
    CheckpointRan,
    CommandTaken,
    EscalationAnswered,
    EscalationRaised,
    Event,
    Shipped,
    VerdictReached,
    VisitBegan,
)
from factory_tui.twins.messages.playbook import BUNDLED, load
from tests.e2e.leaks import agents_view, corpus_of, files, leaks, look_into, quotes, runs_of_vault, vault_of
from tests.e2e.stage import PATIENCE, SEEDS, Past, Said, cli, git, past, released, stopping

PASSES = {"shortlinks": 3, "orders-etl": 2, "interval-bug": 2, "ledger": 4}
PROGRAM = {
    "shortlinks": "app.py",
    "orders-etl": "etl.py",
    "interval-bug": "intervals/sets.py",
    "ledger": "ledger.py",
}
GUIDANCE = load(BUNDLED / "ledger.toml").guidance
pytestmark = pytest.mark.timeout(2 * PATIENCE)


class Demo(NamedTuple):
    said: Said
    past: Past
    seen: dict[str, dict[str, bytes]]
    """What was in the agent's cell, by run, at the beginning of each visit."""


async def demonstrate(workspace: Workspace, docker_engine: DockerClient) -> Demo:
    """The demo in Docker cells, and a look into the agents' cells while it runs."""
    cells: dict[str, str] = {}
    seen: dict[str, dict[str, bytes]] = {}

    async def watch(event: Event) -> None:
        if isinstance(event.fact, CellStarted) and event.fact.role == "agent":
            assert event.fact.kind == "docker"
            cells[event.run] = event.fact.cell
        elif isinstance(event.fact, VisitBegan) and event.fact.kind == "screen":
            found = await asyncio.to_thread(look_into, docker_engine, cells[event.run])
            seen.setdefault(event.run, {}).update({f"{path} at {event.seq}": data for path, data in found.items()})

    async with stopping(workspace):
        said = await cli("demo", "--json", "--dir", workspace.root, watch=watch)
        assert await released(workspace), "an engine still answers"
    return Demo(said, await past(workspace), seen)


@pytest.mark.docker
async def test_the_demo_in_docker(
    subtests: pytest.Subtests, tmp_path: Path, docker_engine: DockerClient, cell_image: str
) -> None:
    """One run, looked at from all sides; one test, since workers of a parallel run would each pay for a shared one."""
    demo = await demonstrate(Workspace(tmp_path / "workspace"), docker_engine)
    with subtests.test("all four ship and the last line sums up"):
        sums_up(demo.said)
    with subtests.test("all are worked on at once"):
        runs = [event.run for event in demo.past.events if event.run]
        assert all(runs.index(one) < len(runs) - 1 - runs[::-1].index(other) for one in runs for other in set(runs))
    with subtests.test("what a pass leaves unsatisfied is told and mended"):
        converges(demo.past)
    with subtests.test("no container is left"):
        label = f"factory-tui.workspace={demo.past.workspace.identity}"
        assert docker_engine.containers.list(all=True, filters={"label": label}) == []
    with subtests.test("the demo answers what one of them asks, under its own name, after it was shown"):
        asks_once(demo)
    with subtests.test("a mistake is seen to fail before it is mended"):
        red_then_green(demo.past)
    for seed, works in (("shortlinks", shorten), ("orders-etl", clean), ("interval-bug", merge), ("ledger", balance)):
        with subtests.test("what shipped is a repository whose provenance is true", seed=seed):
            prove(demo.past, seed)
        with subtests.test("what shipped works outside any cell", seed=seed):
            works(Path(shutil.copytree(demo.past.shipped(f"{seed}-1"), tmp_path / seed)))
        with subtests.test("nothing of the vault reaches the agent, its cell, or what it makes", seed=seed):
            keeps_the_vault(demo, seed)


async def test_without_docker_it_says_unfenced_and_ends_with_a_table(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    nowhere = f"unix://{tmp_path}/no-docker.sock"
    (broken := tmp_path / "bwrap").write_text("#!/bin/sh\necho no namespaces here >&2; exit 1\n")
    broken.chmod(0o755)
    without = {"DOCKER_HOST": nowhere, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    async with stopping(workspace):
        said = await cli("demo", "--plain", "--dir", workspace.root, env=without)
        assert await released(workspace), "an engine still answers"
    assert said.code == 0, said.errors
    head = next(i for i, line in enumerate(said.lines) if line.startswith("RUN "))
    assert said.lines[head].split()[:4] == ["RUN", "STATE", "PASS", "SATISFIED"]
    for line, name in zip(said.lines[head + 1 : head + 5], SEEDS, strict=True):
        assert re.match(rf"{name}-1 +✓ shipped +{PASSES[name]} +100% .*\$[0-9.]+ +REHEARSAL UNFENCED$", line)
    told = await past(workspace)
    assert told.state.engine.cells == "process"
    assert "no namespaces here. Remedy" in told.state.engine.why
    assert not list((workspace.state / "cells").glob("*.json")), "process cells were left behind"
    for name in SEEDS:
        prove(told, name)


def sums_up(said: Said) -> None:
    assert said.code == 0, said.errors
    rows = {row["seed"]: row for row in said.summary["runs"]}
    assert {name: (row["state"], row["passes"]) for name, row in rows.items()} == {
        name: ("shipped", passes) for name, passes in PASSES.items()
    }
    assert {(row["ledger"], row["unfenced"]) for row in rows.values()} == {("rehearsal", False)}
    told = [json.loads(line)["seq"] for line in said.lines[:-1]]
    assert told == list(range(told[0], told[0] + len(told))), "every event, in order, and nothing else"


def converges(told: Past) -> None:
    """Stories that are unsatisfied after a pass are told, and mended."""
    late, bodies = "expired-link-is-gone", "bodies-that-are-no-request"
    assert unsatisfied(told, "shortlinks-1") == [{bodies, late}, {late}, set()]
    assert unsatisfied(told, "orders-etl-1") == [{"addresses-over-two-lines"}, set()]
    assert unsatisfied(told, "interval-bug-1") == [{"calendars-that-only-touch"}, set()]
    assert unsatisfied(told, "ledger-1") == [{"half-a-cent"}] * 3 + [set()]
    for run in (f"{seed}-1" for seed in SEEDS):
        named = [set(re.findall(r"(?m)^unsatisfied: (\S+)", text)) for text in told.told(run)]
        assert named == unsatisfied(told, run)[:-1]


def asks_once(demo: Demo) -> None:
    [raised] = demo.past.facts(EscalationRaised)
    assert (raised.kind, raised.jam, raised.to) == ("jam", "oscillating", "demo")
    [answered] = [event for event in demo.past.events if isinstance(event.fact, EscalationAnswered)]
    assert (answered.run, answered.actor) == ("ledger-1", "demo")
    assert Answer(raised.id, text=GUIDANCE) in [fact.command for fact in demo.past.facts(CommandTaken)]
    packet, said = demo.said.errors.split("REHEARSAL: ")
    for shown in (raised.question, *raised.evidence.splitlines(), *raised.choices):
        assert shown in packet
    assert f"the demo answers {raised.id} itself, as operator demo" in said
    assert shlex.quote(GUIDANCE) in said


def red_then_green(told: Past) -> None:
    seen = [(fact.node, fact.exit != 0, fact.passed) for fact in told.facts(CheckpointRan, "interval-bug-1")]
    assert seen[0] == ("seen_to_fail", True, True)
    assert [one for one in seen if one[0] == "seen_to_pass"] == [("seen_to_pass", False, True)] * 2
    assert [one for one in seen if one[0] == "unit_tests"] == [("unit_tests", False, True)] * 2
    first = git(told.shipped("interval-bug-1"), "rev-list", "--reverse", "HEAD").decode().split()[0]
    names = git(told.shipped("interval-bug-1"), "ls-tree", "-r", "--name-only", first).decode().split()
    assert {"README.md", "intervals/sets.py", "tests/test_sets.py", "tests/test_reported.py"} <= set(names)


def keeps_the_vault(demo: Demo, seed: str) -> None:
    """Canaries, names, sentences and expectations of the vault, and eight words in a row, are the engine's alone."""
    run, corpus, secrets = f"{seed}-1", corpus_of(demo.past, seed), vault_of(demo.past, seed)
    verdicts = [fact for fact in demo.past.facts(VerdictReached, run) if fact.set == "vault"]
    assert len(verdicts) >= 24, "the vault was looked at"
    for fact in verdicts:
        assert leaks({corpus.canary(fact.scenario)}, {"evidence": fact.evidence.encode()}), "a leak would be found"
    runs, scenarios = runs_of_vault(demo.past, seed), files(demo.past.workspace.scenarios / seed)
    assert {Path(place).stem for place in scenarios if quotes(runs, {place: scenarios[place]})} == {
        one.name for one in corpus.scenarios if one.set == "vault"
    }, "a quotation would be found"
    view = agents_view(demo.past, run) | {"engine.log": demo.past.workspace.log.read_bytes()}
    assert leaks(secrets, view) == []
    assert quotes(runs, view) == []
    for place in ("inspect", "/proc/1/cmdline", f"/work/{PROGRAM[seed]}"):
        assert any(path.startswith(f"{place} at") for path in demo.seen[run]), f"{place} was not looked at"
    assert leaks(secrets, demo.seen[run]) == []
    assert quotes(runs, demo.seen[run]) == []


def unsatisfied(told: Past, run: str) -> list[set[str]]:
    """The feedback stories that were not satisfied, pass by pass."""
    verdicts = [fact for fact in told.facts(VerdictReached, run) if fact.set == "feedback"]
    passes = range(1, max(fact.number for fact in verdicts) + 1)
    return [{fact.scenario for fact in verdicts if fact.number == number and not fact.satisfied} for number in passes]


def prove(told: Past, seed: str) -> None:
    """A commit a pass, nothing changed since, and a provenance.json that says what is there."""
    run, folder = f"{seed}-1", told.shipped(f"{seed}-1")
    [fact] = told.facts(Shipped, run)
    text = (folder / "provenance.json").read_bytes()
    provenance: dict[str, Any] = json.loads(text)
    assert hashlib.sha256(text).hexdigest() == fact.provenance
    assert git(folder, "rev-list", "--reverse", "HEAD").decode().split() == [
        one["commit"] for one in provenance["passes"]
    ]
    assert len(provenance["passes"]) == PASSES[seed]
    assert git(folder, "status", "--porcelain") == b""
    git(folder, "fsck", "--strict")
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts and path.name != "provenance.json"
    }
    assert provenance["files"] == found
    assert sorted(found) == sorted(git(folder, "ls-files").decode().split())
    assert (provenance["seed"]["revision"], provenance["ledger"]) == (told.state.runs[run].revision, "rehearsal")
    last = told.state.runs[run].passes[-1]
    assert last.vault is not None
    assert (provenance["satisfaction"]["share"], provenance["satisfaction"]["total"]) == (1.0, last.vault.total)
    head = next(event for event in told.events if event.fact is fact).seq
    assert provenance["journal"]["first"] < provenance["journal"]["last"] < head


def shorten(folder: Path) -> None:
    """Create a link and follow it."""
    with serving(folder) as base:
        asked = urllib.request.Request(
            f"{base}/links", json.dumps({"url": "https://host.example/a?b=c"}).encode(), method="POST"
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            code = json.load(answer)["code"]
        opener = urllib.request.build_opener(Stay)
        with pytest.raises(urllib.error.HTTPError) as redirect:
            opener.open(f"{base}/{code}", timeout=10)
        redirect.value.close()
        assert (redirect.value.code, redirect.value.headers["Location"]) == (302, "https://host.example/a?b=c")
        with urllib.request.urlopen(f"{base}/links/{code}", timeout=10) as answer:
            assert json.load(answer)["clicks"] == 1


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing."""

    def redirect_request(self, *_: object) -> None:
        return None


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The service at work on a free port; its address."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-B", "app.py"], cwd=folder, env={**os.environ, "PORT": str(port)}, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except urllib.error.URLError:
                assert process.poll() is None, "the service ended"
                assert time.monotonic() < deadline, "the service was never ready"
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def merge(folder: Path) -> None:
    """What was reported is repaired, and what only touches shares nothing."""
    (folder / "hall.txt").write_text("9 17\n10 11\n")
    (folder / "night.txt").write_text("17 20\n")
    for command, wanted in (
        ("merge hall.txt", "9 17\n"),
        ("covered hall.txt", "8\n"),
        ("intersect hall.txt night.txt", ""),
    ):
        said = subprocess.run(
            [sys.executable, "-B", "-m", "intervals", *command.split()], cwd=folder, check=True, capture_output=True
        )
        assert said.stdout.decode() == wanted


def balance(folder: Path) -> None:
    """Half a cent goes to the even cent, as the person who knows said."""
    (folder / "club.txt").write_text("2024-05-17 ann bob 25.00 fee 0.5%\n2024-05-17 ann bob 27.00 fee 0.5%\n")
    said = subprocess.run([sys.executable, "-B", "ledger.py", "club.txt"], cwd=folder, check=True, capture_output=True)
    assert said.stdout.decode() == "ann -52.26\nbob 52.00\nfees 0.26\n"


def clean(folder: Path) -> None:
    """Clean a day with a duplicate, a bad row and a quoted line break."""
    with (folder / "day.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [
                ("order_id", "customer", "quantity", "unit_price"),
                ("A-1", "Ann\nSmith, Ltd", 3, "20.50"),
                ("A-1", "Bob", 1, "1.00"),
                ("A-2", "Zoë", 0, "1.00"),
            ]
        )
    subprocess.run([sys.executable, "-B", "etl.py", "day.csv", "out"], cwd=folder, check=True)
    [order] = [json.loads(line) for line in (folder / "out/clean.jsonl").read_text("utf-8").splitlines()]
    assert (order["customer"], order["total_cents"]) == ("Ann\nSmith, Ltd", 6150)
    summary = json.loads((folder / "out/summary.json").read_text("utf-8"))
    assert (summary["duplicates"], summary["rejected"], summary["total_cents"]) == (1, 1, 6150)
