"""What may be said on the command line. It knows the names of commands, not what they do, and loads nothing else."""

import argparse
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from factory_tui import __version__
from factory_tui.belongings import (
    burn_command,
    cell_commands,
    image_commands,
    journal_commands,
    scenario_commands,
    since_command,
    twin_commands,
)
from factory_tui.domain.money import FLOOR_CAPS, RUN_CAPS
from factory_tui.options import COUNT, program_option, role_option, run_options, shape_options, workspace_option
from factory_tui.values import amount, port, span, time_of_day, whole

EXIT_CODES = (
    "exit codes: 0 all shipped, 3 a run is jammed, held, paused or waits for sign-off, 1 failed or stopped, 2 usage"
)


def program() -> str:
    """What to type for this program here: its name where the PATH has it, else the way this process was started."""
    name, started = "factory-tui", Path(sys.argv[0])
    if shutil.which(name):
        return name
    return shlex.quote(str(started)) if started.name == name else f"{shlex.quote(sys.executable)} -m factory_tui"


class _Commands(argparse._SubParsersAction):  # type: ignore[type-arg]
    """Commands whose own help begins with the line that tells of them in the list."""

    def add_parser(self, name: str, **options: Any) -> argparse.ArgumentParser:
        told: str = options["help"]
        made: argparse.ArgumentParser = super().add_parser(name, description=f"{told[0].upper()}{told[1:]}.", **options)
        return made


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.register("action", "parsers", _Commands)


def parser() -> argparse.ArgumentParser:
    """The whole grammar; `command` of what it parses is the command's name."""
    top: argparse.ArgumentParser = _Parser(
        prog="factory-tui",
        description="A terminal control room for dark factories. Without a command: attach to this workspace's engine.",
        epilog=EXIT_CODES,
    )
    top.add_argument("--version", action="version", version=f"factory-tui {__version__}")
    top.set_defaults(command="attach", address="", workspace=Path(), plain=False, json=False)
    workspace_option(top)
    shape_options(top)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")

    demo = commands.add_parser("demo", help="four seeds become four shipped programs", epilog=EXIT_CODES)
    demo.add_argument("--dir", type=Path, help="a new folder for the demo's workspace (default: factory-demo)")
    run_options(demo)
    demo.set_defaults(command="demo")

    _founding_commands(commands)

    run = commands.add_parser("run", help="run a seed and follow it", epilog=EXIT_CODES)
    run.add_argument("seed", nargs="+", help="a name in seeds/; several run at once")
    run.add_argument("--loop", default="", help="the loop to walk (default: the seed's)")
    run.add_argument("--model", default="", help="a name under [models] (default: [agent] model)")
    run.add_argument(
        "--replicas",
        metavar="N",
        type=whole("number from 1 on", 1),
        default=1,
        help="so many runs of each, side by side, and how far they lie apart",
    )
    run.add_argument("--unfenced", action="store_true", help="allow a live model in a process cell, without a fence")
    workspace_option(run)
    run_options(run)
    run.set_defaults(command="run")

    _engine_commands(commands)
    _run_commands(commands)
    cell_commands(commands)
    image_commands(commands)
    journal_commands(commands)
    _remote_commands(commands)
    scenario_commands(commands)
    twin_commands(commands)

    status = commands.add_parser("status", help="the floor, once")
    status.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the full state as JSON")
    workspace_option(status)
    status.set_defaults(command="status")

    burn_command(commands)
    since_command(commands)

    doctor = commands.add_parser("doctor", help="what this machine and workspace lack, with remedies")
    doctor.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the findings as JSON")
    doctor.add_argument("--fence", action="store_true", help="try the fence of Docker cells, from inside one")
    workspace_option(doctor)
    doctor.set_defaults(command="doctor")

    twin = commands.add_parser("twin", help="run a twin alone").add_subparsers(metavar="TWIN", required=True)
    messages = twin.add_parser("messages", help="a Messages API that answers by a playbook")
    messages.add_argument("--playbook", type=Path, required=True, help="the playbook, a TOML file")
    messages.add_argument("--port", type=port, default=8765, help="0 for a free one (default: 8765)")
    messages.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="TOML",
        help="what goes wrong, as in 'then = 429, retry_after = 3, attempt = 0'; may be given again",
    )
    messages.set_defaults(command="twin messages")
    return top


