"""Floor 6: the commands of `factory-tui`, nothing else. What a command does lives on the floors below.

Imports stay inside the commands: the console paints before anything heavy is loaded.
"""

import argparse
import asyncio
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from factory_tui.arguments import parser, program

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from factory_tui.config.settings import ModelTable
    from factory_tui.config.workspace import Workspace
    from factory_tui.console.feed import Feed
    from factory_tui.domain.commands import Command, StartRun
    from factory_tui.domain.events import RunQueued
    from factory_tui.domain.money import Ledger
    from factory_tui.domain.state import State
    from factory_tui.link.client import Link

SHIPPED, FAILED, USAGE, WAITS, INTERRUPTED = 0, 1, 2, 3, 130
DEMO_SEEDS = ("shortlinks", "orders-etl")


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


def _shape(arguments: argparse.Namespace) -> Literal["console", "plain", "json"]:
    """How to show the runs: console, plain or json."""
    if arguments.json:
        return "json"
    return "console" if sys.stdin.isatty() and sys.stdout.isatty() and not arguments.plain else "plain"


def _attach(arguments: argparse.Namespace) -> int:
    workspace = _find(arguments)
    if _shape(arguments) == "console":
        return _console(workspace, starts=True)
    from factory_tui.engine import spawn

    if not spawn.answers(workspace):
        spawn.start(workspace)
    return _followed(workspace, (), arguments)


def _demo(arguments: argparse.Namespace) -> int:
    from factory_tui.config.workspace import copy_bundled

    workspace = copy_bundled(arguments.dir or _fresh(Path("factory-demo")))
    return _run_seeds(workspace, DEMO_SEEDS, arguments, ["--until-over"])


def _fresh(folder: Path) -> Path:
    """The folder, or the first of its name with a number that is free."""
    number = 1
    while (found := folder if number == 1 else folder.with_name(f"{folder.name}-{number}")).exists():
        number += 1
    return found


def _run(arguments: argparse.Namespace) -> int:
    return _run_seeds(_find(arguments), arguments.seed, arguments, [])


def _run_seeds(
    workspace: "Workspace", seeds: "Sequence[str]", arguments: argparse.Namespace, options: list[str]
) -> int:
    """Start the seeds on the workspace's engine and follow them, in the shape asked for."""
    from factory_tui.config.load import load
    from factory_tui.domain.commands import StartRun
    from factory_tui.engine import opening, spawn
    from factory_tui.twins.messages.playbook import BUNDLED, load_folder

    loop, model = getattr(arguments, "loop", ""), getattr(arguments, "model", "")
    unfenced = getattr(arguments, "unfenced", False)
    ours = not spawn.answers(workspace)
    try:
        foreseen = opening.foresee(workspace, [StartRun(seed, loop, model) for seed in seeds])
        ledger = _ledger(arguments, foreseen, load(workspace.config).models)
        if arguments.rehearsals:
            options = [*options, "--rehearsals", str(arguments.rehearsals.resolve())]
            _same_playbooks(workspace, arguments, ours=ours)
        folder = (arguments.rehearsals or BUNDLED).resolve()
        known = load_folder(folder) if ours else {}
        if ours and ledger == "rehearsal" and (lacking := [seed for seed in seeds if seed not in known]):
            raise opening.Refused("\n".join(opening.no_playbook(seed, folder) for seed in lacking))
    except opening.Refused as refused:
        print(refused, file=sys.stderr)
        return USAGE
    if ours:
        spawn.start(workspace, options)
    before = frozenset(asyncio.run(_look(workspace))[0].runs)
    code = _followed(workspace, [StartRun(seed, loop, model, ledger, unfenced) for seed in seeds], arguments, before)
    if code == USAGE and ours:
        asyncio.run(_stop_if_idle(workspace))
    return _console(workspace, before) if _shape(arguments) == "console" and code == SHIPPED else code


def _same_playbooks(workspace: "Workspace", arguments: argparse.Namespace, *, ours: bool) -> None:
    """Raise PlaybookError for a folder that cannot be used, or that is not the one the running engine plays."""
    from factory_tui.twins.messages.playbook import PlaybookError, load_folder

    folder = arguments.rehearsals.resolve()
    load_folder(folder)
    played = workspace.rehearsals.read_text() if workspace.rehearsals.exists() else "others"
    if not ours and played != str(folder):
        raise PlaybookError(
            f"an engine runs already with other playbooks ({played}). Remedy: {_typed(workspace, 'engine stop')} first."
        )


async def _stop_if_idle(workspace: "Workspace") -> None:
    """Leave no engine behind that has nothing to do."""
    from factory_tui.domain.reducer import OVER
    from factory_tui.engine.looking import look, stop

    state, up = await look(workspace)
    if up and all(run.state in OVER for run in state.runs.values()):
        await stop(workspace)


