"""A run against a model with a key: it says live, and the key is nowhere but in the engine's memory and the request."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from docker import DockerClient

from factory_tui.domain.events import CellStarted, Event, RunQueued, ToolReturned, VerdictReached, VisitBegan
from tests.e2e.faults import REHEARSALS
from tests.e2e.leaks import agents_view, files, leaks, look_into, objects, quotes, runs_of_vault, vault_of
from tests.e2e.stage import PATIENCE, QUICK, ROOT, bundled_in, cli, past, stopping

KEY_NAME = "FACTORY_E2E_KEY"
KEY = "sk-e2e-7Qm2vXk9Lr4TzB8n"
MODEL = """
[models.endpoint]
id = "claude-sonnet-5-5"
base_url = "{url}"
key_env = "FACTORY_E2E_KEY"
"""
PLANTED = "zebrafinch-{number}-{where}"
"""A word that stands in one vault scenario only."""
STORY = """
[[act]]
name = "{name}"
run = {{ command = "ls -A" }}
[act.expect]
stdout = {{ excludes = "{wanted}" }}
"""
pytestmark = [pytest.mark.docker, pytest.mark.timeout(2 * PATIENCE)]


@asynccontextmanager
async def twin(folder: Path) -> AsyncIterator[str]:
    """The Messages API twin as a process, with a generator that prints its cell's environment; its address."""
    text = (REHEARSALS / "orders-etl.toml").read_text("utf-8")
    look = "command = 'python3 --version && ls -A'"
    assert look in text
    playbook = folder / "orders-etl.toml"
    playbook.write_text(text.replace(look, "command = 'python3 --version && ls -A && env && cat /proc/*/cmdline'"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "factory_tui", "twin", "messages", "--playbook", str(playbook), "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", (await process.stdout.readline()).decode())
        assert found
        yield found[0]
    finally:
        process.terminate()
        await process.communicate()


async def test_a_key_and_a_vault_stay_where_they_are_in_a_live_run(
    tmp_path: Path, docker_engine: DockerClient, cell_image: str
) -> None:
    workspace = bundled_in(tmp_path / "workspace", kind="docker", figures=QUICK)
    planted = set()
    for number, path in enumerate(sorted((workspace.scenarios / "orders-etl").glob("*.toml"))):
        text = path.read_text("utf-8")
        if 'set = "vault"' not in text:
            continue
        words = {where: PLANTED.format(number=number, where=where) for where in ("story", "name", "wanted")}
        planted |= set(words.values())
        text = text.replace('story = """\n', f'story = """\nFor {words["story"]}. ', 1)
        path.write_text(text + STORY.format(name=words["name"], wanted=words["wanted"]))
    assert len(planted) == 24
    seen: dict[str, bytes] = {}
    cell = ""

    async def watch(event: Event) -> None:
        nonlocal cell
        if isinstance(event.fact, CellStarted) and event.fact.role == "agent":
            cell = event.fact.cell
        elif isinstance(event.fact, VisitBegan):
            seen.update(await asyncio.to_thread(look_into, docker_engine, cell))

    async with twin(tmp_path) as url, stopping(workspace):
        workspace.config.write_text(workspace.config.read_text() + MODEL.format(url=url))
        asked = ("orders-etl", "--live", "--model", "endpoint", "--json", "--workspace", workspace.root)
        said = await cli("run", *asked, watch=watch, env={KEY_NAME: KEY})
        table = await cli("status", "--workspace", workspace.root, env={KEY_NAME: KEY})
    assert said.code == 0, said.errors
    told = await past(workspace)
    run = "orders-etl-1"

    assert [fact.ledger for fact in told.facts(RunQueued)] == ["live"]
    assert [row["ledger"] for row in said.summary["runs"]] == ["live"]
    assert not any("REHEARSAL" in line for line in (*said.lines, *table.lines))
    assert json.loads((told.shipped(run) / "provenance.json").read_text())["ledger"] == "live"
    assert told.state.burn["live"].money > 0
    assert any("HOME=/tmp" in fact.output for fact in told.facts(ToolReturned, run)), "the agent saw its environment"

    everywhere = files(tmp_path) | objects(workspace.snapshots, "--all") | objects(told.shipped(run), "--all")
    everywhere |= {f"event {event.seq}": msgspec.json.encode(event) for event in told.events}
    everywhere |= {"stdout": "\n".join(said.lines).encode(), "stderr": said.errors.encode()}
    assert workspace.log.read_bytes()
    assert {"inspect", "/proc/1/cmdline", "/work/etl.py"} <= seen.keys()
    assert leaks({KEY, KEY_NAME}, seen) == []
    assert leaks({KEY}, everywhere) == []

    assert len([fact for fact in told.facts(VerdictReached, run) if fact.set == "vault"]) >= 16
    assert len(leaks(planted, files(workspace.scenarios))) == len(planted), "a leak would be found"
    assert leaks(planted | vault_of(told, "orders-etl"), agents_view(told, run) | seen) == []
    assert quotes(runs_of_vault(told, "orders-etl"), agents_view(told, run) | seen) == []
