"""When an operator last looked at a workspace: kept by the console, in a folder of the user's own, and nowhere else."""

import os
import secrets
from pathlib import Path
from urllib.parse import quote

import msgspec


class Look(msgspec.Struct, frozen=True):
    """The newest event that was known then, and when that was, UTC ms by the engine's clock."""

    seq: int
    at: int


class Seen:
    """The looks at one workspace; a file for each operator."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def last(self, operator: str) -> Look | None:
        """None: never, or nobody can say."""
        try:
            return msgspec.json.decode(self._path(operator).read_bytes(), type=Look)
        except (OSError, msgspec.MsgspecError):
            return None

    def note(self, operator: str, look: Look) -> None:
        """Keep it, whole or not at all, in place of an older one. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._folder / f".{secrets.token_hex(4)}"
        try:
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(look))
            partial.replace(self._path(operator))
        finally:
            partial.unlink(missing_ok=True)

    def _path(self, operator: str) -> Path:
        """A name may be anything that a system calls a user."""
        return self._folder / f"{quote(operator, safe='')[:100].lstrip('.')}.json"
