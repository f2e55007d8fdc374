"""What people wrote lately: edits that cannot be used, with their remedy, and seeds that changed, with what follows."""

from collections.abc import Iterable

from factory_tui.console.bench import seed_of
from factory_tui.console.figures import plural
from factory_tui.console.paint import Row, cut, wrap
from factory_tui.console.widgets.panel import Panel
from factory_tui.domain.hostile import clean, one_line
from factory_tui.domain.state import OVER, Run, SeedView, State

LINES = 3
"""Changed lines of a seed that are shown."""
MOST = 8
"""Rows, at most."""
STAYS = "The last good version of {file} stays in use."


class Edits(Panel):
    """Takes no row while there is nothing to say."""

    FRAMED = False

    def sync(self) -> None:
        """Take the rows that there is something to say in."""
        wanted = min(len(list(self._all(self.screen.size.width))), MOST if self.screen.size.height >= 32 else MOST // 2)
        if str(self.styles.height) != str(wanted):
            self.styles.height = wanted
        super().sync()

    def rows(self, width: int, height: int) -> list[Row]:
        """At most `height` of what there is; problems that have no room are counted."""
        found = list(self._all(width))
        if len(list(self._problems(width))) <= height:
            return found[:height]
        said = f"   {plural(len(self.mirror.state.edits), 'file')} cannot be used; the workshop tells of each"
        return [*found[: height - 1], [(cut(said, width), "dim")]]

    def _problems(self, room: int) -> Iterable[Row]:
        for file, problem in sorted(self.mirror.state.edits.items()):
            mark = self.glyphs.marks["bad"]
            said = problem if never_good(self.mirror.state, file) else f"{problem} {STAYS.format(file=file)}"
            for index, part in enumerate(wrap(one_line(said, 400), room - 4)):
                yield [(f" {mark} " if index == 0 else "   ", "bad"), (part, "bad")]

    def _all(self, room: int) -> Iterable[Row]:
        yield from self._problems(room)
        for seed in self.mirror.state.seeds.values():
            runs = [run for run in self.mirror.runs() if run.seed == seed.name and run.state not in OVER]
            stale = [run for run in runs if seed.revision and run.revision != seed.revision]
            if seed.diff and stale:
                yield from self._changed(seed, stale, room)

    def _changed(self, seed: SeedView, runs: list[Run], room: int) -> Iterable[Row]:
        soon = [run.id for run in runs if run.reseed == seed.revision]
        later = [run.id for run in runs if run.reseed != seed.revision]
        then = f"{', '.join(soon)}: applies at the next pass" if soon else f"{', '.join(later)}: r applies it"
        said = f"{seed.name} changed to {seed.revision[:8]}; {then}"
        yield [(f" {self.glyphs.marks['waits']} ", "waits"), (cut(one_line(said, 400), room - 4), "waits")]
        lines = [line for line in clean(seed.diff).expandtabs(4).splitlines() if _changes(line)]
        for line in lines[:LINES]:
            yield [("     ", "text"), (cut(line, room - 6), "good" if line.startswith("+") else "bad")]


def never_good(state: State, file: str) -> bool:
    """Whether a file is of a seed that never was without a problem."""
    seed = seed_of(file)
    return bool(seed) and (seed not in state.seeds or not state.seeds[seed].revision)


def _changes(line: str) -> bool:
    return line.startswith(("+", "-")) and not line.startswith(("+++", "---")) and bool(line[1:].strip())
