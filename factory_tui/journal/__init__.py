"""Floor 1: the append-only store of events, its keyed hash chain and its queries.

The only folder that writes SQL. It stores and returns events; it does not know what they mean.
"""

from factory_tui.journal.chain import Keys
from factory_tui.journal.errors import Damaged, Head, JournalDamaged, JournalError, JournalFull, JournalTooNew
from factory_tui.journal.store import Journal
from factory_tui.journal.verify import verify

__all__ = [
    "Damaged",
    "Head",
    "Journal",
    "JournalDamaged",
    "JournalError",
    "JournalFull",
    "JournalTooNew",
    "Keys",
    "verify",
]