def _ledger(
    arguments: argparse.Namespace, foreseen: "Sequence[RunQueued]", models: "Mapping[str, ModelTable]"
) -> "Ledger":
    """Live only when asked for: by --live, or by a yes where there is a key and somebody to ask."""
    if arguments.live:
        return "live"
    model = models[foreseen[0].model]
    key_env = model.key_env
    if arguments.rehearse or (key_env and not os.environ.get(key_env)):
        return "rehearsal"
    if not sys.stdin.isatty():
        print("A model is configured, but nobody said --live: this is a rehearsal.", file=sys.stderr)
        return "rehearsal"
    from factory_tui.console.figures import money

    for run in foreseen:
        print(f"{run.seed}: may spend {'without a cap' if run.cap is None else f'up to {money(run.cap)}'}")
    print(f"Run live with the model {run.model} ({model.id})? It spends money; n: rehearse instead, at no cost.")
    answer = input("[y/N] ")
    return "live" if answer.strip().lower() in {"y", "yes"} else "rehearsal"


def _followed(
    workspace: "Workspace",
    wanted: "Sequence[StartRun]",
    arguments: argparse.Namespace,
    before: "Collection[str]" = (),
) -> int:
    """The exit code of what was started and followed; whoever breaks off is told what goes on."""
    try:
        return asyncio.run(_start_and_follow(workspace, wanted, arguments, before))
    except KeyboardInterrupt:
        print(f"\nWhat runs goes on. To end a run: {_typed(workspace, 'stop RUN')}", file=sys.stderr)
        print(f"Attach again with: {_typed(workspace)}", file=sys.stderr)
        return INTERRUPTED


async def _start_and_follow(
    workspace: "Workspace", wanted: "Sequence[StartRun]", arguments: argparse.Namespace, before: "Collection[str]"
) -> int:
    """Start these runs and follow all but those of `before`, unless the console will."""
    from factory_tui.console.plain import below, exit_code, follow
    from factory_tui.engine.spawn import EngineSilent
    from factory_tui.link.client import Link
    from factory_tui.link.protocol import LinkLost, RefusedError

    shape = _shape(arguments)
    link = await Link.connect(workspace.socket)
    try:
        for index, asked in enumerate(wanted):
            try:
                await link.command(asked)
            except RefusedError as refused:
                print(refused, file=sys.stderr)
                if started := ", ".join(one.seed for one in wanted[:index]):
                    print(
                        f"Started before that, and going on: {started}. See: {_typed(workspace, 'status')}",
                        file=sys.stderr,
                    )
                return USAGE
            except LinkLost as lost:
                raise EngineSilent(await _last_words(link) or str(lost)) from lost
        if shape == "console":
            return SHIPPED
        state = await follow(link, _say, as_json=shape == "json", ignore=before, wanted=len(wanted))
        code = exit_code(state, before)
        if shape == "plain":
            for line in below(state, workspace.root, _typed(workspace, "thaw"), before):
                print(line)
            if code == WAITS:
                print(f"Attach again with: {_typed(workspace)}")
        return code
    finally:
        await link.close()


async def _last_words(link: "Link") -> str:
    """Why an engine ended, as it told before it closed the link."""
    from factory_tui.domain.events import EngineStopped, Event

    heard = [message.fact async for message in link if isinstance(message, Event)]
    return next((fact.reason for fact in reversed(heard) if isinstance(fact, EngineStopped)), "")


def _say(line: str) -> None:
    print(line, flush=True)


def _console(workspace: "Workspace", before: "Collection[str]" = (), *, starts: bool = False) -> int:
    """The console until it detaches; then what is left to know. It may start an engine, once, after it painted.

    The runs of `before` have no part in the exit code.
    """
    from factory_tui.config.load import load
    from factory_tui.console.app import run_console
    from factory_tui.console.feed import attach_to

    attach = attach_to(workspace.socket)

    async def connect() -> "Feed":
        nonlocal starts
        if starts:
            from factory_tui.engine import spawn

            if not await asyncio.to_thread(spawn.answers, workspace):
                await asyncio.to_thread(spawn.start, workspace)
            starts = False
        return await attach()

    try:
        run_console(connect, load(workspace.config).ui)
    except ValueError as mistake:
        print(f"{workspace.config}: {mistake}", file=sys.stderr)
        return USAGE
    from factory_tui.console.plain import at_rest, below, exit_code, table

    state, up = asyncio.run(_look(workspace))
    for line in [*table(state), *below(state, workspace.root, _typed(workspace, "thaw"))]:
        print(line)
    if up:
        print(f"\nThe engine goes on. Attach again with: {_typed(workspace)}")
    resting = all(at_rest(run) for run in state.runs.values() if run.id not in before)
    return exit_code(state, before) if resting else SHIPPED


