"""What people wrote for the factory to use: the newest good version of all of it, and each revision a run still uses.

Owns what is good and what is refused; a file that cannot be used leaves the version before it in place. It does not
know when a file changes, nor what a new revision does to a run.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from factory_tui.config.reading import Mistakes
from factory_tui.config.seed import Seed
from factory_tui.config.settings import Settings
from factory_tui.config.workspace import Workspace
from factory_tui.domain.events import AnyFact, CorpusRevised, EditMended, EditRefused, SeedRevised
from factory_tui.domain.hostile import clean, one_line
from factory_tui.domain.state import OVER, Run, SeedView, State
from factory_tui.engine.differing import difference
from factory_tui.engine.keeping import Shelf
from factory_tui.engine.sources import CONFIG, Files, Group, groups_of, mistake
from factory_tui.harness.corpus import Corpus

T = TypeVar("T")
_NEWEST = "newest"
SHOWN = 10
"""Mistakes of a file that are told at once."""
FRESH = 60.0
"""Seconds for which every revision is kept: somebody may be about to write that it is in use."""


Whole = Callable[[Group], bool]
"""Whether a group is whole, and still as it was; asked from a thread."""


def _always(_group: Group) -> bool:
    return True


Good = Settings | Seed | Corpus | str | None
"""What a group's files say, where they are as they should be."""


