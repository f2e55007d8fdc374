"""How true a twin is to its service, as `factory-tui twins check` found it and wrote it down beside the twin.

Owns that file, and what is to be said of a twin and its recordings as they are now. It measures nothing.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from factory_tui.config.twin import FIDELITY, Twin, recordings
from factory_tui.domain.decoding import prepared

FAITHFUL = 0.95
"""The share of recorded exchanges that a twin has to match."""
Lamp = Literal["faithful", "unfaithful", "drift", "unchecked", "unrecorded"]


class Miss(msgspec.Struct, frozen=True):
    """A recorded exchange that the twin answered otherwise."""

    recording: str
    entry: int
    """From 1 on."""
    asked: str
    why: tuple[str, ...]


class Recorded(msgspec.Struct, frozen=True):
    """One recording: its digest, and how many of its exchanges the twin matched."""

    digest: str
    matched: int
    total: int


class Fidelity(msgspec.Struct, frozen=True):
    """What a check found."""

    twin: str
    """The digest of what was checked."""
    checked: str
    """When, in UTC."""
    recordings: dict[str, Recorded]
    misses: tuple[Miss, ...] = ()
    drift: tuple[str, ...] = ()
    """Recordings that came after an earlier check and disagree: the service is not what the twin was made from."""
    skipped: int = 0
    """Exchanges with other hosts."""

    @property
    def matched(self) -> int:
        """Exchanges that the twin answered as the service did."""
        return sum(one.matched for one in self.recordings.values())

    @property
    def total(self) -> int:
        """Exchanges that were replayed."""
        return sum(one.total for one in self.recordings.values())

    @property
    def share(self) -> float:
        """Of those, matched."""
        return self.matched / self.total if self.total else 0.0


class Standing(msgspec.Struct, frozen=True):
    """What can be said of a twin now."""

    lamp: Lamp
    why: str
    """In words, for one line."""
    fidelity: Fidelity | None = None


def digests(twins: Path, name: str) -> dict[str, str]:
    """The recordings of a twin as they are, by their names. Raises OSError."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in recordings(twins, name)}


def read_fidelity(twins: Path, name: str) -> Fidelity | None:
    """What the last check found; None where there was none, or by a version that wrote another shape."""
    try:
        return msgspec.json.decode((twins / name / FIDELITY).read_bytes(), type=prepared(Fidelity))
    except (OSError, msgspec.DecodeError):
        return None


def write_fidelity(twins: Path, name: str, found: Fidelity) -> None:
    """Keep what a check found, whole. Raises OSError."""
    path = twins / name / FIDELITY
    fresh = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def drifted(before: Fidelity | None, now: Mapping[str, Recorded]) -> tuple[str, ...]:
    """The recordings that disagree and were not there when the twin was checked before, or had drifted then."""
    if before is None:
        return ()
    known = {name: one.digest for name, one in before.recordings.items() if name not in before.drift}
    return tuple(name for name, one in now.items() if one.matched < one.total and known.get(name) != one.digest)


def standing(twins: Path, twin: Twin) -> Standing:
    """What can be said of a twin, from the files beside it."""
    found = read_fidelity(twins, twin.name)
    here = digests(twins, twin.name)
    if not here:
        return Standing("unrecorded", "no recordings of the service to compare it with", found)
    if found is None:
        return Standing("unchecked", f"{len(here)} recordings, never compared")
    share = f"{found.matched} of {found.total} recorded exchanges match ({found.share:.0%}), {found.checked[:10]}"
    if found.twin != twin.digest:
        return Standing("unchecked", f"it changed since {found.checked[:10]}; then {share}", found)
    if {name: one.digest for name, one in found.recordings.items()} != here:
        return Standing("unchecked", f"recordings changed since {found.checked[:10]}; then {share}", found)
    if found.drift:
        return Standing("drift", f"newer recordings disagree ({', '.join(found.drift)}): {share}", found)
    return Standing("faithful" if found.share >= FAITHFUL else "unfaithful", share, found)
