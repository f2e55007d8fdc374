"""Times that people write: how long from now, or at what time of day (UTC). Pure."""

SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


LONGEST = 366 * SECONDS["d"]
"""Seconds that anything is ahead of now: beyond, no calendar may have it."""
_DIGITS = len(str(LONGEST))


def span(text: str) -> int | None:
    """Seconds, of `30m`, `2h` and the like, up to a year; None for anything else."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and len(number) <= _DIGITS and unit in SECONDS):
        return None
    seconds = int(number) * SECONDS[unit]
    return seconds if 0 < seconds <= LONGEST else None


def time_of_day(text: str) -> int | None:
    """Seconds since midnight, of `14:30`; None for anything else."""
    hours, colon, minutes = text.partition(":")
    digits = hours + minutes
    if not (colon and len(hours) in {1, 2} and len(minutes) == 2 and digits.isascii() and digits.isdigit()):
        return None
    if int(hours) > 23 or int(minutes) > 59:
        return None
    return int(hours) * 3_600 + int(minutes) * 60


def next_time(seconds: int, now: int) -> int:
    """UTC ms of the next such time of day after `now`."""
    midnight = now - now % 86_400_000
    at = midnight + seconds * 1000
    return at if at > now else at + 86_400_000


def moment(text: str, now: int) -> int | None:
    """UTC ms, of `30m` from now or of the next `14:30`; None for anything else."""
    ahead, day = span(text), time_of_day(text)
    if ahead is not None:
        return now + ahead * 1000
    return None if day is None else next_time(day, now)
