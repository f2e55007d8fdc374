"""Options that several commands have."""

import argparse
from pathlib import Path

from factory_tui.values import whole

COUNT, SEQ = whole("number of a pass"), whole("seq of an event")


def role_option(parser: argparse.ArgumentParser) -> None:
    """What somebody may do."""
    roles = ("viewer", "operator", "admin")
    parser.add_argument("--role", choices=roles, default="viewer", help="what they may (default: viewer)")


def program_option(parser: argparse.ArgumentParser, default: str) -> None:
    """What to call on the engine's machine."""
    shown = default or "this one"
    parser.add_argument(
        "--program", default=default, metavar="COMMAND", help=f"factory-tui on the engine's machine (default: {shown})"
    )


def workspace_option(parser: argparse.ArgumentParser) -> None:
    """Which workspace."""
    # Suppressed, here and below: the default of a command would undo what was said before its name.
    parser.add_argument(
        "--workspace", type=Path, default=argparse.SUPPRESS, help="the workspace, or a folder in it (default: here)"
    )


def shape_options(parser: argparse.ArgumentParser) -> None:
    """A log or JSON lines in place of the console."""
    shape = parser.add_mutually_exclusive_group()
    for name, text in (
        ("--plain", "print a readable log instead of the console"),
        ("--json", "print events as JSON lines; the last line is a summary"),
    ):
        shape.add_argument(name, action="store_true", default=argparse.SUPPRESS, help=text)


def run_options(parser: argparse.ArgumentParser) -> None:
    """What money is for, and how it is told."""
    money = parser.add_mutually_exclusive_group()
    money.add_argument("--live", action="store_true", help="use the real model without asking; it spends money")
    money.add_argument("--rehearse", action="store_true", help="use the twin and a playbook, even where a key is set")
    shape_options(parser)
    parser.add_argument("--rehearsals", type=Path, help="a folder of playbooks (default: the bundled ones)")
