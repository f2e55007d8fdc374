"""The commands in a real terminal: a yes before money is spent, and the way back to what goes on."""

import asyncio
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from factory_tui.config.workspace import Workspace
from factory_tui.following import INTERRUPTED
from factory_tui.twins.messages.playbook import load
from factory_tui.twins.messages.server import Twin
from tests.engine.conftest import home
from tests.terminal import Terminal
from tests.test_cli import workspace

__all__ = ["home", "workspace"]
PROGRAM = (sys.executable, "-m", "factory_tui")


def playbooks(workspace: Workspace) -> Path:
    return workspace.root.parent / "playbooks"


class Counting(Twin):
    """A model that counts how often it is asked."""

    asked = 0

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked += request.method == "POST"
        return await super()._handle(request)


@pytest.mark.parametrize(("answer", "live"), [(b"y\n", True), (b"\n", False)])
async def test_a_key_spends_money_after_a_yes_only(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, answer: bytes, live: bool
) -> None:
    monkeypatch.setenv("GREETER_KEY", "sk-key-of-a-test")
    model = Counting([load(playbooks(workspace) / "greeter.toml")])
    await model.start()
    config = workspace.config.read_text()
    workspace.config.write_text(config.replace("[models.default]", f'[models.default]\nbase_url = "{model.url}"'))

    def run() -> tuple[bytes, int, str]:
        options = ("--plain", "--unfenced", "--rehearsals", str(playbooks(workspace)))
        with Terminal([*PROGRAM, "run", "greeter", *options, "--workspace", str(workspace.root)]) as terminal:
            asked = terminal.until(b"[y/N]")
            terminal.type(answer)
            terminal.until(b"byte_compile")
            terminal.interrupt()
            return asked, terminal.ends(), terminal.got.decode()

    try:
        asked, code, said = await asyncio.to_thread(run)
    finally:
        await model.close()
    assert b"greeter: may spend" in asked
    assert b"Run live with the model default (claude-haiku-4-5)? It spends money" in asked
    assert (model.asked > 0) == live, "what was written was asked of it"
    assert code == INTERRUPTED, said
    assert "What runs goes on" in said


def test_after_q_it_says_how_to_come_back_and_the_engine_goes_on(workspace: Workspace) -> None:
    options = ("--rehearse", "--rehearsals", str(playbooks(workspace)), "--workspace", str(workspace.root))
    with Terminal([*PROGRAM, "run", "greeter", *options]) as terminal:
        terminal.until(b"greeter-1")
        terminal.type(b"q")
        terminal.until(b"\x1b[?1049l")
        assert terminal.ends() == 0
        said = terminal.got.rpartition(b"\x1b[?1049l")[2].decode()
    back = re.search(r"The engine goes on\. Attach again with: (.*)\r\n", said)
    assert back, said
    again = subprocess.run([*shlex.split(back[1]), "--plain"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert re.search(r"greeter-1 .* shipped .* 100%", again.stdout), again.stdout
