"""The journal: appends with group commit, reads, the cached state.

Owns the one writer. An append is acknowledged after its commit, never before; what queues while a commit runs is the
next commit, so there is no timer to tune. Reads have a connection of their own and never wait for the writer.
"""

import asyncio
import hashlib
import hmac
import logging
import sqlite3
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Self

import aiosqlite
import msgspec

from factory_tui.domain.events import AnyFact, Draft, Event
from factory_tui.domain.identifiers import chance, moment
from factory_tui.domain.reducer import VERSION
from factory_tui.domain.scribe import Clock
from factory_tui.domain.state import State
from factory_tui.journal.blobs import INLINE, Blobs, drop_ballast, fill_ballast
from factory_tui.journal.chain import GENESIS, Keys, linker
from factory_tui.journal.errors import Damaged, Head, JournalError, JournalFull, is_full, readable
from factory_tui.journal.kept import Kept, seal
from factory_tui.journal.rows import Wanted, check, read, revive
from factory_tui.journal.schema import Writer, prepare
from factory_tui.journal.verify import verify

RECORD_EVERY = 16
"""Commits between two recorded heads: how many an attacker could cut off unseen after a kill -9."""
CHECKPOINT_EVERY = 256
"""Commits after which SQLite's log is copied into its file, beside further commits: by the writer, one would wait."""
LOG_PAGES = 16_000
"""Pages of that log at which the writer does it after all, since commits came without a pause."""
CACHE_EVERY = 2_000
"""Events after which the cached state is written anew."""

TELL_EVERY = 3_600_000
"""Milliseconds between two heads in the log."""
CHECKED = 64 << 20
"""Bytes of a journal whose pages are all looked at before it is opened; a larger one has that done meanwhile."""

_INSERT = "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LAST = "SELECT seq, CAST(hash AS BLOB) FROM event ORDER BY seq DESC LIMIT 1"
_KEEP = "INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, ?)"
_KEPT = """SELECT seq, CAST(body AS BLOB), CAST(mac AS BLOB), CAST(hash AS BLOB)
    FROM state JOIN event USING (seq) WHERE reducer = ?"""
_HASH = "SELECT hash FROM event WHERE seq = ?"

_encode = msgspec.json.Encoder().encode
_facts: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)
_states = msgspec.json.Decoder(State)

log = logging.getLogger(__name__)


class _Append(msgspec.Struct, frozen=True):
    """One caller's facts, encoded, and where it waits."""

    drafts: Sequence[Draft]
    payloads: list[bytes]
    done: "asyncio.Future[list[Event]]"


