"""The real engine, as a process that is killed at one boundary: the commit that holds event SEQ is its last.

`python -m tests.chaos.dying SEQ before|after ...`, where the rest is what `factory-tui` is given.
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from factory_tui.cli import main
from factory_tui.domain.events import Event
from factory_tui.engine import serve
from factory_tui.journal import Journal


def dying(seq: int, *, after: bool) -> type[Journal]:
    """A journal whose process is killed when event `seq` is on disk and nobody knows, or just before it is."""

    class Dying(Journal):
        async def _commit(self, batch: Sequence[Any]) -> list[Event]:
            if not after and self.head.seq + sum(len(append.drafts) for append in batch) >= seq:
                os.kill(os.getpid(), signal.SIGKILL)
            events = await super()._commit(batch)
            if self.head.seq >= seq:
                os.kill(os.getpid(), signal.SIGKILL)
            return events

    return Dying


if __name__ == "__main__":
    number, moment, *told = sys.argv[1:]
    setattr(serve, "Journal", dying(int(number), after=moment == "after"))  # noqa: B010 -- no name that it exports
    sys.exit(main(told))
