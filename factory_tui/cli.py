"""Floor 6: the commands of `factory-tui`, nothing else. What a command does lives on the floors below.

Imports stay inside the commands: the console paints before anything heavy is loaded.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from factory_tui import __version__

if TYPE_CHECKING:
    from factory_tui.config.workspace import Workspace

SHIPPED, FAILED, USAGE, WAITS = 0, 1, 2, 3
EXIT_CODES = "exit codes: 0 all shipped, 3 a run is jammed, held, paused or waits for sign-off, 1 failed or stopped, 2 usage"
DEMO_SEEDS = ("shortlinks", "orders-etl")


def main(argv: list[str] | None = None) -> int:
    """Parse the command line, run the command, and return its exit code."""
    arguments = _parser().parse_args(argv)
    from factory_tui.config.reading import Mistakes
    from factory_tui.engine.spawn import EngineSilent

    try:
        return int(arguments.command(arguments))
    except Mistakes as mistakes:
        print(mistakes, file=sys.stderr)
        return USAGE
    except (EngineSilent, ConnectionError) as trouble:
        print(f"factory-tui: {trouble}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="factory-tui",
        description="A terminal control room for dark factories. Without a command: attach to this workspace's engine.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"factory-tui {__version__}")
    parser.set_defaults(command=_attach)
    _workspace_option(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    demo = commands.add_parser("demo", help="two seeds become two shipped programs", epilog=EXIT_CODES)
    demo.add_argument("--dir", type=Path, help="a new folder for the demo's workspace (default: factory-demo)")
    _run_options(demo)
    demo.set_defaults(command=_demo)

    run = commands.add_parser("run", help="run a seed and follow it", epilog=EXIT_CODES)
    run.add_argument("seed", nargs="+")
    run.add_argument("--loop", default="", help="the loop to walk (default: the seed's)")
    run.add_argument("--model", default="", help="a name under [models] (default: [agent] model)")
    run.add_argument("--unfenced", action="store_true", help="allow a live model in a process cell, without a fence")
    _workspace_option(run)
    _run_options(run)
    run.set_defaults(command=_run)

    _engine_commands(commands)

    status = commands.add_parser("status", help="the floor, once")
    status.add_argument("--json", action="store_true", help="the full state as JSON")
    _workspace_option(status)
    status.set_defaults(command=_status)

    doctor = commands.add_parser("doctor", help="what this machine and workspace lack, with remedies")
    doctor.add_argument("--json", action="store_true")
    _workspace_option(doctor)
    doctor.set_defaults(command=_doctor)

    twin = commands.add_parser("twin", help="run a twin alone").add_subparsers(metavar="TWIN", required=True)
    messages = twin.add_parser("messages", help="a Messages API that answers by a playbook")
    messages.add_argument("--playbook", type=Path, required=True)
    messages.add_argument("--port", type=int, default=8765)
    messages.set_defaults(command=_twin_messages)
    return parser


def _engine_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    engine = commands.add_parser("engine", help="start, stop or look at the workspace's engine")
    actions = engine.add_subparsers(metavar="ACTION", required=True)
    for name, text, command in (
        ("start", "start it in the background", _engine_start),
        ("stop", "stop it; runs go on from where they are at the next start", _engine_stop),
        ("status", "whether it runs", _engine_status),
        ("run", "be the engine, in the foreground", _engine_run),
    ):
        action = actions.add_parser(name, help=text)
        _workspace_option(action)
        if name in {"start", "run"}:
            action.add_argument("--until-over", action="store_true", help="stop when every run has ended")
            action.add_argument("--rehearsals", type=Path, help="a folder of playbooks (default: the bundled ones)")
        action.set_defaults(command=command)


def _workspace_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workspace", type=Path, default=Path(), help="the workspace, or a folder in it (default: here)")


def _run_options(parser: argparse.ArgumentParser) -> None:
    money = parser.add_mutually_exclusive_group()
    money.add_argument("--live", action="store_true", help="use the real model without asking; it spends money")
    money.add_argument("--rehearse", action="store_true", help="use the twin and a playbook, even where a key is set")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--plain", action="store_true", help="print a readable log instead of the console")
    shape.add_argument("--json", action="store_true", help="print events as JSON lines; the last line is a summary")
    parser.add_argument("--rehearsals", type=Path, help="a folder of playbooks (default: the bundled ones)")


def _find(arguments: argparse.Namespace) -> "Workspace":
    from factory_tui.config.workspace import Workspace

    return Workspace.find(arguments.workspace.resolve())


def _shape(arguments: argparse.Namespace) -> str:
    """How to show the runs: console, plain or json."""
    if arguments.json:
        return "json"
    return "console" if sys.stdin.isatty() and sys.stdout.isatty() and not arguments.plain else "plain"
