"""A newcomer's first seed: what docs/rehearsals.md prints is pasted, and ships."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from factory_tui.config.workspace import Workspace
from tests.e2e.stage import PATIENCE, ROOT, git, past
from tests.engine.conftest import home

__all__ = ["home"]
PRINTED = re.compile(r"^`([\w./-]+)`[^\n]*(?:\n[^\n`]+)*:?\n\n```(?:toml)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def newcomer(home: Path, tmp_path: Path) -> dict[str, str]:
    """Their surroundings: factory-tui on the PATH, and nothing of anybody else's."""
    program = tmp_path / "bin" / "factory-tui"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m factory_tui "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    nowhere = "unix:///nowhere.sock"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "DOCKER_HOST": nowhere}


def test_the_first_seed_ships_as_it_is_printed(newcomer: dict[str, str], tmp_path: Path) -> None:
    page = (ROOT / "docs" / "rehearsals.md").read_text()
    begin, end = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)

    def paste(commands: str, where: Path) -> str:
        told = ["sh", "-exc", commands.replace("factory-tui doctor\n", "factory-tui doctor || true\n")]
        done = subprocess.run(
            told,
            check=False,
            cwd=where,
            env=newcomer,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    paste(begin, tmp_path)
    workspace = Workspace(tmp_path / "greetings")
    printed = dict(PRINTED.findall(page))
    assert len(printed) == 6, printed.keys()
    for file, text in printed.items():
        path = workspace.root / file
        assert path.exists() or path.parent.name == "playbooks", f"`new` makes no {file}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    try:
        said = paste(end, workspace.root)
    finally:
        subprocess.run(["factory-tui", "engine", "stop"], cwd=workspace.root, env=newcomer, check=True)
    assert "✓ seed greeter: " in said
    assert "Hello, You!" in said
    run = asyncio.run(past(workspace)).state.runs["greeter-1"]
    assert (run.state, run.ledger, run.owner, len(run.passes)) == ("shipped", "rehearsal", "ana", 2)
    assert len(git(workspace.root / run.shipped, "log", "--oneline").splitlines()) == 2
