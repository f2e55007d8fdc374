"""What people wrote for the factory, as it stands in the workspace's files now.

Owns how each group of files is found and read, and what is said of one that cannot be. It remembers nothing.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from factory_tui import pipeline
from factory_tui.config.load import load
from factory_tui.config.reading import Mistakes, Problem, as_text, bytes_of
from factory_tui.config.seed import Seed, load_seed, seed_names
from factory_tui.config.settings import Settings
from factory_tui.config.workspace import Workspace
from factory_tui.harness.corpus import Corpus, load_corpus

Group = tuple[str, str]
"""What is read as one: ("seeds", a name), ("scenarios", a seed's name), ("loops", a name), CONFIG or STANDARDS."""
CONFIG, STANDARDS = ("config", ""), ("standards", "")


class Sources(Protocol):
    """Where a run's beginnings come from. Each raises Mistakes for what is not there or cannot be used."""

    def settings(self) -> Settings:
        """config.toml."""
        ...

    def seed(self, name: str) -> Seed:
        """The seed of that name."""
        ...

    def seed_at(self, name: str, revision: str) -> Seed | None:
        """The seed at a revision; None where that is not kept."""
        ...

    def loop(self, name: str) -> str:
        """A loop's DOT."""
        ...

    def corpus(self, name: str) -> Corpus:
        """The scenarios of that seed, fit for a run."""
        ...

    def readable(self, name: str) -> Corpus:
        """The scenarios of that seed, for a run that is not judged by them: each as it should be, if there are any."""
        ...


class Files:
    """What stands in the workspace's files now, read anew at each call (Sources)."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def settings(self) -> Settings:
        """config.toml. Raises Mistakes."""
        return load(self._workspace.config)

    def seed(self, name: str, settings: Settings | None = None) -> Seed:
        """The seed of that name. Raises Mistakes."""
        return load_seed(self._workspace, name, tuple((settings or self.settings()).owners))

    def seed_at(self, name: str, revision: str) -> Seed | None:
        """Files have the newest revision alone. Raises Mistakes."""
        seed = self.seed(name)
        return seed if seed.revision == revision else None

    def loop(self, name: str) -> str:
        """A loop's DOT, as it is. Raises Mistakes."""
        file = f"loops/{name}.dot"
        here = {one.stem: one for one in self._workspace.loops.glob("[!.]*.dot")}
        if name not in here:  # a name may come from far away, and lead out of the folder
            known = ", ".join(sorted(here)) or "none yet"
            raise mistake(file, "there is no such loop.", f"Write it, or name one of: {known}.")
        try:
            return as_text(bytes_of(here[name]), file)
        except OSError as error:
            raise mistake(file, f"cannot be read: {error.strerror}.", "Make it readable for this user.") from None

    def corpus(self, name: str) -> Corpus:
        """The scenarios of that seed. Raises Mistakes where a run may not start on them."""
        corpus = load_corpus(self._workspace.scenarios / name, name)
        if not corpus.usable:
            raise Mistakes(*(one.problem for one in corpus.problems if one.level == "error"))
        return corpus

    def readable(self, name: str) -> Corpus:
        """The scenarios of that seed, whatever they lack as a whole. Raises Mistakes where one cannot be read."""
        corpus = load_corpus(self._workspace.scenarios / name, name)
        broken = [one.problem for one in corpus.problems if one.level == "error" and one.problem.file.endswith(".toml")]
        if broken:
            raise Mistakes(*broken)
        return corpus

    def standards(self) -> str:
        """standards.md; empty where there is none. Raises Mistakes."""
        path = self._workspace.standards
        try:
            return as_text(bytes_of(path), path.name)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise mistake(path.name, f"cannot be read: {error.strerror}.", "Make it a readable file.") from None


def groups_of(workspace: Workspace) -> list[Group]:
    """What there is to read; scenarios only where there are any."""
    found = [CONFIG, STANDARDS, *(("seeds", name) for name in seed_names(workspace))]
    found += [("loops", path.stem) for path in workspace.loops.glob("[!.]*.dot")]
    names = {name for kind, name in found if kind == "seeds"}
    found += [("scenarios", name) for name in names if any((workspace.scenarios / name).glob("[!.]*.toml"))]
    return found


def fit_loop(handlers: Iterable[str]) -> Callable[[str, str], object]:
    """What says whether a loop can run with these handlers: raises Mistakes."""
    known = frozenset(handlers)

    def fit(dot: str, file: str) -> object:
        try:
            return pipeline.prepare(dot, file, known)
        except pipeline.LoopError as error:
            raise Mistakes(LoopProblem(file, 0, "", str(error), "")) from None

    return fit


class LoopProblem(Problem, frozen=True):
    """What the pipeline says against a loop: place and remedy are in its words."""

    def __str__(self) -> str:
        return self.message


def mistake(file: str, message: str, remedy: str) -> Mistakes:
    """One, about a whole file."""
    return Mistakes(Problem(file, 0, "", message, remedy))
