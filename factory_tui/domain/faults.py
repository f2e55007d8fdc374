"""Faults that operators set on the twins of a run: how one is spelt, and what it does. Pure.

A fault is `429`, `500` or `latency=MS`: what whoever asks the twin is answered, or how many milliseconds later.
"""

import re

ANSWERS = ("429", "500")
"""Statuses in place of what the twin would answer."""
LONGEST = 30_000
"""Milliseconds."""
_LATENCY = re.compile(r"latency=([1-9][0-9]{0,8})")


def milliseconds(fault: str) -> int:
    """How much later each answer comes; 0 for a fault of another kind."""
    found = _LATENCY.fullmatch(fault)
    return int(found[1]) if found else 0


def against(fault: str) -> str:
    """Why that is no fault; empty where it is one."""
    late = milliseconds(fault)
    if fault in ANSWERS or 0 < late <= LONGEST:
        return ""
    if late:
        return f"{late} ms are too long: no twin is to be more than {LONGEST} ms late"
    return f"`{fault}` is no fault. Remedy: 429, 500, or latency=MS with up to {LONGEST} milliseconds"


def words(fault: str) -> str:
    """What a twin does by it: the end of a sentence that begins with the twin."""
    late = milliseconds(fault)
    return f"answers {late} ms late" if late else f"answers {fault} to whatever it is asked"
