"""Facts about the floor and what people write: the engine, commands, seeds, scenarios, edits.

Part of the closed set that is `domain.events`; import from there.
"""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from factory_tui.domain.commands import Command
from factory_tui.domain.fact import Fact
from factory_tui.domain.hostile import Text
from factory_tui.domain.money import FloorCap

ScenarioSet = Literal["feedback", "vault"]
ScenarioKind = Literal["main", "edge", "adversarial"]


class EngineStarted(Fact, frozen=True, tag="engine-started"):
    """An engine took the workspace."""

    version: str
    pid: int
    workspace: str
    """The name of the workspace's folder."""
    cells: Literal["docker", "process"]
    fenced: bool
    why: Text = ""
    """Why cells are what they are, when that is not the default."""
    seeds: tuple[str, ...] = ()
    """Seeds of the workspace that a run can be started from."""
    slots: int = 0
    """Runs that may be running at once; 0: not told."""


class EngineStopped(Fact, frozen=True, tag="engine-stopped"):
    """The engine let the workspace go, in good order."""

    reason: str


class CommandTaken(Fact, frozen=True, tag="command-taken"):
    """A command was accepted; it takes effect after this event."""

    id: str
    command: Command


class CommandUndone(Fact, frozen=True, tag="command-undone"):
    """A command was taken back by whoever had given it, who is the event's actor."""

    id: str
    command: Command
    """Without the words that were said with it."""


class FloorFrozen(Fact, frozen=True, tag="floor-frozen"):
    """Emergency stop: every run is frozen where it is."""


class FloorThawed(Fact, frozen=True, tag="floor-thawed"):
    """The floor moves again."""


class CapSet(Fact, frozen=True, tag="cap-set"):
    """What all live runs together may spend: as config.toml says, or as an admin says, who is the event's actor."""

    cap: FloorCap
    amount: Decimal | None
    """None: as much as they like."""
    configured: Decimal | None = None
    """What config.toml said then: an admin's word stands until that says something else."""


class Noticed(Fact, frozen=True, tag="noticed"):
    """Something an operator should know that changes no run: a bad edit, a missing tool."""

    level: Literal["info", "warning", "error"]
    text: Text
    remedy: Text = ""


class SeedRevised(Fact, frozen=True, tag="seed-revised"):
    """A seed of the workspace can be used at this revision; its files are kept beside the journal."""

    seed: str
    revision: str
    """Empty: its files are gone, and no run needs it."""
    source: Text
    """The seed's own file, as it is."""
    diff: Text = ""
    """Unified, from the revision before; empty for the first one."""
    by_hand: bool = False
    """Whether it changed while an engine watched."""
    twins: tuple[str, ...] = ()
    """Those that its agent's cell has."""


class CorpusRevised(Fact, frozen=True, tag="corpus-revised"):
    """A seed's scenarios can be used as they are now."""

    seed: str
    corpus: str
    scenarios: tuple[tuple[str, ScenarioSet], ...]
    kinds: dict[str, ScenarioKind] = {}  # noqa: RUF012 -- msgspec copies it
    """By a scenario's name."""
    unlabelled: tuple[str, ...] = ()
    """Those with a rubric of whose bias no human label tells."""
    twins: tuple[tuple[str, str], ...] = ()
    """Those that they ask for, each with what is known of its fidelity, in a word."""
    fixed: tuple[str, ...] = ()
    """Those without draws, whose trajectories are all the same."""
    hosts: dict[str, str] = {}  # noqa: RUF012 -- msgspec copies it
    """By a twin's name, the host of the service that it stands for."""
    fidelity: Annotated[dict[str, str], msgspec.Meta(extra={"class": "text"})] = {}  # noqa: RUF012 -- msgspec copies it
    """By a twin's name, what is known of how true it is to that, in a line."""
    reviewed: dict[str, str] = {}  # noqa: RUF012 -- msgspec copies it
    """By a scenario's name, the revision that its file says it was reviewed for."""


class CorpusConfirmed(Fact, frozen=True, tag="corpus-confirmed"):
    """Somebody reviewed a seed's scenarios for this revision of it; the actor of the event is who."""

    seed: str
    revision: str


class EditRefused(Fact, frozen=True, tag="edit-refused"):
    """What somebody wrote cannot be used; the last good version stays in use."""

    file: str
    """Relative to the workspace."""
    problem: Text
    """With line, key and remedy."""


class EditMended(Fact, frozen=True, tag="edit-mended"):
    """A file that was refused is fine again, or gone."""

    file: str
