"""Floor 1: the append-only store of events, its keyed hash chain and its queries.

The only folder that writes SQL. It stores and returns events; it does not know what they mean.
"""

from factory_tui.journal.chain import Keys
from factory_tui.journal.compacting import compact
from factory_tui.journal.copies import backup, restore
from factory_tui.journal.errors import (
    REMEDY,
    Damaged,
    Head,
    JournalDamaged,
    JournalError,
    JournalFull,
    JournalTooNew,
    Looked,
    Verified,
)
from factory_tui.journal.instants import Timeline, row_hash, seq_at, state_at, timeline
from factory_tui.journal.rows import Wanted, page, read
from factory_tui.journal.store import Journal
from factory_tui.journal.verify import look_at, verify, verify_copy

__all__ = [
    "REMEDY",
    "Damaged",
    "Head",
    "Journal",
    "JournalDamaged",
    "JournalError",
    "JournalFull",
    "JournalTooNew",
    "Keys",
    "Looked",
    "Timeline",
    "Verified",
    "Wanted",
    "backup",
    "compact",
    "look_at",
    "page",
    "read",
    "restore",
    "row_hash",
    "seq_at",
    "state_at",
    "timeline",
    "verify",
    "verify_copy",
]
