"""Promotion: what a run handed over becomes `twins/<seed>/` of the workspace, where scenarios find it by name.

Its files and their provenance.json replace those of an older promotion, whole or not at all; `recordings/`, which
people made, stays. What somebody wrote or changed by hand is never replaced. Owns what of an output may lie there: what
nothing could host does not.
"""

import asyncio
import json
import shutil
import threading
from pathlib import Path

from factory_tui.config.reading import Mistakes
from factory_tui.config.twin import read_twin
from factory_tui.delivery.folders import digests, remove, replace, restore, sync
from factory_tui.delivery.git import DeliveryError
from factory_tui.delivery.ship import PROVENANCE, Handover

TWIN = "twin.toml"
RECORDINGS = "recordings"
"""Exchanges with the real service, which people recorded."""
MEASURED = "fidelity.json"
"""What was measured of the twin that lies there, by those."""
_ONE = threading.Lock()
"""Runs of one seed may end at the same moment: each has the folder to itself."""


async def promote(made: Handover, folder: Path) -> None:
    """Have the folder hold what was handed over. Raises DeliveryError, and leaves there what was there."""
    await asyncio.to_thread(_alone, made, folder)


def _alone(made: Handover, folder: Path) -> None:
    with _ONE:
        _promote(made, folder)


def _promote(made: Handover, folder: Path) -> None:
    shown = f"{folder.parent.name}/{folder.name}"
    files = digests(made.path, (".git", PROVENANCE))
    if TWIN not in files:
        message = f"the output has no {TWIN}, so nothing could host it as {shown}."
        raise DeliveryError(f"{message} Remedy: have it written, by the seed or an answer.")
    for name in (RECORDINGS, MEASURED):
        if (made.path / name).exists():
            message = (
                f"the output has {name} of its own, which could be taken for what was recorded of the real service."
            )
            raise DeliveryError(f"{message} Remedy: have it renamed, by the seed or an answer.")
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        restore(folder)
        if folder.exists() and not _untouched(folder):
            message = f"{shown} was written or changed by hand, and would be lost."
            raise DeliveryError(f"{message} Remedy: move it away, and go on.")
        remove(partial)
        for path in (*files, PROVENANCE):
            (partial / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(made.path / path, partial / path)
        read_twin(partial, folder.name, f"{shown}/{TWIN}")
        if (folder / RECORDINGS).exists():
            shutil.copytree(folder / RECORDINGS, partial / RECORDINGS, symlinks=True)
        sync(partial, partial)
        replace(partial, folder)
    except Mistakes as mistakes:
        remove(partial)
        message = f"the output is no twin that could be hosted as {shown}."
        raise DeliveryError(f"{message} Remedy: have it mended, by the seed or an answer. {mistakes}") from None
    except OSError as error:
        remove(partial)
        message = f"{shown} could not be written: {error.strerror}."
        raise DeliveryError(f"{message} Remedy: free space on its disk, or make it writable.") from error


def _untouched(folder: Path) -> bool:
    """Whether every file is as a promotion wrote it, but for what is added to a twin."""
    try:
        told: dict[str, str] = json.loads((folder / PROVENANCE).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):  # not ours, or torn
        return False
    found = digests(folder, (PROVENANCE, RECORDINGS, MEASURED))
    return not folder.is_symlink() and _written(found) == _written(told)


def _written(files: dict[str, str]) -> dict[str, str]:
    """Without what Python leaves beside the files that it runs."""
    return {path: digest for path, digest in files.items() if not path.endswith(".pyc")}
