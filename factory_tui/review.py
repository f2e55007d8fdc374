"""The commands on a seed's scenarios: what is wrong with them, and that somebody reviewed them.

Imports stay inside the functions, as in `cli`.
"""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from factory_tui.following import FAILED, SHIPPED, USAGE, order, typed

if TYPE_CHECKING:
    from factory_tui.config.workspace import Workspace


def check(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Print what is wrong with scenarios, by file, line and remedy; fails where a run could not start."""
    import json

    import msgspec

    from factory_tui.config.seed import load_seed, seed_names
    from factory_tui.harness.reviewing import check as checked

    names = [load_seed(workspace, arguments.seed).name] if arguments.seed else seed_names(workspace)
    found = list(checked(workspace, names, alone=bool(arguments.seed)))
    if arguments.json:
        print(json.dumps([{"level": one.level, **msgspec.structs.asdict(one.problem)} for one in found]))
    else:
        for one in found:
            print(f"{one.level}: {one.problem}")
        if not found:
            print(f"the scenarios of {', '.join(names) or 'no seed'} are in order")
    return FAILED if any(one.level == "error" for one in found) else SHIPPED


def schema() -> int:
    """Print the schema of a scenario file, for an editor to complete and check by."""
    from factory_tui.harness.scenario import schema as shape

    print(shape(), end="")
    return SHIPPED


def confirm(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Say that a seed's scenarios judge its newest revision: to the engine, or without one to the files alone."""
    from factory_tui.config.seed import load_seed
    from factory_tui.domain.commands import ConfirmCorpus
    from factory_tui.harness.reviewing import Unwritten, mark_reviewed

    seed = load_seed(workspace, arguments.seed)
    asked = asyncio.run(order(workspace, ConfirmCorpus(seed.name)))
    if asked:
        print(asked, file=sys.stderr)
        return FAILED
    if asked is None:
        try:
            mark_reviewed(workspace.scenarios / seed.name, seed.revision)
        except Unwritten as trouble:
            print(trouble, file=sys.stderr)
            return USAGE
    print(f"the scenarios of {seed.name} are reviewed for revision {seed.revision}")
    print(f"what they say against it: {typed(workspace, f'scenarios check {seed.name}')}")
    return SHIPPED
