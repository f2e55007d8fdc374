"""Another time for Python programs in a cell: as `sitecustomize` on their PYTHONPATH, before anything of theirs runs.

Travels as text, and into a folder of the work tree: standard library only, CPython >= 3.8. The file `shift` beside it
says by how many seconds the clock is off, and may change while programs run. Monotonic clocks, file times, programs in
other languages and what C code asks of the system itself (SQLite's `datetime('now')`) keep the machine's time.
"""

from __future__ import annotations

import datetime
import gc
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shift")
_real = {name: getattr(time, name) for name in dir(time)}
_last = [0.0]


def _shift() -> float:
    """As the file says; half of one, or none, leaves it as it was."""
    try:
        fd = os.open(_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return _last[0]
    try:
        _last[0] = float(os.read(fd, 64))
    except (OSError, ValueError):
        pass
    finally:
        os.close(fd)
    return _last[0]


def _time() -> float:
    seconds: float = _real["time"]() + _shift()
    return seconds


def _time_ns() -> int:
    nanoseconds: int = _real["time_ns"]() + int(_shift() * 1e9)
    return nanoseconds


def _clock_gettime(clock: int) -> Any:
    return _time() if clock == time.CLOCK_REALTIME else _real["clock_gettime"](clock)


def _clock_gettime_ns(clock: int) -> Any:
    return _time_ns() if clock == time.CLOCK_REALTIME else _real["clock_gettime_ns"](clock)


def _localtime(seconds: Any = None) -> Any:
    return _real["localtime"](_time() if seconds is None else seconds)


def _gmtime(seconds: Any = None) -> Any:
    return _real["gmtime"](_time() if seconds is None else seconds)


def _ctime(seconds: Any = None) -> Any:
    return _real["ctime"](_time() if seconds is None else seconds)


def _asctime(*moment: Any) -> Any:
    return _real["asctime"](*moment or [_localtime()])


def _strftime(pattern: str, *moment: Any) -> Any:
    return _real["strftime"](pattern, *moment or [_localtime()])


def _now(cls: Any, tz: Any = None) -> Any:
    return cls.fromtimestamp(_time(), tz)


def _utcnow(cls: Any) -> Any:
    return cls.fromtimestamp(_time(), datetime.timezone.utc).replace(tzinfo=None)  # noqa: UP017  (Python 3.8)


def install() -> None:
    """Put these in place. `datetime` asks the system in C, and its own table of methods is all that can be changed;
    nobody has looked into it yet.
    """
    for name, function in list(globals().items()):
        if name[1:] in _real:
            setattr(time, name[1:], function)
    (methods,) = gc.get_referents(datetime.datetime.__dict__)
    methods["now"], methods["utcnow"] = classmethod(_now), classmethod(_utcnow)


if __name__ == "sitecustomize":
    install()
