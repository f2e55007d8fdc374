"""Two engines on one workspace: one serves, the other says who does."""

import asyncio
import signal
from pathlib import Path

from factory_tui.link.client import Link
from factory_tui.link.protocol import NoAnswer
from tests.engine.floor import cli
from tests.engine.greeter import make
from tests.waiting import eventually


async def test_of_two_that_start_at_once_one_serves_and_the_other_names_it(tmp_path: Path) -> None:
    workspace, playbooks = make(tmp_path)
    options = ("engine", "run", "--workspace", str(workspace.root), "--rehearsals", str(playbooks))

    async def serves(pid: int) -> bool:
        try:
            link = await Link.connect(workspace.socket)
        except NoAnswer:
            return False
        await link.close()
        return link.state.engine.pid == pid

    engines = {engine.pid: engine for engine in await asyncio.gather(cli(*options), cli(*options))}
    try:
        exits = {asyncio.create_task(engine.wait()): pid for pid, engine in engines.items()}
        over, _ = await asyncio.wait(exits, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        (loser,) = (exits[task] for task in over)
        (winner,) = engines.keys() - {loser}
        said, _ = await engines[loser].communicate()
        assert engines[loser].returncode == 1
        assert f"another engine (process {winner}) holds this workspace. Remedy: Attach" in said.decode()
        await eventually(lambda: serves(winner), "the other serves", 60)

        engines[winner].send_signal(signal.SIGKILL)
        await engines[winner].wait()
        engines[0] = third = await cli(*options)
        await eventually(lambda: serves(third.pid), "the lock of a killed one is free", 60)
    finally:
        for engine in engines.values():
            if engine.returncode is None:
                engine.kill()
                await engine.communicate()
