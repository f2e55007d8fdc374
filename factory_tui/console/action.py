"""What an action is: a name, its keys, where it is offered, to whom, and what it asks before it is done."""

from typing import Literal, get_args

import msgspec

from factory_tui.domain.commands import Role

Scope = Literal["everywhere", "floor", "run", "inbox", "workshop", "burn", "journal"]
SCREENS: tuple[Scope, ...] = get_args(Scope)[1:]
"""Each has a key `go.SCREEN` of everywhere, and its class in `console.places`."""
Tier = Literal[0, 1, 2]
"""0 reversible: done at once. 1 costly: yes or no. 2 final: the name is typed."""


class Action(msgspec.Struct, frozen=True):
    """Something an operator can do. `keys` are Textual's names; none: palette only."""

    id: str
    keys: tuple[str, ...]
    verb: str
    scopes: tuple[Scope, ...]
    tier: Tier
    text: str
    least: Role = "viewer"
    bar: int = 0
    """Place in the key bar, 1 first; 0: not there."""
    barred: tuple[Scope, ...] = ()
    """Scopes without it in their key bar, for want of room."""
    spare: int = 0
    """Leaves a narrow key bar in this order, 1 first; 0: never."""
    palette: str = ""
    """`noun: Verb` in the palette. `{run}` is the chosen run."""
    over: bool = False
    """May have a key of everywhere, to which it gives way where it means nothing."""
