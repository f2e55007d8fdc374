"""What an image brings along that a cell must not have, and what is asked of the engine against it.

Pure: it works on an image's configuration, as the engine tells it. The image is its owner's; what is done here keeps
the fence's limits and the runner the same whatever the image says.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from factory_tui.cells import fence
from factory_tui.cells.protocol import MIB, CellLimits, ImageUnfit

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOADER = ("LD_PRELOAD", "LD_AUDIT", "LD_DEBUG", "LD_PROFILE", "LD_BIND_NOW")
"""Variables by which the loader has a program do more than it says; of Python's own the runner hears none."""
_OURS = (fence.WORK, fence.TMP, "/dev/shm")  # noqa: S108 - tmpfs of the cell's own


def variables(config: Mapping[str, Any]) -> dict[str, str]:
    """The environment that the image sets."""
    pairs = (one.partition("=") for one in config.get("Env") or ())
    return {name: value for name, _, value in pairs}


def unheard(config: Mapping[str, Any]) -> dict[str, str]:
    """Those variables which commands get and the runner does not."""
    return {name: value for name, value in variables(config).items() if name in _LOADER}


def volumes(image: str, config: Mapping[str, Any], limits: CellLimits) -> tuple[str, ...]:
    """The paths that the image declares as volumes, but for those that are tmpfs anyway.

    Raises ImageUnfit where there is no memory for them.
    """
    paths = sorted({posixpath.normpath(path) for path in config.get("Volumes") or ()} - set(_OURS))
    needed = limits.work_bytes + 2 * limits.tmp_bytes + fence.SHM
    if paths and needed >= limits.memory:
        raise ImageUnfit(
            f"the image {image} declares {', '.join(paths)} as volumes, which in a cell are memory: with them it needs "
            f"{needed // MIB} MiB. Remedy: raise [cells] memory above that, or lower work or tmp"
        )
    return tuple(paths)
