"""What is said of an image that cannot carry a cell, with what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory_tui.cells.protocol import CellDied, CellError, ImageUnfit, NoImage
from factory_tui.cells.runner import TOO_OLD

if TYPE_CHECKING:
    import docker.errors


def gone(image: str) -> NoImage:
    """It was there when the engine began."""
    return NoImage(
        f"the image {image} is gone from the Docker engine. "
        "Remedy: start factory-tui's engine again, which finds or makes one"
    )


def refused(error: docker.errors.APIError, image: str) -> CellError:
    """The engine would not create or start a container from it."""
    text = str(error.explanation or error)
    if "python3" in text and ("not found" in text or "no such file" in text):
        return ImageUnfit(
            f"the image {image} has no python3, which a cell's runner needs. Remedy: install Python 3.8 or newer in it,"
            " or name one that has it; for [cells] image, factory-tui image bootstrap makes one from this host's files"
        )
    return CellError(
        f"the Docker engine cannot start a cell from {image}: {text}. Remedy: see what factory-tui doctor says of that "
        "engine, and the engine's own log"
    )


def no_runner(image: str, died: CellDied) -> ImageUnfit:
    """It ended before it ever answered; memory apart, that is its Python's doing."""
    why = "its python3 is older than 3.8" if f"ended with {TOO_OLD}" in str(died) else died
    return ImageUnfit(
        f"a cell's runner cannot start in the image {image}: {why}. Remedy: see that python3 in it is 3.8 or newer "
        f"and whole (docker run --rm --entrypoint python3 {image} -V)"
    )
