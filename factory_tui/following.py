"""Following runs from the command line: start seeds, show them as console, log or JSON, say what is left to know.

Imports stay inside the functions: the console paints before anything heavy is loaded.
"""

import argparse
import asyncio
import gc
import os
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from factory_tui.arguments import program

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from factory_tui.config.settings import ModelTable
    from factory_tui.config.workspace import Workspace
    from factory_tui.console.feed import Feed
    from factory_tui.console.plain import Attend
    from factory_tui.domain.commands import Command, StartRun
    from factory_tui.domain.events import AnyFact, Event, RunQueued
    from factory_tui.domain.money import Ledger
    from factory_tui.domain.state import State
    from factory_tui.link.protocol import Lower

SHIPPED, FAILED, USAGE, WAITS, INTERRUPTED = 0, 1, 2, 3, 130


def shape_of(arguments: argparse.Namespace) -> Literal["console", "plain", "json"]:
    """How to show the runs: console, plain or json."""
    if arguments.json:
        return "json"
    return "console" if sys.stdin.isatty() and sys.stdout.isatty() and not arguments.plain else "plain"


def run_seeds(
    workspace: "Workspace",
    seeds: "Sequence[str]",
    arguments: argparse.Namespace,
    options: list[str],
    attend: "Attend | None" = None,
) -> int:
    """Start the seeds on the workspace's engine and follow them, in the shape asked for; `attend`: see `follow`."""
    from factory_tui.config.load import load
    from factory_tui.domain.commands import StartRun
    from factory_tui.engine import opening, spawn
    from factory_tui.twins.messages.playbook import BUNDLED, load_folder

    loop, model = getattr(arguments, "loop", ""), getattr(arguments, "model", "")
    unfenced, replicas = getattr(arguments, "unfenced", False), getattr(arguments, "replicas", 1)
    ours = not spawn.answers(workspace)
    try:
        foreseen = opening.foresee(workspace, [StartRun(seed, loop, model) for seed in seeds])
        ledger = _ledger(arguments, foreseen, load(workspace.config).models)
        if arguments.rehearsals:
            options = [*options, "--rehearsals", str(arguments.rehearsals.resolve())]
            same_playbooks(workspace, arguments, ours=ours)
        folder = (arguments.rehearsals or BUNDLED).resolve()
        known = load_folder(folder) if ours else {}
        if ours and ledger == "rehearsal" and (lacking := [seed for seed in seeds if seed not in known]):
            raise opening.Refused("\n".join(opening.no_playbook(seed, folder) for seed in lacking))
    except opening.Refused as refused:
        print(refused, file=sys.stderr)
        return USAGE
    if ours:
        spawn.start(workspace, options)
    before = frozenset(asyncio.run(look_at(workspace))[0].runs)
    wanted = [StartRun(seed, loop, model, ledger, unfenced, replicas) for seed in seeds]
    code = followed(workspace, wanted, arguments, before, attend)
    if code == USAGE and ours:
        asyncio.run(_stop_if_idle(workspace))
    if shape_of(arguments) == "console" and code == SHIPPED:
        return console(workspace, before, brief="--until-over" in options)
    return code


def same_playbooks(workspace: "Workspace", arguments: argparse.Namespace, *, ours: bool) -> None:
    """Raise PlaybookError for a folder that cannot be used, or that is not the one the running engine plays."""
    from factory_tui.twins.messages.playbook import PlaybookError, load_folder

    folder = arguments.rehearsals.resolve()
    load_folder(folder)
    played = workspace.rehearsals.read_text() if workspace.rehearsals.exists() else "others"
    if not ours and played != str(folder):
        raise PlaybookError(
            f"an engine runs already with other playbooks ({played}). Remedy: {typed(workspace, 'engine stop')} first."
        )


async def _stop_if_idle(workspace: "Workspace") -> None:
    """Leave no engine behind that has nothing to do."""
    from factory_tui.domain.state import OVER
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

    times = f", each of {arguments.replicas} replicas" if getattr(arguments, "replicas", 1) > 1 else ""
    for run in foreseen:
        print(f"{run.seed}{times}: may spend {'without a cap' if run.cap is None else f'up to {money(run.cap)}'}")
    print(f"Run live with the model {run.model} ({model.id})? It spends money; n: rehearse instead, at no cost.")
    answer = input("[y/N] ")
    return "live" if answer.strip().lower() in {"y", "yes"} else "rehearsal"


def followed(
    workspace: "Workspace",
    wanted: "Sequence[StartRun]",
    arguments: argparse.Namespace,
    before: "Collection[str]" = (),
    attend: "Attend | None" = None,
) -> int:
    """The exit code of what was started and followed; whoever breaks off is told what goes on."""
    try:
        return asyncio.run(_start_and_follow(workspace, wanted, arguments, before, attend))
    except KeyboardInterrupt:
        print(f"\nWhat runs goes on. To end a run: {typed(workspace, 'stop RUN')}", file=sys.stderr)
        print(f"Attach again with: {typed(workspace)}", file=sys.stderr)
        return INTERRUPTED


