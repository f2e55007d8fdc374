"""The keyed hash chain: what ties each row to the one before, and where the key and the heads are kept.

Both are kept outside the workspace: who can write the database but not the keys folder can neither change a row
unseen (no key) nor cut the end off (heads). A row's hash covers the digest of its payload, not the payload, so that
a payload can be archived or redacted and the chain stays whole.
"""

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec

from factory_tui.config.workspace import sync_folder
from factory_tui.journal.errors import Head, JournalError, Looked

GENESIS = bytes(32)
_KEY_SIZE = 32
_encode = msgspec.json.Encoder().encode


Header = tuple[int, str, int, str, str, str]
"""A row's seq, id, at, run, actor and kind."""
Link = Callable[[bytes, Header, bytes], bytes]
"""Of the previous hash, the header and the digest of the payload, the row's hash."""


def linker(key: bytes) -> Link:
    """HMAC-SHA256 (RFC 2104) by this key of previous hash, digest and header as JSON.

    Both hashes are 32 bytes, so no two inputs share an encoding. What depends on the key alone is computed once, which
    makes it twice as fast as `hmac.digest`.
    """
    padded = key.ljust(hashlib.sha256().block_size, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in padded)) for pad in (0x36, 0x5C))

    def link(previous: bytes, header: Header, digest: bytes) -> bytes:
        within = inner.copy()
        within.update(previous + digest + _encode(header))
        around = outer.copy()
        around.update(within.digest())
        return around.digest()

    return link


class Keys:
    """The key and the recorded heads of one workspace's journal."""

    def __init__(self, folder: Path, workspace: str) -> None:
        self.folder = folder
        self.path = folder / f"{workspace}.key"
        self.heads_path = folder / f"{workspace}.heads"
        self.looked_path = folder / f"{workspace}.looked"

    def load(self, *, make: bool) -> bytes:
        """The 32 bytes of the key; made, mode 0600, for a new journal. Raises JournalError."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            if make:
                return self._make()
            raise JournalError(
                f"{self.path}: the key of this journal is missing. Remedy: restore the file, or move the journal's "
                f"folder and {self.heads_path} away to begin a new one"
            ) from None
        with os.fdopen(handle, "rb") as file:
            if os.fstat(handle).st_mode & 0o077:
                raise JournalError(f"{self.path}: others can read this key. Remedy: chmod 600 {self.path}")
            key = file.read()
        if len(key) != _KEY_SIZE:
            raise JournalError(
                f"{self.path}: {len(key)} bytes, a key has {_KEY_SIZE}. Remedy: restore the file from a backup"
            )
        return key

    def _make(self) -> bytes:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = secrets.token_bytes(_KEY_SIZE)
        durable(self.path, key, mode=0o600)
        for folder in (self.folder.parent, self.folder.parent.parent):  # either may have been made just now
            sync_folder(folder)
        return key

    def record(self, head: Head) -> None:
        """Append a head; the file is never rewritten, so that what was once recorded stays."""
        handle = os.open(self.heads_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, f"{head.seq} {head.hash}\n".encode())
        finally:
            os.close(handle)

    def note(self, looked: Looked) -> None:
        """Keep what a walk of the chain came to, in place of the one before; beside the key, so that it can be trusted.

        Raises OSError.
        """
        durable(self.looked_path, _encode(looked), mode=0o600)

    def looked(self) -> Looked | None:
        """What the newest walk came to; None: nobody walked it yet, or nobody can say."""
        try:
            return msgspec.json.decode(self.looked_path.read_bytes(), type=Looked)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def begin_anew(self, last: int, stamp: str) -> None:
        """After a restore: the heads up to `last` count on, the others are kept under a name of their own."""
        self.looked_path.unlink(missing_ok=True)
        if self.heads_path.exists():
            left = [f"{seq} {one}\n" for seq, hashes in self.heads().items() if seq <= last for one in sorted(hashes)]
            os.link(self.heads_path, self.heads_path.with_name(f"{self.heads_path.name}-{stamp}"))
            durable(self.heads_path, "".join(left).encode(), mode=0o600)

    def heads(self) -> dict[int, set[str]]:
        """All recorded heads by seq; more than one hash for a seq when history was rewritten."""
        heads: dict[int, set[str]] = {}
        if self.heads_path.exists():
            for line in self.heads_path.read_text("ascii", "replace").splitlines():
                seq, _, digest = line.partition(" ")
                # A line torn by a power cut says nothing.
                if seq.isdigit() and len(digest) == len(GENESIS) * 2:
                    heads.setdefault(int(seq), set()).add(digest)
        return heads


def durable(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file that is whole or absent after a power cut: temporary name, fsync, rename, fsync of the folder."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
