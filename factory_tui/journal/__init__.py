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
    Verified,
)
from factory_tui.journal.rows import read
from factory_tui.journal.store import Journal
from factory_tui.journal.verify import verify, verify_copy

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
    "Verified",
    "backup",
    "compact",
    "read",
    "restore",
    "verify",
    "verify_copy",
]
