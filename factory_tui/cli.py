"""Floor 6: the commands of `factory-tui`, nothing else. What a command does lives on the floors below.

Imports stay inside the commands: the console paints before anything heavy is loaded.
"""

import argparse
import asyncio
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from factory_tui import demonstrating
from factory_tui.arguments import parser
from factory_tui.following import (
    FAILED,
    INTERRUPTED,
    SHIPPED,
    USAGE,
    console,
    followed,
    look_at,
    run_seeds,
    same_playbooks,
    shape_of,
    typed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory_tui.config.workspace import Workspace


def main(argv: list[str] | None = None) -> int:
    """Parse the command line, run the command, and return its exit code."""
    arguments = parser().parse_args(argv)
    from factory_tui.config.reading import Mistakes

    try:
        code = COMMANDS[arguments.command](arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has left, as `head` does
        return FAILED
    except Mistakes as mistakes:
        print(mistakes, file=sys.stderr)
        return USAGE
    except OSError as trouble:
        print(f"factory-tui: {trouble}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as trouble:
        from factory_tui.journal import JournalError  # slow to load, and rarely needed
        from factory_tui.twins.messages.playbook import PlaybookError

        if not isinstance(trouble, JournalError | PlaybookError):
            raise
        print(f"factory-tui: {trouble}", file=sys.stderr)
        return USAGE if isinstance(trouble, PlaybookError) else FAILED


def _find(arguments: argparse.Namespace) -> "Workspace":
    from factory_tui.config.workspace import Workspace

    return Workspace.find(arguments.workspace.resolve())


def _attach(arguments: argparse.Namespace) -> int:
    if arguments.address:
        return _remote(arguments)
    workspace = _find(arguments)
    if shape_of(arguments) == "console":
        return console(workspace, starts=True)
    from factory_tui.engine import spawn

    if not spawn.answers(workspace):
        spawn.start(workspace)
    return followed(workspace, (), arguments)


def _demo(arguments: argparse.Namespace) -> int:
    from factory_tui.config.workspace import copy_bundled

    workspace = copy_bundled(arguments.dir or _fresh(Path("factory-demo")))
    stand_in = demonstrating.StandIn(workspace, arguments)
    return run_seeds(workspace, demonstrating.SEEDS, arguments, ["--until-over"], stand_in.attend)


def _init(arguments: argparse.Namespace) -> int:
    from factory_tui.founding import init

    return init(arguments)


def _new(arguments: argparse.Namespace) -> int:
    from factory_tui.founding import new

    return new(_find(arguments), arguments)


def _fresh(folder: Path) -> Path:
    """The folder, or the first of its name with a number that is free."""
    number = 1
    while (found := folder if number == 1 else folder.with_name(f"{folder.name}-{number}")).exists():
        number += 1
    return found


def _run(arguments: argparse.Namespace) -> int:
    return run_seeds(_find(arguments), arguments.seed, arguments, [])


def _ask(arguments: argparse.Namespace) -> int:
    from factory_tui import asking

    special = {"inbox": asking.inbox, "fork": asking.fork, "undo": asking.undo}
    special |= dict.fromkeys(("answer", "snooze", "expire"), asking.several)
    return special.get(arguments.name, asking.ask)(_find(arguments), arguments)


def _look(arguments: argparse.Namespace) -> int:
    from factory_tui import workbench

    looks = {"diff": workbench.diff, "shell": workbench.shell, "take": workbench.take}
    return looks[arguments.name](_find(arguments), arguments)


def _cells(arguments: argparse.Namespace) -> int:
    from factory_tui import holding, workbench
    from factory_tui.config.reading import Mistakes

    if arguments.action == "shell":
        return workbench.shell(_find(arguments), arguments)
    workspace: Workspace | None = None
    try:
        workspace = _find(arguments)
    except Mistakes:
        if arguments.workspace != Path():
            raise
        arguments.all = True  # what is left of workspaces that are gone is seen from anywhere
    return holding.cells(workspace, arguments)


def _image(arguments: argparse.Namespace) -> int:
    from factory_tui import imaging
    from factory_tui.config.reading import Mistakes

    workspace: Workspace | None = None
    try:
        workspace = _find(arguments)
    except Mistakes:
        if arguments.workspace != Path():
            raise
    return imaging.image(workspace, arguments)


def _journal(arguments: argparse.Namespace) -> int:
    from factory_tui.archiving import COMMANDS

    return COMMANDS[arguments.action](_find(arguments), arguments)


def _twins(arguments: argparse.Namespace) -> int:
    from factory_tui.twinning import twins

    return twins(_find(arguments), arguments)


def _scenarios(arguments: argparse.Namespace) -> int:
    from factory_tui import drafting, review

    if arguments.name == "schema":
        return review.schema()
    commands = {"check": review.check, "confirm": review.confirm, "run": review.run, "bias": review.bias}
    commands |= {"history": review.history}
    commands |= {"draft": drafting.draft, "accept": drafting.accept, "reject": drafting.reject}
    return commands[arguments.name](_find(arguments), arguments)


def _since(arguments: argparse.Namespace) -> int:
    from factory_tui.recalling import since

    return since(_find(arguments), arguments)


def _status(arguments: argparse.Namespace) -> int:
    import msgspec

    from factory_tui.console.plain import below, summary, table
    from factory_tui.console.replicas import spreads

    workspace = _find(arguments)
    state, up = asyncio.run(look_at(workspace))
    if arguments.json:
        print(msgspec.json.encode({**summary(state), "up": up, "state": state}).decode())
        return SHIPPED
    print(
        f"engine: {f'running, process {state.engine.pid}' if up else 'not running'}; cells: {state.engine.cells or '-'}"
    )
    told = [*table(state), *spreads(state.runs.values())]
    for line in [*told, *below(state, workspace.root, partial(typed, workspace))]:
        print(line)
    return SHIPPED


def _engine_options(arguments: argparse.Namespace) -> list[str]:
    options = ["--until-over"] if arguments.until_over else []
    options += ["--pace", str(arguments.pace)] if arguments.pace else []
    return [*options, "--rehearsals", str(arguments.rehearsals.resolve())] if arguments.rehearsals else options


def _engine_start(arguments: argparse.Namespace) -> int:
    from factory_tui.engine import spawn

    workspace = _find(arguments)
    if spawn.answers(workspace):
        if arguments.rehearsals:
            same_playbooks(workspace, arguments, ours=False)
        print("an engine runs already on this workspace")
        return SHIPPED
    if arguments.rehearsals:
        same_playbooks(workspace, arguments, ours=True)
    print(f"engine started, process {spawn.start(workspace, _engine_options(arguments))}")
    return SHIPPED


def _engine_stop(arguments: argparse.Namespace) -> int:
    from factory_tui.engine.looking import stop
    from factory_tui.link.protocol import RefusedError

    try:
        stopped = asyncio.run(stop(_find(arguments)))
    except RefusedError as refused:
        print(refused, file=sys.stderr)
        return FAILED
    print("engine stopped; runs go on from where they are when it starts again" if stopped else "no engine runs here")
    return SHIPPED


def _engine_status(arguments: argparse.Namespace) -> int:
    state, up = asyncio.run(look_at(_find(arguments)))
    print(f"running, process {state.engine.pid}, version {state.engine.version}" if up else "not running")
    return SHIPPED if up else FAILED


def _engine_run(arguments: argparse.Namespace) -> int:
    from factory_tui.engine.serve import run

    return run(_find(arguments), until_over=arguments.until_over, playbooks=arguments.rehearsals, pace=arguments.pace)


def _burn(arguments: argparse.Namespace) -> int:
    from factory_tui.spending import burn

    return burn(_find(arguments), arguments)


def _doctor(arguments: argparse.Namespace) -> int:
    import json

    from factory_tui.engine.doctor import examine, fence

    findings = asyncio.run((fence if arguments.fence else examine)(arguments.workspace.resolve()))
    if arguments.json:
        print(json.dumps([finding._asdict() for finding in findings]))
    else:
        for finding in findings:
            print(f"{'!' if finding.instead else '✓' if finding.well else '✗'} {finding.what}: {finding.found}")
            if finding.remedy:
                print(f"  Remedy: {finding.remedy}")
            if finding.instead:
                print(f"  Instead: {finding.instead}")
    return SHIPPED if all(finding.well for finding in findings) else FAILED


def _twin_messages(arguments: argparse.Namespace) -> int:
    from factory_tui.twins.messages.server import run_alone

    run_alone(arguments.playbook, arguments.port, arguments.fault)
    return SHIPPED


def _remote(arguments: argparse.Namespace) -> int:
    from factory_tui.remote import COMMANDS

    return COMMANDS[arguments.command](arguments)


COMMANDS: "dict[str, Callable[[argparse.Namespace], int]]" = {
    "attach": _attach,
    "demo": _demo,
    "init": _init,
    "new": _new,
    "run": _run,
    "scenarios": _scenarios,
    "twins": _twins,
    "status": _status,
    "burn": _burn,
    "since": _since,
    "doctor": _doctor,
    "twin messages": _twin_messages,
    "ask": _ask,
    "look": _look,
    "cells": _cells,
    "image": _image,
    "journal": _journal,
    "engine start": _engine_start,
    "engine stop": _engine_stop,
    "engine status": _engine_status,
    "engine run": _engine_run,
    "link": _remote,
    "door": _remote,
    "operators add": _remote,
    "operators list": _remote,
    "operators remove": _remote,
    "fixterm": _remote,
}