class Library:
    """One for the engine (Sources). `fit`: raises LoopError for a loop that cannot run here."""

    def __init__(self, workspace: Workspace, fit: Callable[[str, str], object]) -> None:
        """Raises Mistakes when config.toml cannot be used and no good one was kept."""
        self._workspace = workspace
        self._fit = fit
        self._files = Files(workspace)
        self._shelf = Shelf(workspace.state / "revisions")
        self._refused: dict[Group, Mistakes] = {}
        self._seeds: dict[str, Seed] = {}
        self._lost: dict[str, Seed] = {}
        """Seeds whose files are gone, as they were."""
        self._corpora: dict[str, Corpus] = {}
        self._loops: dict[str, str] = {}
        self._standards = self._shelf.get("standards", "standards", _NEWEST, str) or ""
        try:
            self._settings = self._files.settings()
        except Mistakes:
            kept = self._shelf.get("config", "config", _NEWEST, Settings)
            if kept is None:
                raise
            self._settings = kept

    def settings(self) -> Settings:
        """The newest good settings."""
        return self._settings

    def standards(self) -> str:
        """The newest good standards."""
        return self._standards

    def seed(self, name: str) -> Seed:
        """The newest good revision of a seed. Raises Mistakes when there is none."""
        return self._newest(self._seeds, ("seeds", name), lambda: self._files.seed(name, self._settings))

    def loop(self, name: str) -> str:
        """The newest good version of a loop. Raises Mistakes when there is none."""
        return self._newest(self._loops, ("loops", name), lambda: self._files.loop(name))

    def corpus(self, name: str) -> Corpus:
        """The newest scenarios of a seed that a run may start on. Raises Mistakes when there are none."""
        return self._newest(self._corpora, ("scenarios", name), lambda: self._files.corpus(name))

    def readable(self, name: str) -> Corpus:
        """A seed's scenarios, or what there is of them, kept for the run. Raises Mistakes, OSError."""
        try:
            return self.corpus(name)
        except Mistakes:
            corpus = self._files.readable(name)
            self._shelf.put("scenarios", name, corpus.hash, corpus)
            return corpus

    def _newest(self, good: dict[str, T], group: Group, read: Callable[[], T]) -> T:
        if group[1] in good:
            return good[group[1]]
        if group in self._refused:
            raise self._refused[group]
        return read()

    def seeds(self) -> list[Seed]:
        """Every seed that a run can be started from, by name."""
        return [self._seeds[name] for name in sorted(self._seeds)]

    def seed_at(self, name: str, revision: str) -> Seed | None:
        """A seed at a revision that a run uses; None when it was not kept."""
        newest = self._seeds.get(name)
        if newest is not None and newest.revision == revision:
            return newest
        return self._shelf.get("seeds", name, revision, Seed)

    def corpus_at(self, name: str, corpus: str) -> Corpus | None:
        """A seed's scenarios as a pass began with them; None when they were not kept."""
        newest = self._corpora.get(name)
        if newest is not None and newest.hash == corpus:
            return newest
        return self._shelf.get("scenarios", name, corpus, Corpus)

    async def begin(self, state: State, whole: Whole = _always) -> tuple[list[AnyFact], set[Group]]:
        """Take everything over as an engine starts: first what was kept, then as `take` what the files say by now."""
        groups = await asyncio.to_thread(self._restore, state)
        facts, left = await self.take(groups, state, by_hand=False, whole=whole)
        await self.tidy(state)
        return facts, left

    async def tidy(self, state: State) -> None:
        """Keep no more revisions than those that are in use. Raises OSError."""
        used = [run for run in state.runs.values() if run.state not in OVER]
        seeds = {(run.seed, one) for run in used for one in _revisions(run)}
        seeds |= {(view.name, view.revision) for view in state.seeds.values()}
        seeds |= {(seed.name, seed.revision) for seed in self._seeds.values()}
        corpora = {(run.seed, run.corpus) for run in used} | {(one.seed, one.hash) for one in self._corpora.values()}
        corpora |= {(view.name, view.corpus) for view in state.seeds.values()}
        await asyncio.to_thread(self._shelf.prune, "seeds", seeds, older=FRESH)
        await asyncio.to_thread(self._shelf.prune, "scenarios", corpora, older=FRESH)

    def _restore(self, state: State) -> list[Group]:
        """What was kept becomes the newest good version; what is to be read."""
        here = set(groups_of(self._workspace))
        busy = {run.seed for run in state.runs.values() if run.state not in OVER}
        for name, view in state.seeds.items():
            seed = self._shelf.get("seeds", name, view.revision, Seed) if view.revision else None
            corpus = self._shelf.get("scenarios", name, view.corpus, Corpus) if view.corpus else None
            if seed is not None and ("seeds", name) in here | {("seeds", one) for one in busy}:
                self._seeds[name] = seed
            if corpus is not None:
                self._corpora[name] = corpus
        for name in self._shelf.names("loops"):
            if ("loops", name) in here and (dot := self._shelf.get("loops", name, _NEWEST, str)) is not None:
                self._loops[name] = dot
        gone = {("seeds", name) for name in self._seeds}
        gone |= {("scenarios", name) for name in self._corpora if name in self._seeds}
        return sorted(here | gone)

    async def take(
        self, groups: Iterable[Group], state: State, *, by_hand: bool, whole: Whole = _always
    ) -> tuple[list[AnyFact], set[Group]]:
        """Read these anew: what is good becomes the newest and is kept, what is not is refused.

        The facts of it, and the groups that were not `whole` when they had been read: nothing came of those. Seeds are
        read with the settings, since their owners stand there. Raises OSError when nothing can be kept.
        """
        wanted, left = set(groups), set[Group]()
        here = groups_of(self._workspace)
        if CONFIG in wanted:
            if not await self._read(CONFIG, whole):
                left.add(CONFIG)
            wanted |= {group for group in [*here, *self._refused] if group[0] == "seeds"}
        new = {name for kind, name in wanted if kind == "seeds" and name not in self._corpora}
        wanted |= {("scenarios", name) for name in new} & set(here)
        facts: list[AnyFact] = []
        rest, before = sorted(wanted - {CONFIG}), dict(self._seeds)
        for group, was_whole in zip(rest, await asyncio.gather(*(self._read(one, whole) for one in rest)), strict=True):
            if was_whole:
                facts += self._revised(group, before.get(group[1]), state, by_hand)
            else:
                left.add(group)
        facts += [SeedRevised(name, "", "", by_hand=by_hand) for name in self._forgotten(state, here)]
        return [*facts, *self._edits(state)], left

    async def _read(self, group: Group, whole: Whole) -> bool:
        """Whether it was still whole when it had been read; else nothing comes of it."""
        read = await asyncio.to_thread(self._kept, group, whole)
        if read is None:
            return False
        good, mistakes = read
        if mistakes is not None:
            self._refused[group] = mistakes
            self._lose(group)
            return True
        self._refused.pop(group, None)
        kind, name = group
        match good:
            case Settings():
                self._settings = good
            case Seed():
                self._seeds[good.name] = good
                self._lost.pop(good.name, None)
            case Corpus():
                self._corpora[name] = good
            case str() if kind == "loops":
                self._loops[name] = good
            case str():
                self._standards = good
            case None:
                self._loops.pop(name, None)  # a run goes on along the graph that it began with
        return True

    def _kept(self, group: Group, whole: Whole) -> tuple[Good, Mistakes | None] | None:
        """What a group's files say, kept by now, or what is wrong with them; None where they were not whole."""
        good: Good = None
        mistakes: Mistakes | None = None
        try:
            good = self._good(group)
        except Mistakes as found:
            mistakes = found
        if not whole(group):
            return None
        if good is not None:
            revision = good.revision if isinstance(good, Seed) else good.hash if isinstance(good, Corpus) else _NEWEST
            self._shelf.put(group[0], group[1] or group[0], revision, good)
        return good, mistakes

    def _lose(self, group: Group) -> None:
        """A seed that is gone is remembered as it was, for who still uses it."""
        kind, name = group
        if kind == "seeds" and name in self._seeds and group not in groups_of(self._workspace):
            self._lost[name] = self._seeds.pop(name)

    def _good(self, group: Group) -> Good:
        """What a group's files say; None where there is nothing to say. Raises Mistakes."""
        kind, name = group
        here = groups_of(self._workspace)
        match kind:
            case "config":
                return self._files.settings()
            case "standards":
                return self._files.standards()
            case "loops" if group in here:
                dot = self._files.loop(name)
                self._fit(dot, f"loops/{name}.dot")
                return dot
            case "scenarios" if group in here or name in self._corpora:
                return self._files.corpus(name)
            case "seeds" if group in here:
                return self._files.seed(name, self._settings)
            case "seeds" if name in self._seeds or name in self._lost:
                raise _gone(self._seeds.get(name) or self._lost[name])
        return None

    def _revised(self, group: Group, before: Seed | None, state: State, by_hand: bool) -> Iterator[AnyFact]:
        kind, name = group
        if group in self._refused:
            return
        known = state.seeds.get(name)
        if kind == "seeds" and name in self._seeds:
            seed = self._seeds[name]
            if known is None or known.revision != seed.revision:
                told = known.revision if known else ""
                if before is None or before.revision != told:
                    before = self.seed_at(name, told) if told else None
                diff = difference(before, seed) if before else ""
                yield SeedRevised(name, seed.revision, clean(seed.source), diff, by_hand, tuple(seed.twins))
        if kind == "scenarios" and name in self._corpora:
            corpus = self._corpora[name]
            now = _as_fact(name, corpus)
            if known is None or _known(known) != _known(now):
                yield now

    def _forgotten(self, state: State, here: Collection[Group]) -> list[str]:
        """Seeds whose files are gone, and that no run needs."""
        busy = {run.seed for run in state.runs.values() if run.state not in OVER}
        known = [name for name, view in state.seeds.items() if view.revision]
        return [name for name in known if ("seeds", name) not in here and name not in busy | self._seeds.keys()]

    def _edits(self, state: State) -> Iterator[AnyFact]:
        """What is refused now and was not, and the other way round."""
        now: dict[str, list[str]] = {}
        busy = {run.seed for run in state.runs.values() if run.state not in OVER}
        for (kind, name), mistakes in self._refused.items():
            if kind == "seeds" and name in self._lost and name not in busy:
                continue  # it is nobody's trouble that it is gone
            for problem in mistakes.problems:
                now.setdefault(_shown(problem.file, self._workspace.root), []).append(str(problem))
        for file, said in now.items():
            more = f"\n(and {len(said) - SHOWN} more)" if len(said) > SHOWN else ""
            why = clean("\n".join(said[:SHOWN])) + more
            if state.edits.get(file) != why:
                yield EditRefused(file, why)
        for file in state.edits:
            if file not in now:
                yield EditMended(file)


