"""What a run's work tree holds before anything was generated: the code base that came with its seed.

Owns what of a seed's attachments is planted and what is only shown. It does not know when a cell begins.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

from factory_tui.cells.protocol import Entry

CODE = "code/"
"""What lies below this folder of a seed is the work tree that the agent begins with."""


def is_code(path: str) -> bool:
    """Whether an attachment (its path within the seed) is planted, not shown."""
    return path.startswith(CODE)


def planted(attachments: Iterable[tuple[str, bytes]]) -> list[Entry]:
    """The work tree that these attachments (path within the seed, content) make; empty where none is code."""
    files = {path.removeprefix(CODE): data for path, data in attachments if is_code(path)}
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents} - {"."}
    dirs = [Entry(path, "dir", 0o755) for path in sorted(folders)]
    return [*dirs, *(Entry(path, "file", 0o644, files[path]) for path in sorted(files))]
