"""Commands about what a workspace has: cells, images, a journal, scenarios, twins. Their grammar, and nothing else."""

import argparse
from pathlib import Path

from factory_tui.burn.windows import GROUPINGS, WINDOWS
from factory_tui.options import COUNT, SEQ, run_options, workspace_option
from factory_tui.values import instant, whole


def cell_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Of cells, whoever started them."""
    cells = commands.add_parser("cells", help="the cells that are up: list, remove, enter, watch")
    cells.set_defaults(command="cells", action="ls", all=False)
    actions = cells.add_subparsers(metavar="ACTION")
    made = {
        name: actions.add_parser(name, help=text)
        for name, text in (
            ("ls", "the cells of this workspace, and who needs each"),
            ("rm", "remove cells that no run of a live engine needs; without names, all of them"),
            ("shell", "a shell in a run's cell, as the key t"),
            ("stats", "what each cell uses, live; ctrl+c ends it"),
        )
    }
    made["rm"].add_argument("cell", nargs="*", help="the beginning of its name, of any workspace")
    made["rm"].add_argument("--yes", action="store_true", help="without a question")
    for name in ("ls", "rm"):
        made[name].add_argument("--all", action="store_true", help="of every workspace with cells on the Docker engine")
    for name in ("ls", "stats"):
        made[name].add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="as JSON")
    made["shell"].add_argument("run", help="its name, like shortlinks-1")
    made["shell"].add_argument(
        "--pass", dest="number", type=COUNT, metavar="N", help="a copy of what this pass left, removed when you leave"
    )
    for name, action in (("ls", cells), *made.items()):
        workspace_option(action)
        action.set_defaults(command="cells", action=name)


def image_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Of images for cells."""
    images = commands.add_parser("image", help="images for cells: make one from this host's files, list, remove")
    actions = images.add_subparsers(metavar="ACTION", required=True)
    made = {
        name: actions.add_parser(name, help=text)
        for name, text in (
            ("bootstrap", "make an image from this host's own files, without any registry"),
            ("ls", "the images that were made so far, and who uses them"),
            ("rm", "remove images that no container uses; without names, all of them but the newest of this host"),
        )
    }
    made["bootstrap"].add_argument(
        "--with", dest="tools", action="append", default=[], metavar="TOOL,...", help="ruff, mypy, bandit, git, node"
    )
    made["bootstrap"].add_argument("--python", default="", help="the Python that goes in, with its packages (a path)")
    made["bootstrap"].add_argument("--tag", default="", metavar="NAME", help="a name for it, besides its own")
    made["rm"].add_argument("image", nargs="*", help="its name")
    made["rm"].add_argument("--yes", action="store_true", help="without a question")
    for name in ("bootstrap", "ls"):
        made[name].add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="as JSON")
    for name, action in made.items():
        workspace_option(action)
        action.set_defaults(command="image", action=name)


def journal_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Of what was recorded."""
    journal = commands.add_parser(
        "journal", help="look at, verify, export, back up, restore or compact what was recorded"
    )
    actions = journal.add_subparsers(metavar="ACTION", required=True)
    made = {
        name: actions.add_parser(name, help=text)
        for name, text in (
            ("verify", "walk the chain of hashes, and name the first row that is not what was written"),
            ("export", "print events as JSON lines, as --json does"),
            ("state", "the floor as it was at an event or a time"),
            ("events", "who did what: what people did and what came of it, or any kind of event"),
            ("timeline", "how many events came when"),
            ("chain", "what the newest walk of the chain came to, without another one"),
            ("backup", "copy the journal to one file, while an engine runs or not, and walk the copy"),
            ("restore", "put a backup in the journal's place; the journal of now is kept beside it"),
            ("compact", "move what old runs left in the journal into a compressed archive beside it"),
        )
    }
    made["verify"].add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the finding as JSON")
    made["verify"].add_argument("file", nargs="?", type=Path, help="a backup (default: the journal)")
    for name in ("backup", "restore"):
        made[name].add_argument("file", type=Path, help="the backup")
    made["compact"].add_argument("run", nargs="*", help="runs that are over, by name (default: by --older)")
    made["compact"].add_argument(
        "--older",
        type=whole("number of days"),
        default=30,
        metavar="DAYS",
        help="runs that are over for so long (default: 30)",
    )
    for name in ("restore", "compact"):
        made[name].add_argument("--yes", action="store_true", help="without a question")
    made["export"].add_argument("run", nargs="?", default="", help="its name, like shortlinks-1 (default: everything)")
    for name, text in (("from", "the first event, by seq"), ("to", "the last event, by seq")):
        made["export"].add_argument(f"--{name}", dest=f"{name}_seq", type=SEQ, metavar="SEQ", help=text)
    made["state"].add_argument(
        "instant", type=instant, metavar="SEQ|TIME", help="an event, or a time in UTC: 2026-11-30T14:02:09, or 14:02"
    )
    made["timeline"].add_argument("--spans", type=whole("number from 1 on", 1), default=24, help="(default: 24)")
    _who(made["events"])
    for name, what in (("state", "as status --json"), ("events", "the events"), ("timeline", "it"), ("chain", "it")):
        made[name].add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=f"{what}, as JSON")
    for name, action in made.items():
        workspace_option(action)
        action.set_defaults(command="journal", action=name)


def burn_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Of what was spent."""
    burn = commands.add_parser("burn", help="what was spent on what, where it leads, and what it bought")
    burn.add_argument("run", nargs="?", default="", help="its name, like shortlinks-1 (default: all of them)")
    burn.add_argument("--by", choices=GROUPINGS, default="run", help="what the table groups by (default: run)")
    burn.add_argument("--window", choices=tuple(WINDOWS), default="all", help="how far back it looks (default: all)")
    shape = burn.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="all of it as JSON")
    shape.add_argument("--csv", action="store_true", help="the window's buckets as CSV, for a table of your own")
    workspace_option(burn)
    burn.set_defaults(command="burn")