def _founding_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    init = commands.add_parser("init", help="make a workspace of a folder")
    init.add_argument("dir", nargs="?", type=Path, default=Path(), metavar="DIR", help="the folder (default: here)")
    init.add_argument("--owner", default="", help="who answers for its seeds (default: you, by your login)")
    init.set_defaults(command="init")

    new = commands.add_parser("new", help="a new seed with its first scenarios, for you to write")
    new.add_argument("seed", metavar="NAME", help="small letters, digits, `-` and `_`")
    new.add_argument("--loop", default="factory", help="a name in loops/ (default: factory)")
    new.add_argument("--owner", default="", help="who answers for it, by a name under [owners] (default: you)")
    workspace_option(new)
    new.set_defaults(command="new")


def _engine_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    engine = commands.add_parser("engine", help="start, stop or look at the workspace's engine")
    actions = engine.add_subparsers(metavar="ACTION", required=True)
    for name, text in (
        ("start", "start it in the background"),
        ("stop", "stop it; runs go on from where they are at the next start"),
        ("status", "whether it runs"),
        ("run", "be the engine, in the foreground"),
    ):
        action = actions.add_parser(name, help=text)
        workspace_option(action)
        if name in {"start", "run"}:
            action.add_argument(
                "--until-over", action="store_true", help="stop when every run has ended and nobody looks"
            )
            action.add_argument("--rehearsals", type=Path, help="a folder of playbooks (default: the bundled ones)")
            action.add_argument(
                "--pace",
                type=float,
                default=0.0,
                help="characters a second of a rehearsal's answers (default: at once)",
            )
        action.set_defaults(command=f"engine {name}")


_OF_A_RUN = {
    "pause": "pause a run after its step",
    "resume": "let a paused or held run go on",
    "release": "let what was found of the vault reach a run's agent; for an admin",
    "stop": "end a run for good; its passes stay",
    "steer": "say something to a run's agent before its next step",
    "escalate": "park a run after its step, and ask its owner",
    "reseed": "use the newest revision of a run's seed, from its next pass on",
    "restart": "begin a run anew, from nothing or from the output of a pass",
    "fork": "begin a new run with the output of a pass of another, which goes on or stays as it is",
    "undo": "take back your last command about a run, while nothing has come of it that stays",
    "cap": "raise what a run may spend",
    "diff": "what changed between two passes of a run",
    "take": "take out what a pass of a run left, into a new folder",
    "shell": "a shell in a run's cell, or in a copy of what a pass left",
}
_OF_THE_FLOOR = {
    "answer": "answer an escalation",
    "snooze": "have a question or a held run call nobody for a while; who answers next, and when, stays",
    "expire": "have a sign-off refused at a time, if nobody answers by then",
    "inbox": "what waits for a human: questions with their evidence, and held runs",
    "freeze": "emergency stop of the whole floor",
    "thaw": "undo an emergency stop",
}


