"""What a word on the command line has to be: each raises argparse.ArgumentTypeError for what it is not."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from factory_tui.domain import moments


def port(text: str) -> int:
    """0 to 65535."""
    number = int(text)
    if not 0 <= number < 1 << 16:
        raise argparse.ArgumentTypeError(f"{number} is no port; ports are 0 to 65535")
    return number


def whole(what: str, least: int = 0) -> Callable[[str], int]:
    """A number in digits, from `least` on; `what` is what it is not."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text) >= least):
            raise argparse.ArgumentTypeError(f"{text!r} is no {what}")
        return int(text)

    return read


def span(text: str) -> int:
    """Seconds, of `30m`, `2h` and the like."""
    found = moments.span(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no span of time, such as 30m or 2h")
    return found


def time_of_day(text: str) -> int:
    """Seconds since midnight, of `14:30`."""
    found = moments.time_of_day(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time of day, such as 14:30")
    return found


def instant(text: str) -> tuple[str, int]:
    """`seq` and a number, or `at` and UTC ms: of `1204`, of `2026-11-30T14:02:09`, or of `14:02` on the last such."""
    if text.isascii() and text.isdigit():
        return "seq", int(text)
    now = datetime.now(UTC)
    try:
        if len(text) <= len("00:00:00"):
            found = datetime.combine(now.date(), time.fromisoformat(text), UTC)
            found -= timedelta(days=found > now)
        else:
            found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no instant. Remedy: an event's seq, or a time in UTC such as 2026-11-30T14:02:09 or 14:02"
        ) from None
    return "at", int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def amount(text: str) -> str:
    """Dollars or tokens, without the sign."""
    found = text.removeprefix("$")
    if not (found.isascii() and found.replace(".", "", 1).isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of dollars or tokens, such as 12.50")
    return found
