"""Floor 6: the commands of `factory-tui`, nothing else. What a command does lives on the floors below."""

import argparse

from factory_tui import __version__


def main(argv: list[str] | None = None) -> int:
    """Parse the command line, run the command, and return its exit code."""
    parser = argparse.ArgumentParser(prog="factory-tui", description="A terminal control room for dark factories.")
    parser.add_argument("--version", action="version", version=f"factory-tui {__version__}")
    parser.parse_args(argv)
    parser.print_help()
    return 0
