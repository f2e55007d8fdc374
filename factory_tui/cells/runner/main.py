"""The runner: process 1 of a cell, or a child of its engine. Standard library only, Python >= 3.8.

It starts commands under the agent's uid; keeps each outcome until it is acknowledged, whether anybody is attached or
not; does file work as the agent and calls on the cell's loopback. It decides nothing: what a command means, what a file
may hold and what a response should say is the engine's business.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys

from factory_tui.cells.runner.calls import Calls
from factory_tui.cells.runner.commands import Commands
from factory_tui.cells.runner.files import Tree, Work
from factory_tui.cells.runner.frames import MAX_IN, VERSION, Frames
from factory_tui.cells.runner.gauge import Gauge
from factory_tui.cells.runner.keeper import be_subreaper
from factory_tui.cells.runner.loop import READ, Loop
from factory_tui.cells.runner.processes import freeze, signal_all
from factory_tui.cells.runner.rights import hide, own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from factory_tui.cells.runner.frames import Header


class Runner:
    """The parts, and what the engine may ask of each."""

    def __init__(self, config: Header) -> None:
        tree = Tree(config)
        annex = config.get("annex")
        self._leave = config["leave"]
        self._loop = Loop()
        self._frames = Frames(MAX_IN)
        self._gauge = gauge = Gauge(self._loop, config)
        self._commands = commands = Commands(self._loop, tree, gauge, config)
        self._calls = calls = Calls(self._loop)
        self._work = work = Work(self._loop, tree, Tree(annex) if annex else None)
        self._do = {
            "hello": self._hello,
            "start": commands.start,
            "stdin": commands.stdin,
            "ask": commands.ask,
            "ack": commands.ack,
            "kill": commands.kill,
            "tell": commands.tell,
            "hold": commands.hold,
            "release": commands.release,
            "dial": calls.dial,
            "hang": calls.hang,
            "list": work.list,
            "fetch": work.fetch,
            "get": work.get,
            "put": work.put,
            "watch": gauge.watch,
            "unwatch": gauge.unwatch,
            "leave": lambda *_: leave(),
        }
        os.set_blocking(0, False)
        self._loop.hear(0, select.EPOLLIN, self._on_stdin)

    def run(self) -> NoReturn:
        """Serve for ever."""
        while True:
            late = [soon for soon in (self._commands.on_time(), self._gauge.on_time()) if soon >= 0]
            self._loop.flush()
            self._commands.prepare()
            self._loop.turn(0 if self._work.ready() else min(late, default=-1))
            if self._work.ready():
                self._work.step()

    def _on_stdin(self, _: int) -> None:
        try:
            data = os.read(0, READ)
        except BlockingIOError:
            return
        if not data:
            self._loop.forget(0)
            if self._leave:
                leave()
            return
        for header, payload in self._frames.feed(data):
            self._do[header["op"]](header, payload)

    def _hello(self, header: Header, _: bytes) -> None:
        """Another engine, or the same on another stream: what was meant for the last one is void."""
        self._work.clear()
        self._calls.hang_all()
        self._gauge.forget()
        self._loop.waiting[:] = bytes.fromhex(header["nonce"])
        self._loop.send({"op": "ready", "id": header["id"], "version": VERSION, "python": sys.version.split()[0]})


def leave() -> NoReturn:
    """Kill all and end: the engine says so, or it is gone and this cell cannot outlive it."""
    if os.getpid() == 1:
        os._exit(0)  # the kernel lets no process outlive that of its namespace
    while True:
        signal_all(freeze({os.getpid()}), signal.SIGKILL)
        try:
            while os.waitpid(-1, 0)[0]:
                continue
        except ChildProcessError:
            os._exit(0)


def main() -> NoReturn:
    """Be the runner; the last argument is its configuration."""
    config = json.loads(sys.argv[-1])
    be_subreaper()
    if config.get("own"):
        own(config["own"])
    if config.get("hide"):
        hide()
    gc.collect()
    gc.freeze()
    Runner(config).run()
