"""Starting an engine as a process of its own, and waiting until it answers.

Light on purpose: the console imports this before it paints, so nothing here loads what an engine needs to work.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

from factory_tui.config.workspace import Workspace

PATIENCE = 20.0
"""Seconds an engine may take until its socket answers; it loads what is slow after that."""


class EngineSilent(OSError):  # noqa: N818
    """An engine was started and did not answer; the message ends with what it said."""


def answers(workspace: Workspace) -> bool:
    """Whether an engine listens on the workspace's socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(workspace.socket))
        except OSError:
            return False
        return True


def start(workspace: Workspace, options: Sequence[str] = ()) -> int:
    """Start an engine that outlives this process; its pid once it answers. Raises EngineSilent."""
    workspace.make_state()
    with workspace.log.open("ab") as log:
        began = log.tell()
        engine = subprocess.Popen(
            [sys.executable, "-m", "factory_tui", "engine", "run", "--workspace", str(workspace.root), *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and engine.poll() is None:
        if answers(workspace):
            return engine.pid
        time.sleep(0.02)
    silent = f"the engine did not answer within {PATIENCE:.0f} s; see {workspace.log}"
    if engine.poll() is None:
        engine.terminate()
    else:
        silent = f"the engine ended without a word, with exit status {engine.returncode}"
    with workspace.log.open("rb") as log:
        log.seek(began)
        said = log.read().decode("utf-8", "replace").strip()
    raise EngineSilent(said or silent)
