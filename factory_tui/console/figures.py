"""Figures as people read them: money, tokens, shares, durations, times. Pure; no Textual, no Rich."""

import math
from datetime import UTC, datetime
from decimal import Decimal

from factory_tui.domain.events import Satisfaction


def money(dollars: Decimal) -> str:
    """`$0.412` below one dollar, `$12.30`, `$1,204`."""
    if dollars >= 1000:
        return f"${dollars:,.0f}"
    if dollars >= 1 or dollars == 0:
        return f"${dollars:.2f}"
    return f"${dollars:.3f}"


def exact(dollars: Decimal) -> str:
    """`$0.034604`: every digit there is, two at least."""
    whole, _, rest = f"{dollars.normalize():,f}".partition(".")
    return f"${whole}.{rest:0<2}"


def count(number: float) -> str:
    """`940`, `4.1k`, `83k`, `1.2M`."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit * 0.9995:  # what would be rounded up to a thousand of the unit below
            short = number / limit
            return f"{short:.1f}{unit}" if short < 9.95 else f"{short:.0f}{unit}"
    return f"{number:.0f}"


def size(octets: int) -> str:
    """Bytes: `940 B`, `12 kB`, `3.1 MB`."""
    short = count(octets)
    return f"{short[:-1]} {short[-1]}B" if short[-1].isalpha() else f"{short} B"


def duration(seconds: float) -> str:
    """`0.4s`, `12s`, `3m`, `2h`, `5d`: one unit, at most four characters."""
    if seconds < 0:
        return "0s"
    if seconds < 1:
        return f"{seconds:.1f}s"
    for limit, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= limit:
            return f"{int(seconds // limit)}{unit}"
    return f"{int(seconds)}s"


def countdown(seconds: float) -> str:
    """`0:42`, `12:05`, `1:00:00`: what is left, to the second; never less than nothing."""
    minutes, left = divmod(max(0, math.ceil(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def stamp(at: int) -> str:
    """UTC milliseconds as `14:02:09`."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%H:%M:%S")


def moment(at: int) -> str:
    """UTC milliseconds as `14:30`."""
    return stamp(at)[:5]


def ahead(at: int, now: int) -> str:
    """A time to come as `14:30`; with its day where that could be another: `2026-12-03 14:30`."""
    return moment(at) if at - now <= 86_400_000 else f"{day(at)} {moment(at)}"


def day(at: int) -> str:
    """UTC milliseconds as `2026-11-30`."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")


def percent(share: float) -> str:
    """A share as `83%`. 100 and 0 are said only of all and of none."""
    whole = round(share * 100)
    if whole == 100 and share < 1:
        whole = 99
    if whole == 0 and share > 0:
        whole = 1
    return f"{whole}%"


def interval(measured: Satisfaction) -> str:
    """`83% 71-92`: the share and its 90 % interval."""
    return f"{percent(measured.share)} {round(measured.low * 100)}-{round(measured.high * 100)}"


def plural(number: int, noun: str) -> str:
    """`1 file`, `2 files`; a noun in -y becomes -ies, one in -s -ses."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("s"):
        return f"{number} {noun}es"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"
