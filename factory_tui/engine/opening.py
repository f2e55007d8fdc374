"""Whether a run can begin: seed, loop, corpus, model and fence are looked at before anything is queued.

From what people wrote, as its sources have it; every refusal says what to mend, and where.
"""

import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from msgspec.structs import replace

from factory_tui import pipeline
from factory_tui.config.caps import of_run
from factory_tui.config.prices import price_of
from factory_tui.config.reading import Mistakes
from factory_tui.config.seed import Seed, unwritten
from factory_tui.config.settings import HarnessTable, Settings
from factory_tui.config.workspace import Workspace
from factory_tui.domain.commands import StartRun
from factory_tui.domain.events import RunQueued
from factory_tui.domain.money import Ledger
from factory_tui.engine.forking import Like
from factory_tui.engine.handlers import HANDLERS
from factory_tui.engine.sources import Files, Sources
from factory_tui.harness.corpus import Corpus
from factory_tui.harness.plan import make_plan
from factory_tui.policy.credentials import Credentials, NoKey


class Refused(Exception):  # noqa: N818
    """The run cannot begin; the message says why and what mends it."""


class Opening:
    """Turns a StartRun into the RunQueued that answers it."""

    def __init__(
        self,
        sources: Sources,
        credentials: Credentials,
        *,
        fenced: Callable[[], bool],
        playbooks: Callable[[str], bool],
        folder: Path | None = None,
    ) -> None:
        self._sources = sources
        self._credentials = credentials
        self._fenced = fenced
        self._playbooks = playbooks
        self._folder = folder
        """Where the playbooks are from, for what is told."""

    def __call__(self, command: StartRun, like: Like | None = None) -> RunQueued | str:
        """The run as it will be, or why it cannot be."""
        try:
            return self._open(command, like)
        except (Mistakes, pipeline.LoopError, Refused) as refusal:
            return str(refusal)

    def _open(self, command: StartRun, like: Like | None) -> RunQueued:
        if shutil.which("git") is None:
            raise Refused("git is not on the PATH, and passes are kept by it. Remedy: install git.")
        settings = self._sources.settings()
        seed = self._seed(command.seed, like.revision if like else "")
        name = like.loop if like else command.loop or seed.loop
        dot = like.dot if like else self._sources.loop(name)
        graph = pipeline.prepare(dot, f"loops/{name}.dot", frozenset(HANDLERS))
        judges = any(node.handler == "harness" for node in graph.nodes.values())
        corpus = self._sources.corpus(seed.name) if judges else self._sources.readable(seed.name)
        rungs = () if command.model else settings.ladder.rungs
        models = rungs or (command.model or settings.agent.model,)
        ledger = self._ledger(command, settings, seed, (*models, *judging(corpus, settings.harness)))
        if ledger == "live" and not self._fenced() and not command.unfenced:
            raise Refused(
                "a live model is refused where no fence holds. Remedy: start a Docker engine or install bubblewrap, "
                "see what `factory-tui doctor --fence` says, start this engine again; or insist with --unfenced."
            )
        figures, caps = figures_of(settings.harness, seed), of_run(settings.policy, seed)
        queued = RunQueued(
            seed=seed.name,
            revision=seed.revision,
            corpus=corpus.hash,
            loop=name,
            dot=dot,
            model=models[0],
            ledger=ledger,
            owner=seed.owner,
            ship_at=figures.ship_at,
            alpha=figures.alpha,
            max_passes=figures.max_passes,
            max_trajectories=figures.max_trajectories,
            cap=caps.pop("run_cap", None),
            limits=caps,
            rungs=rungs,
            scenarios=tuple((one.name, one.set) for one in corpus.scenarios),
            unfenced=command.unfenced,
            stations=tuple(graph.nodes),
            tracks=tuple((edge.source, edge.target) for edge in graph.edges),
        )
        if lacking := (*unwritten(seed), *(corpus.unwritten if judges else ())):
            raise Refused("\n".join(map(str, lacking)))
        if judges:
            self._can_ship(queued, seed, corpus)
        return queued

    def _can_ship(self, queued: RunQueued, seed: Seed, corpus: Corpus) -> None:
        plan = make_plan(
            corpus.scenarios,
            ship_at=queued.ship_at,
            alpha=queued.alpha,
            max_passes=queued.max_passes,
            max_trajectories=queued.max_trajectories,
        )
        if not plan.looks:
            raise Refused(
                f"{seed.file}: with {queued.max_trajectories} trajectories a pass this vault could never ship at "
                f"{queued.ship_at:g}. Remedy: raise max_trajectories or lower ship_at; docs/scenarios.md has figures."
            )

    def _seed(self, name: str, revision: str) -> Seed:
        """The seed at that revision; empty: the newest."""
        if not revision:
            return self._sources.seed(name)
        seed = self._sources.seed_at(name, revision)
        if seed is None:
            raise Refused(
                f"revision {revision} of seed {name} is not kept any more. "
                f"Remedy: use the seed as it is now: --seed {name}"
            )
        return seed

    def _ledger(self, command: StartRun, settings: Settings, seed: Seed, models: Sequence[str]) -> Ledger:
        """Live only where each model that the run may come to has its key and its price."""
        for name in models:
            if name not in settings.models:
                known = ", ".join(settings.models)
                raise Refused(
                    f"no model is called `{name}`. Remedy: name one of {known}, or add [models.{name}] to config.toml."
                )
        if command.ledger == "rehearsal":
            return self._rehearsal(seed)
        for name in models:
            try:
                self._credentials.key(settings.models[name])
            except NoKey as missing:
                if command.ledger is None and self._playbooks(seed.name):
                    return "rehearsal"
                raise Refused(
                    f"model {name}: {missing}. Remedy: set the key, or write a playbook to rehearse with; "
                    "docs/rehearsals.md says how."
                ) from None
            if price_of(settings, name) is None:
                raise Refused(
                    f'no price is known for {name}. Remedy: set its prices, or price = "unmetered", in config.toml.'
                )
        return "live"

    def _rehearsal(self, seed: Seed) -> Ledger:
        if not self._playbooks(seed.name):
            raise Refused(no_playbook(seed.name, self._folder))
        return "rehearsal"


