"""From another machine: attach over ssh, be the far end of that, say who may come, mend a terminal after a drop.

Imports stay inside the functions, as in cli.py. What goes over the wire is the link's.
"""

import argparse
import asyncio
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from factory_tui.arguments import program
from factory_tui.following import FAILED, SHIPPED, USAGE, shape_of, typed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from factory_tui.config.workspace import Workspace
    from factory_tui.console.feed import Feed
    from factory_tui.link.client import Link

MENDED = (
    "\x1b[?1049l"  # the alternate screen
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # reports of the mouse
    "\x1b[?1004l\x1b[?2004l\x1b[?2026l\x1b[?2048l"  # of focus, pastes, frames, sizes
    "\x1b[<99u\x1b[=0;1u\x1b[>4;0m"  # keys as kitty and xterm encode them
    "\x1b[?1l\x1b>\x1b[?7h\x1b[r\x1b(B\x0f"  # cursor keys, keypad, wrapping, margins, letters
    "\x1b[0m\x1b[?25h\r\n"  # colours, the cursor
)
"""Undoes what a console sets in a terminal and could not take back."""


def attach(arguments: argparse.Namespace) -> int:
    """The console, or a log, of an engine on another machine."""
    from factory_tui.link.ssh import Address, SshLink

    address = Address.parse(arguments.address)
    ssh, there = shlex.split(arguments.ssh) or ["ssh"], shlex.split(arguments.program) or ["factory-tui"]

    async def link() -> "Link":
        return await SshLink.attach(address, ssh, there)

    if shape_of(arguments) != "console":
        return asyncio.run(_follow(link, as_json=arguments.json))
    from factory_tui.config.workspace import looks_of
    from factory_tui.console.app import run_console
    from factory_tui.console.seen import Seen

    async def connect() -> "Feed":
        return await link()

    run_console(connect, seen=Seen(looks_of(arguments.address)))
    print(
        f"The engine on {address.host} goes on. Attach again with: {program()} attach {shlex.quote(arguments.address)}"
    )
    return SHIPPED


async def _follow(link: "Callable[[], Awaitable[Link]]", *, as_json: bool) -> int:
    """Every event once, whatever breaks between, until the runs are at rest."""
    from factory_tui.console.plain import exit_code, follow
    from factory_tui.link.unbroken import Unbroken

    feed = Unbroken(await link(), link, lambda said: print(said, file=sys.stderr, flush=True))
    try:
        return exit_code(await follow(feed, lambda said: print(said, flush=True), as_json=as_json, wanted=0))
    finally:
        await feed.close()


def link(arguments: argparse.Namespace) -> int:
    """Be the far end of an attach."""
    from factory_tui.link.bridge import bridge
    from factory_tui.link.protocol import NoAnswer

    workspace = _find(arguments)
    try:
        bridge(workspace.socket)
    except NoAnswer:
        print(f"no engine runs on {workspace.root}. Remedy: {typed(workspace, 'engine start')} there", file=sys.stderr)
        return FAILED
    return SHIPPED


def door(arguments: argparse.Namespace) -> int:
    """Let an operator in, lowered."""
    from factory_tui.door import open_to
    from factory_tui.link.protocol import NoAnswer

    if _wrong_name(arguments.name):
        return USAGE
    try:
        open_to(arguments.name, arguments.role, _find(arguments))
    except NoAnswer:
        print("no engine runs on this workspace. Remedy: ask its owner to start it", file=sys.stderr)
        return FAILED
    return SHIPPED


def operators_add(arguments: argparse.Namespace) -> int:
    """Write the line that lets a key in by the door only."""
    from urllib.parse import quote

    from factory_tui.operators import Operator, add, line_of, read_key

    if _wrong_name(arguments.name):
        return USAGE
    workspace = _find(arguments)
    key = read_key(arguments.key)
    operator = Operator(arguments.name, arguments.role, str(workspace.root.resolve()), key)
    started = shlex.split(arguments.program) or _this_program()
    if not Path(started[0]).is_absolute():
        print(f"--program: {started[0]} is no absolute path; sshd knows no other PATH", file=sys.stderr)
        return USAGE
    if arguments.only_print:
        print(line_of(operator, started))
        return SHIPPED
    add(_authorized_keys(), operator, started)
    print(f"{operator.name} may come in as {operator.role} with the key {key.fingerprint}, by the door only")
    print(f"Written to: {_authorized_keys()}")
    address = shlex.quote(f"ssh://HOST{quote(operator.workspace)}")
    print(f"For {operator.name}: ssh -t HOST factory-tui, or factory-tui attach {address}")
    return SHIPPED


def operators_list(arguments: argparse.Namespace) -> int:
    """Who may come."""
    from factory_tui.operators import listed

    found = listed(_authorized_keys(), str(_find(arguments).root.resolve()))
    for one in found:
        print(f"{one.name:<16} {one.role:<8} {one.key.kind} {one.key.fingerprint}")
    if not found:
        print("nobody but you may come to this workspace")
    return SHIPPED


def operators_remove(arguments: argparse.Namespace) -> int:
    """Take somebody's lines out."""
    from factory_tui.operators import remove

    if not remove(_authorized_keys(), arguments.name, str(_find(arguments).root.resolve())):
        print(f"no operator of this workspace is called {arguments.name}", file=sys.stderr)
        return FAILED
    print(f"{arguments.name} may come in no more; who is in stays until they leave")
    return SHIPPED


def fixterm(_arguments: argparse.Namespace) -> int:
    """Undo what a console that could not end left in this terminal."""
    if not sys.stdin.isatty():
        print("fixterm mends the terminal it is typed in; stdin is none", file=sys.stderr)
        return USAGE
    with open(os.ttyname(sys.stdin.fileno()), "w", encoding="ascii") as terminal:  # noqa: PTH123 - a device
        terminal.write(MENDED)
    return subprocess.run(["stty", "sane"], check=False).returncode


def _find(arguments: argparse.Namespace) -> "Workspace":
    from factory_tui.config.workspace import Workspace

    return Workspace.find(arguments.workspace.resolve())


def _wrong_name(name: str) -> bool:
    from factory_tui.operators import NAME

    if NAME.fullmatch(name):
        return False
    print(f"{name!r} is no operator's name. Remedy: 1 to 32 small letters, digits, `-` and `_`", file=sys.stderr)
    return True


def _authorized_keys() -> Path:
    return Path.home() / ".ssh" / "authorized_keys"


def _this_program() -> list[str]:
    """How sshd starts this program: it has no PATH of ours."""
    beside = Path(sys.executable).with_name("factory-tui")
    return [str(beside)] if beside.is_file() else [sys.executable, "-P", "-m", "factory_tui"]


COMMANDS: "dict[str, Callable[[argparse.Namespace], int]]" = {
    "attach": attach,
    "link": link,
    "door": door,
    "operators add": operators_add,
    "operators list": operators_list,
    "operators remove": operators_remove,
    "fixterm": fixterm,
}