def _typed(workspace: "Workspace", command: str = "") -> str:
    """What to type, from here, to ask this workspace's engine for a command, or to attach."""
    path = min(str(workspace.root), os.path.relpath(workspace.root), key=len)
    here = "" if workspace.root.resolve() == Path.cwd() else f"--workspace {shlex.quote(path)}"
    return " ".join(part for part in (program(), command, here) if part)


async def _look(workspace: "Workspace") -> "tuple[State, bool]":
    from factory_tui.engine.looking import look

    return await look(workspace)


def _command(arguments: argparse.Namespace) -> int:
    """Ask the workspace's engine for one thing."""
    from factory_tui.domain import commands as c

    workspace = _find(arguments)
    match arguments.name:
        case "pause":
            asked: c.Command = c.Pause(arguments.run, arguments.now)
            done = f"{arguments.run} pauses {'now' if arguments.now else 'after its step'}"
        case "resume":
            asked, done = c.Resume(arguments.run), f"{arguments.run} goes on"
        case "stop":
            asked = c.Stop(arguments.run, arguments.reason)
            done = f"{arguments.run} stops for good; its passes stay"
        case "answer":
            asked = c.Answer(arguments.escalation, arguments.choice.removeprefix("-"), arguments.text)
            done = f"{arguments.escalation} is answered"
        case "freeze":
            asked, done = c.EmergencyStop(), f"the floor is frozen; {_typed(workspace, 'thaw')} lets it go on"
        case _:
            asked, done = c.Thaw(), "the floor goes on"
    code = asyncio.run(_ask(workspace, asked))
    if code == SHIPPED:
        print(done)
    return code


async def _ask(workspace: "Workspace", command: "Command") -> int:
    from factory_tui.link.client import Link
    from factory_tui.link.protocol import NoAnswer, RefusedError

    try:
        link = await Link.connect(workspace.socket)
    except NoAnswer:
        print(f"no engine runs on this workspace. Remedy: {_typed(workspace, 'engine start')}", file=sys.stderr)
        return FAILED
    try:
        await link.command(command)
    except RefusedError as refused:
        print(refused, file=sys.stderr)
        return FAILED
    finally:
        await link.close()
    return SHIPPED


def _status(arguments: argparse.Namespace) -> int:
    import msgspec

    from factory_tui.console.plain import below, summary, table

    workspace = _find(arguments)
    state, up = asyncio.run(_look(workspace))
    if arguments.json:
        print(msgspec.json.encode({**summary(state), "up": up, "state": state}).decode())
        return SHIPPED
    print(
        f"engine: {f'running, process {state.engine.pid}' if up else 'not running'}; cells: {state.engine.cells or '-'}"
    )
    for line in [*table(state), *below(state, workspace.root, _typed(workspace, "thaw"))]:
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
            _same_playbooks(workspace, arguments, ours=False)
        print("an engine runs already on this workspace")
        return SHIPPED
    if arguments.rehearsals:
        _same_playbooks(workspace, arguments, ours=True)
    print(f"engine started, process {spawn.start(workspace, _engine_options(arguments))}")
    return SHIPPED


def _engine_stop(arguments: argparse.Namespace) -> int:
    from factory_tui.engine.looking import stop

    stopped = asyncio.run(stop(_find(arguments)))
    print("engine stopped; runs go on from where they are when it starts again" if stopped else "no engine runs here")
    return SHIPPED


def _engine_status(arguments: argparse.Namespace) -> int:
    state, up = asyncio.run(_look(_find(arguments)))
    print(f"running, process {state.engine.pid}, version {state.engine.version}" if up else "not running")
    return SHIPPED if up else FAILED


def _engine_run(arguments: argparse.Namespace) -> int:
    from factory_tui.engine.serve import run

    return run(_find(arguments), until_over=arguments.until_over, playbooks=arguments.rehearsals, pace=arguments.pace)


def _doctor(arguments: argparse.Namespace) -> int:
    from factory_tui.engine.doctor import examine

    findings = asyncio.run(examine(arguments.workspace.resolve()))
    if arguments.json:
        print(json.dumps([finding._asdict() for finding in findings]))
    else:
        for finding in findings:
            print(f"{'✓' if finding.well else '✗'} {finding.what}: {finding.found}")
            if finding.remedy:
                print(f"  Remedy: {finding.remedy}")
    return SHIPPED if all(finding.well for finding in findings) else FAILED


def _twin_messages(arguments: argparse.Namespace) -> int:
    from factory_tui.twins.messages.server import run_alone

    run_alone(arguments.playbook, arguments.port)
    return SHIPPED


COMMANDS: "dict[str, Callable[[argparse.Namespace], int]]" = {
    "attach": _attach,
    "demo": _demo,
    "run": _run,
    "status": _status,
    "doctor": _doctor,
    "twin messages": _twin_messages,
    "ask": _command,
    "engine start": _engine_start,
    "engine stop": _engine_stop,
    "engine status": _engine_status,
    "engine run": _engine_run,
}
