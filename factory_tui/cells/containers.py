"""What a Docker engine is asked about one container, or one image: each a call of docker-py that blocks.

It keeps nothing.
"""

from __future__ import annotations

from typing import Any

import docker
import docker.errors
import requests

from factory_tui.cells import unfit
from factory_tui.cells.fence import LABEL
from factory_tui.cells.protocol import CellDied, CellError, Labels

_REMOVAL = 20
"""Seconds that another's removal of a container may take."""
_TRIES = 3
"""How often a container is to be frozen: control groups of version 1 sometimes miss what starts meanwhile."""


def labelled(client: docker.DockerClient) -> list[dict[str, Any]]:
    """All containers of ours on the engine, as its list has them."""
    found: list[dict[str, Any]] = client.api.containers(all=True, filters={"label": [f"{LABEL}workspace"]})
    return found


def inspect_image(client: docker.DockerClient, image: str) -> dict[str, Any] | None:
    """What the engine says of the image; None when there is none."""
    try:
        found: dict[str, Any] = client.api.inspect_image(image)  # type: ignore[no-untyped-call]
    except docker.errors.ImageNotFound:
        return None
    return found | {"Config": found["Config"] or {}}


def state_of(client: docker.DockerClient, name: str) -> dict[str, Any]:
    """What the engine says of the container; empty when there is none."""
    try:
        state: dict[str, Any] = client.api.inspect_container(name)["State"]
    except docker.errors.NotFound:
        return {}
    return state


def ending(state: dict[str, Any]) -> str:
    """An exit status, with what is known of a kill: the engine notes memory only where it was the runner that died."""
    if state["OOMKilled"]:
        return f"{state['ExitCode']}: memory ran out"
    return f"{state['ExitCode']}{': killed from outside, or for memory' if state['ExitCode'] == 137 else ''}"


def begin(client: docker.DockerClient, name: str, image: str) -> None:
    """Start a container. Raises CellError with what its image lacks."""
    try:
        client.api.start(name)
    except docker.errors.APIError as error:
        raise unfit.refused(error, image) from error


def stand(client: docker.DockerClient, name: str, *, still: bool) -> None:
    """Freeze a container, or thaw it. Raises CellDied, CellError."""
    for left in reversed(range(_TRIES)):
        try:
            (client.api.pause if still else client.api.unpause)(name)
        except docker.errors.NotFound as error:
            raise CellDied("the cell's container is gone") from error
        except docker.errors.APIError as error:
            state = client.api.inspect_container(name)["State"]
            if not state["Running"]:
                raise CellDied(f"the cell's container ended with {state['ExitCode']}") from error
            if state["Paused"] == still:
                return
            if not left:
                what = "freeze" if still else "thaw"
                raise CellError(
                    f"the Docker engine cannot {what} the cell: {error.explanation or error}. Remedy: see what became "
                    "of it by `docker ps`; when its run is stopped it is removed"
                ) from error
        else:
            return


def remove(client: docker.DockerClient, name: str) -> None:
    """Remove a container; one that is gone is fine. Raises CellError for one that the engine cannot remove."""
    try:
        try:
            client.api.remove_container(name, force=True, v=True)
        except docker.errors.APIError as error:
            if error.status_code != 409:
                raise
            # Another removal is under way, perhaps of a line that dropped.
            client.api.wait(name, condition="removed", timeout=_REMOVAL)
    except docker.errors.NotFound:
        return
    except (docker.errors.APIError, requests.ReadTimeout) as error:
        why = error.explanation if isinstance(error, docker.errors.APIError) else None
        raise CellError(
            f"the Docker engine cannot remove the container {name[:12]}: {why or error}. Remedy: see by "
            "`docker rm -f` what holds it, or restart that engine; then `factory-tui cells rm`"
        ) from error


def labels_of(labels: dict[str, str]) -> Labels:
    """What a container of ours was labelled with."""
    number = labels.get(LABEL + "number", "0")
    return Labels(
        labels.get(LABEL + "workspace", ""),
        labels.get(LABEL + "run", ""),
        labels.get(LABEL + "role", ""),
        int(number) if number.isdecimal() else 0,
        labels.get(LABEL + "holder", ""),
    )