def _run_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """What an operator may ask of a run or of the floor, or look at, without the console."""
    made: dict[str, argparse.ArgumentParser] = {}
    for name, text in (_OF_A_RUN | _OF_THE_FLOOR).items():
        made[name] = commands.add_parser(name, help=text)
        if name in _OF_A_RUN:
            floor = f"; for an admin also {', '.join(FLOOR_CAPS)}" if name == "cap" else ""
            made[name].add_argument("run", help=f"its name, like shortlinks-1{floor}")
        workspace_option(made[name])
        made[name].set_defaults(command="look" if name in {"diff", "shell", "take"} else "ask", name=name)
    made["pause"].add_argument("--now", action="store_true", help="in the middle of the step")
    made["stop"].add_argument("--reason", default="", help="kept with the run")
    made["steer"].add_argument("text", nargs="+", help="what to say, in your own words")
    made["escalate"].add_argument("text", nargs="*", help="what the owner is asked")
    made["reseed"].add_argument("--restart", action="store_true", help="begin anew with it, from nothing, now")
    made["restart"].add_argument(
        "--from", dest="number", type=COUNT, default=0, metavar="N", help="the pass (default: from nothing)"
    )
    made["fork"].add_argument(
        "--pass", dest="number", type=COUNT, metavar="N", help="the pass (default: the last one that is over)"
    )
    made["fork"].add_argument("--seed", default="", help="a seed as it is now (default: as the pass had it)")
    made["fork"].add_argument("--model", default="", help="a name under [models] (default: that of the run)")
    made["fork"].add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the new run as JSON")
    made["cap"].add_argument("amount", type=amount, help="more than its cap of now: dollars like 12.50, or tokens")
    made["cap"].add_argument(
        "--of",
        choices=RUN_CAPS,
        default="run_cap",
        help="which of its caps (default: run_cap, dollars of the whole run)",
    )
    made["cap"].add_argument(
        "--from", dest="origin", default="", metavar="OTHER", help="move as many dollars from what this run has left"
    )
    made["diff"].add_argument(
        "before", nargs="?", type=COUNT, metavar="A", help="a pass, 0 for nothing (default: the one before B)"
    )
    made["diff"].add_argument("after", nargs="?", type=COUNT, metavar="B", help="a pass (default: the newest)")
    made["take"].add_argument("folder", type=Path, metavar="FOLDER", help="the new folder")
    made["take"].add_argument(
        "--pass",
        dest="number",
        type=whole("number of a pass", 1),
        metavar="N",
        help="the pass (default: its best, else the newest)",
    )
    made["shell"].add_argument(
        "--pass", dest="number", type=COUNT, metavar="N", help="a copy of what this pass left, removed when you leave"
    )
    made["answer"].add_argument("escalation", help="its name, like E-1; E-1,E-2 gives several the same answer")
    made["answer"].add_argument("choice", nargs="*", help="one of the choices it offers; none: --text only")
    made["answer"].add_argument("--text", default="", help="in your own words")
    for name, what in (("snooze", "an escalation, like E-1, or a held run"), ("expire", "an escalation, like E-1")):
        made[name].add_argument("items", nargs="+", metavar="ITEM", help=what)
        when = made[name].add_mutually_exclusive_group(required=True)
        when.add_argument("--for", dest="span", type=span, metavar="SPAN", help="from now, such as 30m or 2h")
        when.add_argument("--until", type=time_of_day, metavar="TIME", help="the next such time, UTC, such as 14:30")
        when.add_argument("--off", action="store_true", help="not any more")
    made["inbox"].add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="all of it as JSON")


def _remote_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """From another machine, and who may come from there."""
    attach = commands.add_parser("attach", help="attach to an engine here, or over ssh on another machine")
    attach.add_argument(
        "address", nargs="?", default="", help="ssh://[user@]host[:port]/path (default: this workspace)"
    )
    attach.add_argument("--ssh", default="ssh", metavar="COMMAND", help="ssh with options of its own, in one word")
    program_option(attach, "factory-tui")
    shape_options(attach)
    workspace_option(attach)
    attach.set_defaults(command="attach")

    link = commands.add_parser("link", help="copy between stdin and stdout and the engine: the far end of attach")
    workspace_option(link)
    link.set_defaults(command="link")

    door = commands.add_parser("door", help="the forced command of an operator's ssh key; it only lowers rights")
    door.add_argument("name", help="who comes in by it")
    role_option(door)
    workspace_option(door)
    door.set_defaults(command="door")

    fixterm = commands.add_parser("fixterm", help="mend this terminal after a line dropped")
    fixterm.set_defaults(command="fixterm")

    operators = commands.add_parser("operators", help="who may come to this workspace over ssh")
    actions = operators.add_subparsers(metavar="ACTION", required=True)
    add = actions.add_parser("add", help="let somebody's key in, by the door only")
    add.add_argument("name", help="small letters, digits, `-` and `_`")
    add.add_argument("--key", type=Path, required=True, metavar="FILE", help="the file of one public key")
    add.add_argument("--print", dest="only_print", action="store_true", help="print the line instead of writing it")
    role_option(add)
    program_option(add, "")
    remove = actions.add_parser("remove", help="let somebody in no more")
    remove.add_argument("name")
    for name, action in (("add", add), ("remove", remove), ("list", actions.add_parser("list", help="who may come"))):
        workspace_option(action)
        action.set_defaults(command=f"operators {name}")
