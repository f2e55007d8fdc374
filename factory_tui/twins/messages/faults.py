"""Faults by script: what goes wrong with which attempt at which request. Pure.

A fault looks at the digest of the request, the rule that answers it and the number of the attempt, and at nothing else:
the twin keeps nothing, so the caller says by a header which attempt it is.
"""

import tomllib
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

_Seconds = Annotated[float, Meta(ge=0, le=86_400)]
_ONLY_WITH = {"retry_after": "a status", "at": 'then = "cut"', "seconds": 'then = "slow"'}


class Fault(Struct, forbid_unknown_fields=True, frozen=True):
    """A fault as written."""

    then: Annotated[int, Meta(ge=400, le=599)] | Literal["cut", "html", "slow"]
    digest: Annotated[str, Meta(pattern=r"^(any|[0-9a-f]{12,64})\Z")] = "any"
    rule: str | None = None
    attempt: Annotated[int, Meta(ge=0)] | None = None
    retry_after: _Seconds | None = None
    """Seconds that a status asks to wait, in its header."""
    at: Annotated[int, Meta(ge=0)] | None = None
    """Bytes of the body that come before the connection is cut; none: half of it."""
    seconds: _Seconds | None = None
    """Seconds until a slow answer begins."""

    def misplaced(self) -> tuple[str, str] | None:
        """A key that says nothing here, and where it would."""
        kind = "a status" if isinstance(self.then, int) else f'then = "{self.then}"'
        for key, where in _ONLY_WITH.items():
            if getattr(self, key) is not None and where != kind:
                return key, f"goes with {where} only"
        if self.then == "slow" and self.seconds is None:
            return "seconds", 'missing, which then = "slow" needs'
        return None

    def cut(self, size: int) -> int | None:
        """How many of `size` bytes are sent before the connection is cut; None: all, and it ends in good order."""
        if self.then != "cut":
            return None
        return size // 2 if self.at is None else min(self.at, size)


def chosen(faults: Sequence[Fault], digest: str, attempt: int, rule: str | None) -> Fault | None:
    """What goes wrong with this attempt at this request, if anything: the first fault that fits."""
    for fault in faults:
        if (
            (fault.digest == "any" or digest.startswith(fault.digest))
            and fault.attempt in (None, attempt)
            and fault.rule in (None, rule)
        ):
            return fault
    return None


def read(text: str) -> Fault:
    """A fault written as the inside of a TOML table: `then = 429, retry_after = 3`.

    Raises:
        ValueError: it is none; the message says why, with the remedy.
    """
    try:
        fault = msgspec.convert(tomllib.loads(f"fault = {{ {text} }}"), dict[str, Fault])["fault"]
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(
            f"{text}: not a fault: {error}. Remedy: write it as in 'then = 429, retry_after = 3, attempt = 0'"
        ) from error
    if wrong := fault.misplaced():
        raise ValueError(f"{text}: {wrong[0]}: {wrong[1]}. Remedy: add it, or leave it out")
    return fault