async def _start_and_follow(
    workspace: "Workspace",
    wanted: "Sequence[StartRun]",
    arguments: argparse.Namespace,
    before: "Collection[str]",
    attend: "Attend | None",
) -> int:
    """Start these runs and follow all but those of `before`, unless the console will."""
    from factory_tui.console.plain import below, exit_code, follow
    from factory_tui.engine.looking import last_words
    from factory_tui.engine.spawn import EngineSilent
    from factory_tui.link.client import Link
    from factory_tui.link.protocol import LinkLost, NoAnswer, RefusedError

    shape = shape_of(arguments)
    try:
        link = await Link.connect(workspace.socket)
    except NoAnswer as gone:
        raise EngineSilent(await last_words(workspace) or str(gone)) from gone
    try:
        for index, asked in enumerate(wanted):
            try:
                await link.command(asked)
            except RefusedError as refused:
                print(refused, file=sys.stderr)
                if started := ", ".join(one.seed for one in wanted[:index]):
                    print(
                        f"Started before that, and going on: {started}. See: {typed(workspace, 'status')}",
                        file=sys.stderr,
                    )
                return USAGE
            except LinkLost as lost:
                raise EngineSilent(await last_words(workspace) or str(lost)) from lost
        if shape == "console":
            return SHIPPED
        awaited = sum(asked.replicas for asked in wanted)
        state = await follow(link, _say, as_json=shape == "json", ignore=before, wanted=awaited, attend=attend)
        code = exit_code(state, before)
        if shape == "plain":
            for line in below(state, workspace.root, partial(typed, workspace), before):
                print(line)
            if code == WAITS:
                print(f"Attach again with: {typed(workspace)}")
        return code
    finally:
        await link.close()


def _say(line: str) -> None:
    print(line, flush=True)


def console(
    workspace: "Workspace", before: "Collection[str]" = (), *, starts: bool = False, brief: bool = False
) -> int:
    """The console until it detaches; then what is left to know. It may start an engine, once, after it painted.

    The runs of `before` have no part in the exit code. A `brief` engine ends with its runs, once nobody looks.
    """
    gc.disable()  # until it painted: nothing that a start makes is garbage, and it is looked through a dozen times
    from factory_tui.config.load import shown_by
    from factory_tui.config.workspace import looks_of
    from factory_tui.console.app import run_console
    from factory_tui.console.feed import attach_to
    from factory_tui.console.filtering import mistake
    from factory_tui.console.reckoning import targets
    from factory_tui.console.seen import Seen
    from factory_tui.link.protocol import NoAnswer

    attach = attach_to(workspace.socket)

    def serves() -> bool:
        from factory_tui.engine import spawn

        return spawn.answers(workspace)

    async def connect() -> "Feed":
        nonlocal starts
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        try:
            feed = await attach()
        except NoAnswer:
            from factory_tui.engine import spawn

            if not starts or await asyncio.to_thread(spawn.answers, workspace):
                raise
            await asyncio.to_thread(spawn.start, workspace)
            feed = await attach()
        starts = False
        return feed

    try:
        settings = shown_by(workspace.config, serves=serves, mistake=mistake)
        run_console(connect, settings.ui, workspace.root, targets(settings), Seen(looks_of(workspace.identity)))
    except ValueError as error:
        print(f"{workspace.config}: {error}", file=sys.stderr)
        return USAGE
    from factory_tui.console.plain import at_rest, below, exit_code, table
    from factory_tui.console.replicas import spreads
    from factory_tui.domain.state import OVER

    state, up = asyncio.run(look_at(workspace))
    runs = state.runs.values()
    for line in [*table(state), *spreads(runs), *below(state, workspace.root, partial(typed, workspace))]:
        print(line)
    if up and not (brief and all(run.state in OVER for run in state.runs.values())):
        print(f"\nThe engine goes on. Attach again with: {typed(workspace)}")
    resting = all(at_rest(run) for run in state.runs.values() if run.id not in before)
    return exit_code(state, before) if resting else SHIPPED


def typed(workspace: "Workspace", command: str = "") -> str:
    """What to type, from here, to ask this workspace's engine for a command, or to attach."""
    path = min(str(workspace.root), os.path.relpath(workspace.root), key=len)
    here = "" if workspace.root.resolve() == Path.cwd() else f"--workspace {shlex.quote(path)}"
    return " ".join(part for part in (program(), command, here) if part)


async def look_at(workspace: "Workspace") -> "tuple[State, bool]":
    """The workspace's state, and whether its engine runs."""
    from factory_tui.engine.looking import look

    return await look(workspace)


async def outcome(workspace: "Workspace", command: "Command", kind: "type[AnyFact]") -> "Event | str | None":
    """Ask for one thing: the event of that kind which it led to at once, else as `order`."""
    import secrets
    import time

    from factory_tui.domain.events import CommandTaken
    from factory_tui.domain.identifiers import ulid
    from factory_tui.link.client import Link
    from factory_tui.link.protocol import NoAnswer, RefusedError

    try:
        link = await Link.connect(workspace.socket)
    except NoAnswer:
        return None
    key, before = ulid(time.time_ns() // 1_000_000, secrets.randbits(80)), link.state.seq
    kinds = tuple(str(one.__struct_config__.tag) for one in (CommandTaken, kind))
    ours = False
    try:
        await link.command(command, key)
        while events := await link.events(None, None, 100, after=before, kinds=kinds):
            for event in events:
                if ours:
                    return event
                ours = isinstance(event.fact, CommandTaken) and event.fact.id == key
            before = events[-1].seq
    except RefusedError as refused:
        return str(refused)
    finally:
        await link.close()
    raise LookupError(key)


async def order(workspace: "Workspace", command: "Command", lower: "Lower | None" = None) -> str | None:
    """Ask the workspace's engine for one thing: nothing once it is done, else why not; None where no engine runs."""
    from factory_tui.link.client import Link
    from factory_tui.link.protocol import NoAnswer, RefusedError

    try:
        link = await Link.connect(workspace.socket, lower)
    except NoAnswer:
        return None
    try:
        await link.command(command)
    except RefusedError as refused:
        return str(refused)
    finally:
        await link.close()
    return ""
