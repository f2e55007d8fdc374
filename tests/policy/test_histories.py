"""What 400 drawn run histories are called: no healthy one is a jam, and jams are called by their names."""

import random
from collections import Counter

from tests.policy.histories import KINDS, Kind, history, named

DRAWN = 0xAC3EA50ECFA8B89E
"""The seed of all that is drawn here, never drawn anew: a rule that names fewer right is mended on other seeds."""
EACH: dict[Kind, int] = {kind: 150 if kind == "healthy" else 50 for kind in KINDS}


def test_four_hundred_histories() -> None:
    dice = random.Random(DRAWN)
    found = Counter((kind, named(history(kind, dice.getrandbits(64)))[0]) for kind in KINDS for _ in range(EACH[kind]))
    assert found.total() == 400
    told = [f"{kind:>13} {' '.join(f'{found[kind, name]:>13}' for name in KINDS)}" for kind in KINDS]
    matrix = "\n".join([f"{'drawn | called':>13} {' '.join(f'{name:>13}' for name in KINDS)}", *told])
    print(matrix)  # noqa: T201 -- for whoever asks with -s
    assert found["healthy", "healthy"] == EACH["healthy"], f"a healthy run is called a jam\n{matrix}"
    jams = sum(EACH[kind] for kind in KINDS if kind != "healthy")
    right = sum(found[kind, kind] for kind in KINDS if kind != "healthy")
    assert right / jams >= 0.98, f"{right} of {jams} jams are named right\n{matrix}"


def test_twins_that_break_are_named_and_a_request_now_and_then_that_breaks_one_is_none() -> None:
    dice = random.Random(DRAWN)
    broken = Counter(named(history("twin-fault", dice.getrandbits(64)))[0] for _ in range(30))
    assert broken["twin-fault"] >= 29, broken
    rare = Counter(named(history("healthy", dice.getrandbits(64), breaks=0.02))[0] for _ in range(30))
    assert rare["twin-fault"] == 0, rare
