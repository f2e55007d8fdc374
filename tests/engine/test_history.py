"""A working engine answers for its past, by a process of its own: the state then, what somebody did, the chain."""

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from factory_tui.domain.commands import EmergencyStop, Thaw
from factory_tui.domain.reducer import fold
from factory_tui.engine.history import History
from factory_tui.journal import Keys
from factory_tui.link.client import Link
from factory_tui.link.protocol import RefusedError, StateRequest
from tests.engine.floor import Floor
from tests.engine.greeter import make
from tests.waiting import until


async def test_a_working_engine_answers_for_its_past(tmp_path: Path) -> None:
    async with Floor(*make(tmp_path)) as floor:
        run = await floor.start()
        await floor.command(EmergencyStop())
        await floor.command(Thaw())
        await floor.reach(run, "shipped", "held", "jammed")
        link = await Link.connect(floor.workspace.socket)
        told = await link.events(None, None, 2000)
        for seq in (0, 1, *random.Random(1).sample(range(2, len(told)), 3)):
            assert await link.state_then(seq) == fold(told[:seq])
        then = await link.state_then(at=told[20].at)
        assert then == fold(told[: then.seq])
        assert then.at <= told[20].at < told[then.seq].at
        with pytest.raises(RefusedError, match="there is no event 99999; the newest is "):
            await link.state_then(99_999)
        with pytest.raises(RefusedError, match="name an event by its seq, or a time by at"):
            await link.state_then()
        lay = await link.timeline(20)
        assert lay.seqs[0] == 0
        assert lay.seqs[-1] >= len(told)
        with pytest.raises(RefusedError, match="a timeline has 1 to 1000 spans"):
            await link.timeline(0)
        by_hand = await link.events(None, None, 50, actor="!engine")
        assert by_hand == [event for event in told if event.actor != "engine"]
        assert (await link.events(None, None, 1, actor=link.actor))[0].actor == link.actor
        assert (await link.chain()).at is None, "nobody walked it yet"
        walked = await link.chain(walk=True)
        assert (walked.seq, walked.why) == (walked.newest, "")
        assert walked.at is not None
        assert (await link.chain()).at == walked.at, "remembered"
        await link.close()


async def test_an_asker_that_leaves_takes_its_process_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow").write_text("#!/bin/sh\necho $$ >> %s/pids\nexec sleep 600\n" % tmp_path)  # noqa: UP031
    (tmp_path / "slow").chmod(0o700)
    history = History(tmp_path, tmp_path, "w1", lambda: 0)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "slow"))
    asking = asyncio.create_task(history.back(StateRequest(1, 5)))
    pids = tmp_path / "pids"
    await until(lambda: pids.exists() and pids.read_text().endswith("\n"), "the process runs")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    with pytest.raises(ProcessLookupError):
        os.kill(int(pids.read_text()), 0)
    assert Keys(tmp_path, "w1").looked() is None


async def test_a_process_that_dies_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dies").write_text("#!/bin/sh\nkill -%d $$\n" % signal.SIGKILL)  # noqa: UP031
    (tmp_path / "dies").chmod(0o700)
    history = History(tmp_path, tmp_path, "w1", lambda: 0)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "dies"))
    with pytest.raises(RefusedError, match="it ended without a word"):
        await history.back(StateRequest(1, 5))
