"""Faults to plant into what a rehearsal writes first: each shows other symptoms and is answered by another rule."""

from dataclasses import dataclass
from pathlib import Path

import factory_tui

REHEARSALS = Path(factory_tui.__file__).parent / "rehearsals"


@dataclass(frozen=True)
class Fault:
    """`old` becomes `new` in the playbook's text; `symptom` (regex) is then told, and the rule named `answer` fits."""

    seed: str
    name: str
    old: str
    new: str
    symptom: str
    answer: str


FAULTS = (
    Fault(
        "shortlinks",
        "permanent redirects",
        'click=self.command == "GET")\n        return 302, {',
        'click=self.command == "GET")\n        return 301, {',
        r"wanted status: 302, observed 301$",
        "redirect for now, not for good",
    ),
    Fault(
        "shortlinks",
        "checkers are counted",
        'links.follow(path.removeprefix("/"), click=self.command == "GET")\n',
        'links.follow(path.removeprefix("/"))\n',
        r"wanted json clicks: ([2-7]), observed (?!\1)[3-8]$",
        "a checker is no reader",
    ),
    Fault(
        "orders-etl",
        "cents through a binary fraction",
        '    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))\n',
        "    return int(float(text) * 100)\n",
        r"wanted json of out/summary\.json total_cents: (\d+), observed (?!\1)\d+$",
        "cents are whole numbers",
    ),
    Fault(
        "orders-etl",
        "duplicates only when all is the same",
        '        orders.setdefault(found["order_id"], found)\n    owed = {}\n',
        "        orders.setdefault(tuple(found.values()), found)\n    owed = {}\n",
        r"wanted json of out/summary\.json duplicates: [1-3], observed 0$",
        "an order is known by its id",
    ),
)


def planted(fault: Fault) -> str:
    """The seed's playbook with the fault in the program that it writes first."""
    text = (REHEARSALS / f"{fault.seed}.toml").read_text("utf-8")
    if text.count(fault.old) != 1:
        raise AssertionError(f"{fault.name}: what it replaces is {text.count(fault.old)} times in the playbook")
    return text.replace(fault.old, fault.new)
