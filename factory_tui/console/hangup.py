"""A console ends with its terminal, also where no hangup is sent: one that is gone reads as nothing without end.

Owns that one watch; it knows no app.
"""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable


def end_with_terminal(parting: Callable[[], None]) -> None:
    """Watch the terminal on stdin, if it is one, from a thread that sleeps until it hangs up; `parting` comes first."""

    def end(_signal: int, _frame: object) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        try:
            parting()
        finally:
            os.kill(os.getpid(), signal.SIGHUP)

    if sys.__stdin__ is not None and sys.__stdin__.isatty():
        signal.signal(signal.SIGHUP, end)  # under nohup it is ignored, and this would go on for ever
        threading.Thread(target=_watch, args=(sys.__stdin__.fileno(),), name="hangup", daemon=True).start()


def _watch(terminal: int) -> None:
    watched = select.poll()
    watched.register(terminal, 0)  # a hangup is told unasked
    watched.poll()
    os.kill(os.getpid(), signal.SIGHUP)
