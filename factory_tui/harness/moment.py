"""How a scenario says a time."""

import datetime as dt
import re

_ON = re.compile(r"\+ ?(\d{1,9}(?:\.\d{1,6})?) ?(s|min|h|d)")
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def moment(said: str, now: float) -> float:
    """Seconds since 1970 of `2024-02-29T23:59:30Z`, or of `+ 90 min` from now. Raises ValueError."""
    if found := _ON.fullmatch(said):
        return now + float(found[1]) * _UNITS[found[2]]
    instant = dt.datetime.fromisoformat(said)
    if instant.tzinfo is None:
        raise ValueError(f"{said!r} has no zone")
    return instant.timestamp()