def _who(events: argparse.ArgumentParser) -> None:
    """Which events."""
    events.add_argument("run", nargs="?", default=None, help="its name, like shortlinks-1 (default: everything)")
    events.add_argument("--actor", metavar="NAME", help="what that one did; !NAME: what all others did")
    events.add_argument("--kind", metavar="TAG", action="append", help="facts of that tag, or of several; all: of any")
    events.add_argument("--after", type=SEQ, metavar="SEQ", help="the oldest after that event (default: the newest)")
    events.add_argument("--before", type=SEQ, metavar="SEQ", help="the newest before that event")
    events.add_argument("--limit", type=whole("number from 1 on", 1), default=50, metavar="N", help="(default: 50)")


def since_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Of what happened meanwhile."""
    since = commands.add_parser("since", help="what shipped, jammed, was spent and decided since you last looked")
    since.add_argument(
        "instant", nargs="?", type=instant, metavar="SEQ|TIME", help="since then (default: since your console was left)"
    )
    since.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="it as JSON")
    workspace_option(since)
    since.set_defaults(command="since")


def scenario_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Of what judges a seed."""
    scenarios = commands.add_parser("scenarios", help="check, run, draft or accept a seed's scenarios")
    actions = scenarios.add_subparsers(metavar="ACTION", required=True)
    check = actions.add_parser("check", help="what is wrong with them, and which judge another revision")
    check.add_argument("seed", nargs="?", default="", help="a name in seeds/ (default: all)")
    check.add_argument(
        "--against", metavar="DIR", default="", help="play each once against this code, if all is in order"
    )
    check.add_argument(
        "--draws", metavar="WORD", default="", help="the inputs of an earlier time, which told this word"
    )
    check.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the findings as JSON")
    confirm = actions.add_parser("confirm", help="they judge the seed's newest revision: write that into their files")
    confirm.add_argument("seed", help="a name in seeds/")
    run = actions.add_parser("run", help="judge a folder of code by them, as the first pass of a run would be")
    run.add_argument("seed", help="a name in seeds/")
    run.add_argument("--against", metavar="DIR", required=True, help="the folder with the code")
    run.add_argument(
        "-n",
        dest="number",
        metavar="N",
        type=whole("number from 1 on", 1),
        help="max_trajectories, for this once",
    )
    run.add_argument("--draws", metavar="WORD", default="", help="the inputs of an earlier time, which told this word")
    _bar_options(run)
    run.add_argument("--junit", metavar="FILE", default="", help="the verdicts as JUnit XML, too")
    run.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the result as JSON")
    bias = actions.add_parser("bias", help="hold rubrics against transcripts that people labelled")
    bias.add_argument("seed", help="a name in seeds/")
    _bar_options(bias)
    bias.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the result as JSON")
    history = actions.add_parser("history", help="what each came to in the newest visits, and which are flaky")
    history.add_argument("seed", help="a name in seeds/")
    history.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the visits as JSON")
    schema = actions.add_parser("schema", help="the JSON Schema of a scenario file, for editors")
    draft = actions.add_parser("draft", help="have a model draft edge and adversarial ones, which judge nothing yet")
    draft.add_argument("seed", help="a name in seeds/")
    draft.add_argument("--model", default="", help="a name under [models] (default: [agent] model)")
    run_options(draft)
    accept = actions.add_parser("accept", help="make drafts scenarios, as reviewed for the seed's newest revision")
    accept.add_argument("--set", choices=("vault", "feedback"), help="the set they belong to (default: as each says)")
    reject = actions.add_parser("reject", help="remove drafts")
    for action in (accept, reject):
        action.add_argument("seed", help="a name in seeds/")
        action.add_argument("draft", nargs="+", metavar="NAME", help="its file's name, without .toml")
    made = {"check": check, "confirm": confirm, "run": run, "bias": bias, "history": history}
    made |= {"draft": draft, "accept": accept, "reject": reject}
    for name, action in {**made, "schema": schema}.items():
        if action is not schema:
            workspace_option(action)
        action.set_defaults(command="scenarios", name=name)


def _bar_options(parser: argparse.ArgumentParser) -> None:
    """Who may judge by rubrics."""
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--judge", action="store_true", help="let models judge by rubrics, for money")
    asked.add_argument("--rehearsals", metavar="FOLDER", type=Path, help="let the twin do so, by the playbook there")


def twin_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Of twins of services."""
    twins = commands.add_parser("twins", help="the twins of services, and how true each is to its own")
    twins.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the list as JSON")
    workspace_option(twins)
    twins.set_defaults(command="twins", action="ls")
    actions = twins.add_subparsers(metavar="ACTION")
    fault = actions.add_parser("fault", help="have a twin of a run fail, or answer as it is again, from now on")
    fault.add_argument("run", help="its name, like shortlinks-1")
    fault.add_argument("twin", help="a name in twins/ that its scenarios or its seed ask for")
    fault.add_argument(
        "fault",
        metavar="FAULT",
        help="429, 500, latency=MS (milliseconds later), or none; what is judged so never ships",
    )
    workspace_option(fault)
    fault.set_defaults(action="fault")
    check = actions.add_parser(
        "check", help="replay what was recorded of the services against them, and keep what came of it"
    )
    check.add_argument("twin", nargs="*", metavar="NAME", help="a name in twins/ (default: all that have recordings)")
    check.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the result as JSON")
    workspace_option(check)
    check.set_defaults(action="check")
