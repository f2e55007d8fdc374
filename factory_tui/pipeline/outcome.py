"""What came of running a node (Attractor section 5.2 and its status file, appendix C)."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Status(StrEnum):
    """How a node ended; only success and partial success open a goal gate."""

    SUCCESS = "success"
    PARTIAL_SUCCESS = "partial_success"
    RETRY = "retry"
    FAIL = "fail"
    SKIPPED = "skipped"

    @property
    def good(self) -> bool:
        """Whether a goal gate opens for it."""
        return self in {Status.SUCCESS, Status.PARTIAL_SUCCESS}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A node's result. As JSON it is the status file, where the status is called `outcome`."""

    status: Status = msgspec.field(name="outcome")
    preferred_label: str = ""
    suggested_next_ids: tuple[str, ...] = ()
    context_updates: Mapping[str, object] = msgspec.field(default_factory=dict)
    notes: str = ""
    failure_reason: str = ""
