"""States kept at intervals beside the journal, so that any instant of it is folded from one nearby.

Each is a file, compressed and sealed with the journal's key to the row that it was folded to: one of another history,
another reducer or another hand is worth as much as none. Deleting them changes nothing.
"""

import hmac
import os
import secrets
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path

import msgspec

from factory_tui.domain.events import Event
from factory_tui.domain.reducer import VERSION, reduce
from factory_tui.domain.state import State
from factory_tui.journal.rows import connect

EVERY = 10_000
"""Events from one kept state to the next."""
_HASH = "SELECT CAST(hash AS BLOB) FROM event WHERE seq = ?"
_SEAL = 32
_encode = msgspec.json.Encoder().encode
_states = msgspec.json.Decoder(State)


def seal(key: bytes, row: bytes, body: bytes, what: bytes = b"state") -> bytes:
    """Bind a state to the hash of the row it was folded to: nobody without the key can plant one."""
    return hmac.digest(key, what + VERSION.to_bytes(4, "big") + row + body, "sha256")


class Kept:
    """The kept states of the journal in `folder`."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._journal = folder / "journal.db"
        self._folder = folder / "states"
        self._key = key

    def discard_others(self) -> None:
        """Remove what another reducer folded."""
        for path in self._folder.glob("*"):
            if path.suffix != f".{VERSION}":
                path.unlink(missing_ok=True)

    def due(self, before: int, after: int) -> bool:
        """Whether one is to be kept where a state went from one seq to another."""
        return before // EVERY < after // EVERY

    def keep(self, row: bytes, seq: int, body: bytes) -> None:
        """Keep a state, encoded. Torn by a power cut it does not fit its seal; without room there is none."""
        partial = self._folder / f".{secrets.token_hex(4)}"
        packed = zlib.compress(body, 1)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(seal(self._key, row, packed, b"kept") + packed)
            partial.replace(self._path(seq))
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def nearest(self, seq: int) -> State:
        """The newest kept state that is not after `seq`; the empty one where there is none."""
        with closing(connect(self._journal)) as database:
            for found in self._before(seq):
                state = self._read(found, _hash(database, found))
                if state is not None:
                    return state
        return State()

    def fold(self, events: Iterable[Event], state: State) -> State:
        """All events onto `state`, and keep what is due on the way."""
        rest: Iterator[Event] = iter(events)
        first = next(rest, None)
        if first is None:
            return state
        with closing(connect(self._journal)) as database:
            for event in chain((first,), rest):
                state = reduce(state, event)
                if state.seq % EVERY == 0 and not self._path(state.seq).exists():
                    self.keep(_hash(database, state.seq), state.seq, _encode(state))
        return state

    def _before(self, seq: int) -> list[int]:
        """Seqs of those that are not after it, newest first."""
        names = (path.stem for path in self._folder.glob(f"*.{VERSION}"))
        return sorted((int(name) for name in names if name.isdigit() and int(name) <= seq), reverse=True)

    def _read(self, seq: int, row: bytes) -> State | None:
        path = self._path(seq)
        try:
            sealed = path.read_bytes()
            if not hmac.compare_digest(sealed[:_SEAL], seal(self._key, row, sealed[_SEAL:], b"kept")):
                raise ValueError("not ours")
            return _states.decode(zlib.decompress(sealed[_SEAL:]))
        except FileNotFoundError:
            return None
        except (ValueError, zlib.error):  # msgspec's errors are ValueErrors
            path.unlink(missing_ok=True)  # so that it is kept anew
            return None

    def _path(self, seq: int) -> Path:
        return self._folder / f"{seq}.{VERSION}"


def _hash(database: sqlite3.Connection, seq: int) -> bytes:
    """Of the row; empty where there is none, as after an older backup was put back."""
    found = database.execute(_HASH, (seq,)).fetchone()
    return found[0] if found else b""
