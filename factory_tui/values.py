"""What a word on the command line has to be: each raises argparse.ArgumentTypeError for what it is not."""

import argparse
from collections.abc import Callable


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


_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def span(text: str) -> int:
    """Seconds, of `30m`, `2h` and the like."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and int(number) and unit in _SECONDS):
        raise argparse.ArgumentTypeError(f"{text!r} is no span of time, such as 30m or 2h")
    return int(number) * _SECONDS[unit]


def time_of_day(text: str) -> int:
    """Seconds since midnight, of `14:30`."""
    hours, colon, minutes = text.partition(":")
    digits = hours + minutes
    if not (colon and len(minutes) == 2 and digits.isascii() and digits.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no time of day, such as 14:30")
    if int(hours) > 23 or int(minutes) > 59:
        raise argparse.ArgumentTypeError(f"{text!r} is no time of day; they are 00:00 to 23:59")
    return int(hours) * 3_600 + int(minutes) * 60


def amount(text: str) -> str:
    """Dollars or tokens, without the sign."""
    found = text.removeprefix("$")
    if not (found.isascii() and found.replace(".", "", 1).isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of dollars or tokens, such as 12.50")
    return found