def _as_fact(name: str, corpus: Corpus) -> CorpusRevised:
    return CorpusRevised(
        name,
        corpus.hash,
        scenarios=tuple((one.name, one.set) for one in corpus.scenarios),
        kinds={one.name: one.kind for one in corpus.scenarios},
        unlabelled=corpus.unlabelled,
        twins=corpus.lamps,
        fixed=tuple(one.name for one in corpus.scenarios if not one.drawn),
        hosts={twin.name: twin.host for twin in corpus.twins},
        fidelity=corpus.fidelity,
        reviewed={one.name: one.reviewed_for for one in corpus.scenarios if one.reviewed_for},
    )


def _known(said: SeedView | CorpusRevised) -> tuple[object, ...]:
    """What has to be told again where it changes."""
    return said.corpus, said.unlabelled, said.twins, said.fixed, said.hosts, said.fidelity, said.reviewed


def _revisions(run: Run) -> set[str]:
    before = (one.reseed for one in run.taken)  # a re-seed may be taken back
    return {run.revision, run.origin, run.reseed, *before, *(item.revision for item in run.passes)} - {""}


def _gone(seed: Seed) -> Mistakes:
    what = f"is gone; runs of it go on with revision {seed.revision}."
    return mistake(seed.file, what, "Put it back, or stop its runs.")


def _shown(file: str, root: Path) -> str:
    """Relative to the workspace, and fit to be shown: a file may be called anything."""
    return one_line(file.removeprefix(f"{root}/"), 300)
