"""The images on a Docker engine that this program made: which there are, who uses them, and away with the others.

Only what carries our label, and a name that we give, is ours.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import docker.errors
import msgspec

from factory_tui.cells.building import BUILT, FILE, MARK
from factory_tui.cells.images import NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_tui.cells.client import Engine


class Stocked(msgspec.Struct, frozen=True):
    """An image of ours. `used`: containers that are made from it."""

    name: str
    made: str
    """`host`: from this host's files; `seed`: by what lies in a seed's `cell/`."""
    file: str
    """By which it was built, as the seed's workspace has it."""
    size: int
    """Bytes, with those of what it was built from."""
    since: int
    """UTC ms."""
    used: int


def stock(client: Engine) -> list[Stocked]:
    """All images of ours, the newest first."""
    used: dict[str, int] = {}
    for container in client.api.containers(all=True):
        used[container["ImageID"]] = used.get(container["ImageID"], 0) + 1
    found = []
    for image in client.images.list(filters={"label": MARK}):
        since = round(datetime.fromisoformat(image.attrs["Created"][:19] + "+00:00").timestamp() * 1000)
        made, file = str(image.labels.get(MARK, "")), str(image.labels.get(FILE, ""))
        # An image that somebody builds from one of ours has our label too: the name has to be ours as well.
        tags = [tag for tag in image.tags if tag.partition(":")[0] in (BUILT, NAME)]
        found += [Stocked(tag, made, file, int(image.attrs["Size"]), since, used.get(str(image.id), 0)) for tag in tags]
    return sorted(found, key=lambda one: (-one.since, one.name))


def unused(found: Sequence[Stocked], keep: str) -> list[Stocked]:
    """Those that no container is made from, but for `keep` and the newest of this host, which engines fall back on."""
    newest = next((one.name for one in found if one.made == "host"), "")
    return [one for one in found if not one.used and one.name not in (keep, newest)]


def discard(client: Engine, one: Stocked) -> str:
    """Remove an image by its name; why that could not be done, or nothing."""
    try:
        client.images.remove(one.name)
    except docker.errors.ImageNotFound:
        return ""
    except docker.errors.APIError as error:
        return f"{one.name} stays: {error.explanation or error}"
    return ""