def foresee(workspace: Workspace, asked: Iterable[StartRun]) -> list[RunQueued]:
    """The runs as they will be, as far as files alone can say, before any of them is asked for.

    Key, fence and playbooks are the engine's to look at. Raises Refused with everything that stands against one.
    """
    opening = Opening(Files(workspace), Credentials((), {}), fenced=lambda: True, playbooks=lambda _seed: True)
    opened = [opening(replace(command, ledger="rehearsal")) for command in asked]
    if against := [one for one in opened if isinstance(one, str)]:
        raise Refused("\n".join(dict.fromkeys(against)))
    return [one for one in opened if isinstance(one, RunQueued)]


def no_playbook(seed: str, folder: Path | None) -> str:
    """Why a seed cannot be rehearsed, and what mends it."""
    where = f" in {folder}" if folder else ""
    return (
        f"there is no playbook to rehearse `{seed}` with{where}. Remedy: run it live, or write {seed}.toml into a "
        f'folder, with seed = "{seed}", and name that by --rehearsals when the engine starts; docs/rehearsals.md '
        "says how."
    )


def judging(corpus: Corpus, table: HarnessTable) -> tuple[str, ...]:
    """The models that judge by the rubrics of these scenarios, but for that of the run itself."""
    named = (one.judge.model or table.judge_model for one in corpus.scenarios if one.judge)
    return tuple(dict.fromkeys(filter(None, named)))


def figures_of(table: HarnessTable, seed: Seed) -> HarnessTable:
    """The ship rule's figures: the seed's own, else the workspace's."""
    own = {name: getattr(seed, name) for name in ("ship_at", "alpha", "max_passes", "max_trajectories")}
    return replace(table, **{name: value for name, value in own.items() if value is not None})
