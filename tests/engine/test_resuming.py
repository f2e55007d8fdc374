"""What an engine that starts anew need not fold: the state is kept while its engine works, whatever ends that one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from factory_tui.journal import store
from tests.engine.floor import Floor
from tests.engine.greeter import make

EVERY = 20
"""Events after which it is kept."""


async def test_the_state_is_kept_while_the_engine_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CACHE_EVERY", EVERY)
    workspace, playbooks = make(tmp_path)
    async with Floor(workspace, playbooks) as floor:
        run = await floor.start()
        assert (await floor.reach(run, "shipped", "failed", "jammed")).state == "shipped"
        with closing(sqlite3.connect(workspace.state / "journal.db")) as database:
            kept = [seq for (seq,) in database.execute("SELECT seq FROM state")]
        assert kept, "the next engine would have to fold everything"
        assert floor.state.seq > 3 * EVERY
        assert floor.state.seq - kept[0] < 3 * EVERY
