"""What a word on the command line has to be: each raises argparse.ArgumentTypeError for what it is not."""

import argparse
from collections.abc import Callable

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


def amount(text: str) -> str:
    """Dollars or tokens, without the sign."""
    found = text.removeprefix("$")
    if not (found.isascii() and found.replace(".", "", 1).isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of dollars or tokens, such as 12.50")
    return found
