"""Judges without an engine: for code that is there already, and for transcripts that people have labelled.

Owns who may be asked and what that may cost: live models only where somebody said so, within the cap of one run of the
seed; else the twin. It keeps no journal: what it cost is for its caller to tell.
"""

from __future__ import annotations

import os
import time
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from factory_tui.config.caps import of_run
from factory_tui.config.prices import price_of
from factory_tui.domain.events import CallSettled
from factory_tui.domain.money import UNMETERED, Burn
from factory_tui.engine.opening import Refused, no_playbook
from factory_tui.harness.judges import Judges
from factory_tui.model.door import Door, Model
from factory_tui.policy.budget import Budget
from factory_tui.policy.credentials import Credentials, NoKey
from factory_tui.twins.messages.playbook import PlaybookError, load
from factory_tui.twins.messages.server import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from factory_tui.config.seed import Seed
    from factory_tui.config.settings import Settings
    from factory_tui.domain.events import AnyFact
    from factory_tui.domain.live import LiveFrame
    from factory_tui.harness.corpus import Corpus


class Bar(msgspec.Struct, frozen=True):
    """Who may judge: a live model, for money; or the twin, by the playbooks in a folder."""

    live: bool = False
    rehearsals: Path | None = None


NOBODY = Bar()


class Ear:
    """A Scribe that keeps nothing but what judges cost."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.judging = Burn()

    async def record(self, *facts: AnyFact) -> None:
        """Hear what a call cost."""
        for fact in facts:
            if isinstance(fact, CallSettled):
                self.judging = self.judging.spend(fact.tokens, fact.money, fact.unsaid)

    def show(self, _frame: LiveFrame) -> None:
        """Nobody watches."""


@asynccontextmanager
async def court(run: str, seed: Seed, corpus: Corpus, settings: Settings, bar: Bar) -> AsyncIterator[Judges | None]:
    """The judges of these scenarios; None where expectations alone decide. Raises Refused, before anything is spent."""
    rubrics = {one.name: one.judge for one in corpus.scenarios if one.judge}
    if not rubrics:
        yield None
        return
    names = {one.model or settings.harness.judge_model or settings.agent.model for one in rubrics.values()}
    if not bar.live and bar.rehearsals is None:
        raise Refused(
            f"a model has to judge {', '.join(rubrics)}. Remedy: --judge asks {', '.join(sorted(names))}, for money; "
            "--rehearsals FOLDER asks the twin, by the seed's playbook there."
        )
    async with AsyncExitStack() as stack:
        at = "" if bar.live or bar.rehearsals is None else await _twin(stack, seed.name, bar.rehearsals)
        credentials = Credentials(settings.models.values(), os.environ)
        models = {name: _model(settings, credentials, name, at) for name in names}
        budget = Budget()
        budget.enter(run, of_run(settings.policy, seed))
        door = Door(budget, credentials, now=lambda: time.time_ns() // 1_000_000, attempts=settings.agent.attempts)
        stack.push_async_callback(door.close)
        table = settings.harness
        yield Judges(
            door=door,
            model=lambda name: models[name or table.judge_model or settings.agent.model],
            ledger="live" if bar.live else "rehearsal",
            numbers=count(1),
            redact=credentials.redact,
            wanted=table.judge_error,
            most=table.judge_most,
        )


async def _twin(stack: AsyncExitStack, seed: str, folder: Path) -> str:
    """Where the twin answers by that seed's playbook."""
    path = folder / f"{seed}.toml"
    if not path.is_file():
        raise Refused(no_playbook(seed, folder))
    try:
        playbook = load(path)
    except PlaybookError as error:
        raise Refused(str(error)) from error
    return (await stack.enter_async_context(serve([playbook]))).base_url(playbook.seed)


def _model(settings: Settings, credentials: Credentials, name: str, twin: str) -> Model:
    table = settings.models.get(name)
    if table is None:
        known = ", ".join(settings.models)
        raise Refused(f"no model is called `{name}`. Remedy: name one of {known} in [judge] or [harness] judge_model.")
    price = price_of(settings, name)
    if twin:
        return Model(name, replace(table, base_url=twin, key_env=""), price or UNMETERED)
    try:
        credentials.key(table)
    except NoKey as missing:
        raise Refused(f"model {name}: {missing}") from missing
    if price is None:
        raise Refused(f'no price is known for {name}. Remedy: set its prices, or price = "unmetered", in config.toml.')
    return Model(name, table, price)