class Journal:
    """Every fact of one workspace, appended once. Made by `open`; the engine's lock sees to it that there is one."""

    def __init__(
        self,
        folder: Path,
        keys: Keys,
        *,
        key: bytes,
        head: tuple[int, bytes],
        clock: Clock,
        entropy: Callable[[], int],
    ) -> None:
        self._folder = folder
        self._blobs = Blobs(folder)
        self._ballast = folder / "ballast"
        self._keys = keys
        self._key = key
        self._link = linker(key)
        self._clock = clock
        self._entropy = entropy
        self._seq, self._hash = head
        self._waiting: list[_Append] = []
        self._writing: asyncio.Task[None] | None = None
        self._commits = 0
        self._checkpoint: asyncio.Task[None] | None = None
        self._at = self._told = 0
        """When the newest row was written, and when the log was last told of a head."""
        self._closed = False
        self._states = Kept(folder, key)
        self._kept = 0
        self._to_keep: State | None = None
        self._writer: aiosqlite.Connection
        self._reader: aiosqlite.Connection

    @classmethod
    async def open(cls, folder: Path, keys: Path, *, workspace: str, clock: Clock, entropy: Callable[[], int]) -> Self:
        """Open or make the journal in `folder`; its key and heads are in `keys`, named by `workspace` (a plain name).

        `clock` gives UTC ms, `entropy` at least 80 random bits. Raises JournalError and its kinds.
        """
        path = folder / "journal.db"
        try:
            key, head = await asyncio.to_thread(_make, folder, path, Keys(keys, workspace))
        except (OSError, sqlite3.Error) as fault:
            if is_full(fault):
                raise JournalFull(folder) from fault
            raise JournalError(f"{path}: cannot be opened: {fault}. Remedy: check its owner and mode") from fault
        journal = cls(folder, Keys(keys, workspace), key=key, head=head, clock=clock, entropy=entropy)
        journal._writer = await aiosqlite.connect(path, factory=Writer)
        journal._reader = await aiosqlite.connect(path)
        await journal._writer.execute("PRAGMA synchronous = FULL")
        await journal._writer.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        await journal._reader.execute("PRAGMA query_only = ON")
        return journal

    @property
    def head(self) -> Head:
        """The newest committed row."""
        return Head(self._seq, self._hash.hex())

    async def append(self, drafts: Sequence[Draft]) -> list[Event]:
        """Return the facts as events once they are on disk, consecutive and in this order.

        A caller cancelled meanwhile takes nothing back: its facts are written or not as if it had waited. Raises
        JournalFull (none of these was kept), JournalError, and ValueError for a fact that could not be read back.
        """
        if self._closed:
            raise JournalError(f"{self._folder}: the journal is closed")
        if not drafts:
            return []
        # Here, so that a fact that cannot be written or read back fails its own caller and nobody else.
        payloads = [_payload(draft.fact) for draft in drafts]
        done: asyncio.Future[list[Event]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Append(drafts, payloads, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="journal")
        return await done

    async def alarm(self, drafts: Sequence[Draft]) -> list[Event]:
        """Append on a full disk: the ballast is given up first. Raises as `append`."""
        await asyncio.to_thread(drop_ballast, self._ballast)
        return await self.append(drafts)

    async def refill(self) -> bool:
        """Reserve the ballast again after an alarm; False while there is no room for it."""
        return await asyncio.to_thread(_try_fill, self._ballast)

    async def _write(self) -> None:
        """Commit what is waiting until nothing is."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                try:
                    written = await self._commit(batch)
                except Exception as fault:  # every kind goes to the callers: they wait for nothing else
                    for append in batch:
                        if not append.done.done():
                            append.done.set_exception(self._explain(fault))
                    continue
                begin = 0
                for append in batch:
                    end = begin + len(append.drafts)
                    if not append.done.done():
                        append.done.set_result(written[begin:end])
                    begin = end
                await self._tidy()
        finally:
            self._writing = None

    def _explain(self, fault: Exception) -> Exception:
        if is_full(fault):
            full = JournalFull(self._folder)
            full.__cause__ = fault
            return full
        if isinstance(fault, OSError | sqlite3.Error):
            broken = JournalError(f"{self._folder}: cannot be written: {fault}. Remedy: check the disk and the log")
            broken.__cause__ = fault
            return broken
        return fault

    async def _commit(self, batch: Sequence[_Append]) -> list[Event]:
        """One transaction. The head moves only after it."""
        events, rows, long = [], [], []
        seq, previous, at = self._seq, self._hash, self._clock()
        link, began, drawn = self._link, moment(at), self._entropy()
        for append in batch:
            for draft, payload in zip(append.drafts, append.payloads, strict=True):
                seq += 1
                fact, run, actor = draft.fact, draft.run, draft.actor
                identity = began + chance(drawn)
                drawn += 1  # ulid/spec, monotonicity: within a millisecond they sort as they were written
                kind = str(fact.__struct_config__.tag)
                digest = hashlib.sha256(payload).digest()
                previous = link(previous, (seq, identity, at, run, actor, kind), digest)
                inline = len(payload) <= INLINE
                if not inline:
                    long.append((digest, payload))
                body = payload if inline else None
                rows.append((seq, identity, at, run, actor, kind, body, digest, len(payload), previous))
                events.append(Event(seq, identity, at, fact, run, actor))
        if long:
            await asyncio.to_thread(self._blobs.write, long)
        await self._writer.executemany(_INSERT, rows)
        self._seq, self._hash, self._at = seq, previous, at
        return events

    async def _tidy(self) -> None:
        """What follows a commit now and then. What was committed stays acknowledged, whatever becomes of this."""
        self._commits += 1
        if self._commits % CHECKPOINT_EVERY == 0 and (self._checkpoint is None or self._checkpoint.done()):
            self._checkpoint = asyncio.create_task(self._copy_log(), name="checkpoint")
        if abs(self._at - self._told) >= TELL_EVERY:
            self._told = self._at
            log.info("head of the journal: %s %s", *self.head)
        try:
            if self._commits % RECORD_EVERY == 0:
                await asyncio.to_thread(self._keys.record, self.head)
            if self._to_keep is not None and self._to_keep.seq >= self._kept + CACHE_EVERY:
                await self._cache(self._to_keep)
        except (OSError, sqlite3.Error):
            log.exception("%s: the head or the cached state could not be written", self._folder)

    async def _copy_log(self) -> None:
        """Have the reader's connection do it: query_only lets it, and it keeps nobody from writing."""
        try:
            await self._reader.execute_fetchall("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error:
            log.exception("%s: the log could not be copied into the journal's file; it goes on growing", self._folder)

    async def events(
        self, *, after: int = 0, run: str | None = None, kinds: Collection[str] | None = None, limit: int | None = None
    ) -> list[Event]:
        """Events with seq > `after`, in order; of one run, of some kinds (tags of facts), at most `limit`.

        Raises JournalDamaged when a row cannot be read.
        """
        return await self._read(*Wanted(run, kinds).forward(after, limit))

    async def before(self, seq: int, run: str | None, limit: int, kinds: Collection[str] | None = None) -> list[Event]:
        """The newest `limit` events with a smaller seq, of one run or of all, of some kinds, in order."""
        return (await self._read(*Wanted(run, kinds).backward(seq, limit)))[::-1]

    async def _read(self, sql: str, values: list[Any]) -> list[Event]:
        with readable(self._folder / "journal.db"):
            rows = list(await self._reader.execute_fetchall(sql, values))
        if any(row[5] is None for row in rows):
            return await asyncio.to_thread(revive, rows, self._blobs)
        return revive(rows, self._blobs)

    async def state(self) -> State:
        """The state at the newest event: the cached one, if this reducer made it, and what came after it."""
        state = await self._cached()
        begun = state.seq
        state = await asyncio.to_thread(self._states.fold, read(self._folder, after=begun), state)
        if state.seq >= begun + CACHE_EVERY:
            self._kept = state.seq  # what is due at intervals was kept on the way
            await self._cache(state)
        return state

    def keep(self, state: State) -> None:
        """Offer a state to cache; the writer writes the newest one now and then. Never needed, only faster."""
        self._to_keep = state

    async def _cached(self) -> State:
        with readable(self._folder / "journal.db"):
            rows = list(await self._reader.execute_fetchall(_KEPT, (VERSION,)))
        if not rows:
            return State()
        seq, body, mac, at = rows[0]
        if not hmac.compare_digest(mac, seal(self._key, at, body)):
            return State()
        try:
            state = _states.decode(body)
        except msgspec.MsgspecError:
            # Ours, by its signature, but of another shape: worth as much as none.
            return State()
        self._kept = seq
        return state

    async def _cache(self, state: State) -> None:
        before, self._kept, self._to_keep = self._kept, state.seq, None
        found = list(await self._reader.execute_fetchall(_HASH, (state.seq,)))
        if not found:
            return
        body = _encode(state)
        try:
            await self._writer.executemany(_KEEP, [(VERSION, state.seq, body, seal(self._key, found[0][0], body))])
        except sqlite3.OperationalError as fault:
            # A cache that finds no room is no loss.
            if not is_full(fault):
                raise
        if self._states.due(before, state.seq):
            await asyncio.to_thread(self._states.keep, found[0][0], state.seq, body)

    async def verify(self) -> Damaged | None:
        """The first row that is not what was written, or None. Reads everything, off the loop."""
        return (await asyncio.to_thread(verify, self._folder, self._keys)).damage

    async def check(self) -> None:
        """Look at the pages of a file that was too large for that when it was opened. Raises JournalDamaged."""
        path = self._folder / "journal.db"
        if path.stat().st_size > CHECKED:
            await asyncio.to_thread(check, path)

    async def close(self) -> None:
        """Write what waits, record the head, let the files go. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._writing is not None:
                await asyncio.shield(self._writing)
            if self._checkpoint is not None:
                await self._checkpoint
            if self._to_keep is not None:
                await self._cache(self._to_keep)
            if self._seq:
                await asyncio.to_thread(self._keys.record, self.head)
        finally:
            await self._writer.close()
            await self._reader.close()


def _payload(fact: AnyFact) -> bytes:
    """The fact as JSON that reads back. Structs are not checked when made: NaN or None would be found too late."""
    payload = _encode(fact)
    try:
        _facts.decode(payload)
    except msgspec.MsgspecError as fault:
        raise ValueError(f"not a fact that can be read back: {fault}: {fact!r:.500}") from fault
    return payload


def _make(folder: Path, path: Path, keys: Keys) -> tuple[bytes, tuple[int, bytes]]:
    (folder / "blobs").mkdir(mode=0o700, parents=True, exist_ok=True)
    prepare(path)
    if path.stat().st_size <= CHECKED:
        check(path)
    database = sqlite3.connect(path)
    try:
        last = database.execute(_LAST).fetchone()
    finally:
        database.close()
    key = keys.load(make=last is None)
    Kept(folder, key).discard_others()
    _try_fill(folder / "ballast")
    return key, last or (0, GENESIS)


def _try_fill(path: Path) -> bool:
    try:
        fill_ballast(path)
    except OSError as fault:
        if is_full(fault):
            return False
        raise
    return True
