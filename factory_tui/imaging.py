"""`factory-tui image`: an image for cells from this host's own files, and those that were made so far.

Imports stay inside the functions, as in `cli`.
"""

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING

from factory_tui.following import FAILED, SHIPPED, USAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_tui.cells.client import Engine
    from factory_tui.cells.stock import Stocked
    from factory_tui.config.workspace import Workspace


def image(workspace: "Workspace | None", arguments: argparse.Namespace) -> int:
    """Do what was asked of images, on the engine that the environment names."""
    from factory_tui.cells.docker import connect
    from factory_tui.cells.protocol import CellError

    try:
        client = connect()
    except CellError as error:
        print(error, file=sys.stderr)
        return FAILED
    try:
        if arguments.action == "bootstrap":
            return _bootstrap(client, arguments)
        return (_remove if arguments.action == "rm" else _list)(client, workspace, arguments)
    except CellError as error:
        if arguments.json:
            print(json.dumps({"trouble": str(error).splitlines()}))
        else:
            print(error, file=sys.stderr)
        return FAILED
    finally:
        client.close()


def _bootstrap(client: "Engine", arguments: argparse.Namespace) -> int:
    from factory_tui.cells.images import make, versions
    from factory_tui.cells.tools import TOOLS
    from factory_tui.console.figures import duration, size

    tools = tuple(dict.fromkeys(tool for listed in arguments.tools for tool in listed.split(",") if tool))
    if unknown := [tool for tool in tools if tool not in TOOLS]:
        print(f"--with: {', '.join(unknown)}: unknown. Remedy: of {', '.join(TOOLS)}", file=sys.stderr)
        return USAGE
    began = time.monotonic()
    name = make(client, lambda said: print(said, file=sys.stderr), tools=tools, python=arguments.python)
    found, trouble = versions(client, name, tools)
    if arguments.tag:
        client.images.get(name).tag(arguments.tag)
        name = arguments.tag
    octets, seconds = int(client.images.get(name).attrs["Size"]), time.monotonic() - began
    if arguments.json:
        print(json.dumps({"image": name, "size": octets, "tools": found, "trouble": trouble}))
        return FAILED if trouble else SHIPPED
    print(f"{name}: {size(octets)}, in {duration(seconds)}")
    for tool, version in found.items():
        print(f"  {tool}: {version}")
    for line in trouble:
        print(f"  {line}", file=sys.stderr)
    print(
        f'use it: in config.toml\n  [cells]\n  image = "{name}"\nor for one seed, in its front matter: image = "{name}"'
    )
    return FAILED if trouble else SHIPPED


def _list(client: "Engine", workspace: "Workspace | None", arguments: argparse.Namespace) -> int:
    import msgspec

    from factory_tui.cells.stock import stock
    from factory_tui.console.figures import duration, size
    from factory_tui.holding import columns

    found = stock(client)
    if arguments.json:
        print(msgspec.json.encode(found).decode())
        return SHIPPED
    if not found:
        print("no images of ours. Make one: factory-tui image bootstrap")
        return SHIPPED
    ours, now = _configured(workspace), time.time()
    rows = [("IMAGE", "MADE FROM", "SIZE", "AGE", "CONTAINERS")]
    for one in found:
        made = one.file if one.made == "seed" else "this host's files"
        used = f"{one.used}{', [cells] image here' if one.name == ours else ''}"
        rows.append((one.name, made, size(one.size), duration(now - one.since / 1000), used))
    for line in columns(rows):
        print(line)
    return SHIPPED


def _remove(client: "Engine", workspace: "Workspace | None", arguments: argparse.Namespace) -> int:
    from factory_tui.cells.stock import discard, stock, unused
    from factory_tui.console.figures import size

    found = stock(client)
    chosen = unused(found, _configured(workspace))
    if arguments.image:
        known = {one.name: one for one in found}
        for name in arguments.image:
            if name not in known:
                print(f"there is no image {name} of ours. Remedy: see `factory-tui image ls`", file=sys.stderr)
                return FAILED
            if known[name].used:
                print(f"{name} is in use by {known[name].used} containers. Remedy: see `docker ps -a`", file=sys.stderr)
                return FAILED
        chosen = [known[name] for name in dict.fromkeys(arguments.image)]
    if not chosen:
        print("no image to remove")
        return SHIPPED
    if not arguments.yes:
        for one in chosen:
            print(f"{one.name}  {one.file or 'this host'}, {size(one.size)}")
        if not sys.stdin.isatty():
            print("nothing was removed: nobody is there to be asked. Remedy: say --yes", file=sys.stderr)
            return USAGE
        said = input(f"Remove {_these(chosen)}? A run that needs one makes it again. [y/N] ")
        if said.strip().lower() not in {"y", "yes"}:
            return USAGE
    against = [said for one in chosen if (said := discard(client, one))]
    for line in against:
        print(line, file=sys.stderr)
    print(f"{len(chosen) - len(against)} removed")
    return FAILED if against else SHIPPED


def _these(chosen: "Sequence[Stocked]") -> str:
    return "this image" if len(chosen) == 1 else f"these {len(chosen)} images"


def _configured(workspace: "Workspace | None") -> str:
    from factory_tui.config.load import load

    return load(workspace.config).cells.image if workspace else ""
