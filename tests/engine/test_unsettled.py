"""A call that was answered while the disk filled up: what it cost stays told, and counts, though its answer is lost."""

import errno
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from factory_tui.domain.events import CallReserved, CallSettled, Draft, Event
from factory_tui.journal import Journal, JournalFull
from tests.engine.floor import Floor
from tests.engine.greeter import make


async def test_a_call_whose_settlement_found_no_room_is_settled_when_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, refused = Journal.append, list[CallSettled]()

    async def full(self: Journal, drafts: Sequence[Draft]) -> list[Event]:
        settled = [draft.fact for draft in drafts if isinstance(draft.fact, CallSettled)]
        if settled and not refused:
            refused.extend(settled)
            raise JournalFull(tmp_path) from OSError(errno.ENOSPC, "no space left on device")
        return await append(self, drafts)

    monkeypatch.setattr(Journal, "append", full)
    async with Floor(*make(tmp_path)) as floor:
        run = await floor.reach(await floor.start(), "shipped", "failed", "jammed")
        assert run.state == "shipped", run.why
        told = Counter((call.step, call.attempt) for call in floor.told(CallReserved))
        settled = Counter((call.step, call.attempt) for call in floor.told(CallSettled))
        assert told[1, 1] == 2, "the answer was lost, so it was asked again"
        assert settled == told
        assert run.burn.money == sum(call.money for call in floor.told(CallSettled))
        assert run.burn.twice == floor.told(CallReserved)[0].money
