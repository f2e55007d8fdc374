"""Whether an agent's tool calls go round in a circle: the same calls with the same results, in turns.

Pure. A call whose result differs is none of a circle: who waits for something that moves is not stuck.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

CALLS = 12
"""Calls in a row that a circle has at least: twelve alike, six rounds of two, or four of three."""
PERIODS = (1, 2, 3)


def digest(tool: str, given: Mapping[str, Any], output: str) -> str:
    """A call and its result, as one short name."""
    told = msgspec.json.encode((tool, given, output), order="sorted")
    return hashlib.sha256(told).hexdigest()[:16]


def circle(calls: Sequence[str]) -> int:
    """How many calls come round again and again at the end of these; 0 for no circle."""
    last = calls[-CALLS:]
    if len(last) < CALLS:
        return 0
    return next((period for period in PERIODS if last[period:] == last[:-period]), 0)
