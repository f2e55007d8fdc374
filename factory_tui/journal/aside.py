"""What takes its time, done beside a working engine in a process of its own: `python -m factory_tui.journal.aside`.

Told on its command line which journal, and what: `state SEQ` or `verify NOW`. Prints JSON, or says on stderr why not,
with exit code 1. Gives way to whatever else runs.
"""

import os
import sys
from pathlib import Path

import msgspec

from factory_tui.journal.chain import Keys
from factory_tui.journal.errors import JournalError
from factory_tui.journal.instants import state_at
from factory_tui.journal.verify import look_at

PATIENT = 10
"""How much nicer it is than the engine."""


def main(folder: str, keys: str, workspace: str, what: str, number: str) -> int:
    """Do it; the exit code."""
    os.nice(PATIENT)
    its = Keys(Path(keys), workspace)
    try:
        found = (state_at if what == "state" else look_at)(Path(folder), its, int(number))
    except (JournalError, OSError) as trouble:
        sys.stderr.write(str(trouble))
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
