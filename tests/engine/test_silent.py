"""An engine that its operating system has stopped: who asks is told so, and not kept waiting."""

import signal
from pathlib import Path

import pytest

from factory_tui.engine.looking import look, stop
from factory_tui.link import client
from factory_tui.link.protocol import Silent
from tests.engine.floor import FarFloor
from tests.engine.greeter import make


async def test_an_engine_that_is_stopped_by_a_signal_is_named_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "GREETING", 0.3)
    async with FarFloor(*make(tmp_path)) as floor:
        pid = floor.process.pid
        floor.process.send_signal(signal.SIGSTOP)
        try:
            for ask in (look, stop):
                with pytest.raises(Silent, match=rf"process {pid}\) does not answer.*Remedy: kill -CONT {pid}"):
                    await ask(floor.workspace)
        finally:
            floor.process.send_signal(signal.SIGCONT)
        assert (await look(floor.workspace))[1], "it goes on"
