"""The commands on drafts of scenarios: have them written, accept them, reject them.

Imports stay inside the functions, as in `cli`.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from factory_tui.following import SHIPPED, USAGE, run_seeds, typed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from factory_tui.config.workspace import Workspace

LOOP = "scenarios"


def draft(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Run the loop that drafts scenarios, and follow it; a workspace without that loop is given it."""
    from factory_tui.config.seed import load_seed
    from factory_tui.config.workspace import bundled

    seed = load_seed(workspace, arguments.seed)
    file = f"loops/{LOOP}.dot"
    if not (workspace.root / file).exists():
        workspace.loops.mkdir(exist_ok=True)
        shutil.copyfile(bundled() / file, workspace.root / file)
        print(f"{file} was not there, and was written", file=sys.stderr)
    arguments.loop = LOOP
    code = run_seeds(workspace, [seed.name], arguments, [])
    if code == SHIPPED and not arguments.json:
        for line in waiting(workspace, [seed.name]):
            print(line)
    return code


def accept(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Make drafts scenarios of their seed, reviewed for its revision of now."""
    from factory_tui.config.reading import Mistakes
    from factory_tui.config.seed import load_seed
    from factory_tui.harness.drafts import accept as accepted

    seed = load_seed(workspace, arguments.seed)
    try:
        accepted(workspace.scenarios / seed.name, arguments.draft, seed.revision, arguments.set)
    except Mistakes as mistakes:
        print(mistakes, file=sys.stderr)
        return USAGE
    where = f" in the {arguments.set}" if arguments.set == "vault" else f" in the {arguments.set} set"
    print(f"{', '.join(arguments.draft)}: accepted{where if arguments.set else ''}, for revision {seed.revision}")
    print(f"what the scenarios say as a whole: {typed(workspace, f'scenarios check {seed.name}')}")
    return SHIPPED


def reject(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Remove drafts; the run that wrote them still has them."""
    from factory_tui.config.reading import Mistakes
    from factory_tui.config.seed import load_seed
    from factory_tui.harness.drafts import reject as rejected

    seed = load_seed(workspace, arguments.seed)
    try:
        rejected(workspace.scenarios / seed.name, arguments.draft)
    except Mistakes as mistakes:
        print(mistakes, file=sys.stderr)
        return USAGE
    print(f"{', '.join(arguments.draft)}: rejected")
    print(f"the run that drafted them still has them: {typed(workspace, 'take RUN FOLDER')}")
    return SHIPPED


def waiting(workspace: "Workspace", seeds: "Iterable[str]") -> Iterator[str]:
    """A line for each seed with drafts that nobody accepted or rejected yet."""
    from factory_tui.console.figures import plural
    from factory_tui.harness.drafts import FOLDER, drafted

    for seed in seeds:
        if names := drafted(workspace.scenarios / seed):
            where = f"scenarios/{seed}/{FOLDER}"
            yield f"{plural(len(names), 'draft')} in {where} judge nothing before you accept them: {', '.join(names)}"
            yield f"  Read them, then: {typed(workspace, f'scenarios accept {seed} NAME')}, or reject"
