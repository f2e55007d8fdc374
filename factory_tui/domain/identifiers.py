"""Names: runs `shortlinks-7`, escalations `E-31`, and ULIDs for events and commands.

Pure: time and randomness come in as arguments.
"""

import re

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _CROCKFORD for low in _CROCKFORD)
_FORTY = (1 << 40) - 1
SEED_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
"""What a seed, loop or scenario may be called: it becomes a path, a label and part of a run's name."""


def ulid(milliseconds: int, entropy: int) -> str:
    """26 characters that sort by time: 48 bits of UTC milliseconds, then 80 bits of entropy (ulid/spec)."""
    return moment(milliseconds) + chance(entropy)


def is_ulid(text: str) -> bool:
    """Whether it could be one."""
    return len(text) == 26 and set(text) <= set(_CROCKFORD)


def moment(milliseconds: int) -> str:
    """The beginning of a ULID, the same for all of one millisecond."""
    return _PAIRS[milliseconds >> 40 & 255] + _eight(milliseconds & _FORTY)


def chance(entropy: int) -> str:
    """The rest of a ULID."""
    return _eight(entropy >> 40 & _FORTY) + _eight(entropy & _FORTY)


def _eight(value: int) -> str:
    """40 bits; written out, since every event has two."""
    return f"{_PAIRS[value >> 30]}{_PAIRS[value >> 20 & 1023]}{_PAIRS[value >> 10 & 1023]}{_PAIRS[value & 1023]}"


def run_id(seed: str, number: int) -> str:
    """`shortlinks-7`: the seventh run of seed shortlinks in this workspace."""
    return f"{seed}-{number}"


def escalation_id(number: int) -> str:
    """`E-31`."""
    return f"E-{number}"
