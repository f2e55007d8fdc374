"""The workshop's twins: what each stands for, how true it is to that, who uses it, and what somebody has it do."""

from collections.abc import Sequence

from factory_tui.console.figures import duration, plural
from factory_tui.console.glyphs import LAMPS, Tone
from factory_tui.console.paint import Row, cut, left, middle
from factory_tui.console.twinned import TwinView, twins
from factory_tui.console.widgets.listed import Listed
from factory_tui.console.widgets.pane import Motion
from factory_tui.domain.hostile import one_line
from factory_tui.domain.state import OVER, Run

TRUE: dict[str, Tone] = {"faithful": "good", "unfaithful": "bad", "drift": "bad", "unchecked": "waits"}
"""How true a twin is to its service; of others nobody knows."""
EMPTY = (
    'No scenario and no seed asks for a twin. [[twin]] in a scenario, or twins = ["NAME"] in a seed, puts a stand-in '
    "of a service beside the product: docs/twins.md."
)
_REST = 44
"""Cells of what stands behind name and host."""


class TwinList(Listed):
    """All of the workspace; the keys for faults are about the chosen run and the twin under the cursor."""

    TITLE = "twins"
    FILTERED = True
    FIELDS = ("host", "fidelity", "seed")

    @property
    def known(self) -> list[TwinView]:
        """Those that the filter lets through."""
        return [one for one in twins(self.mirror.state) if self.filter.holds(_fields(one))]

    @property
    def twin(self) -> TwinView | None:
        """The one under the cursor."""
        found = self.known
        return found[max(0, min(self._at, len(found) - 1))] if found else None

    def go(self, motion: Motion) -> bool:  # noqa: D102
        if motion in ("left", "right"):
            self.workshop.pick(1 if motion == "left" else -1)
            return True
        return super().go(motion)

    def heading(self) -> tuple[Row, Row]:
        """The run that faults are set for."""
        run = self.workshop.run
        said: Row = [("faults of ", "dim"), (run.id, "text")] if run and run.state not in OVER else []
        return self.titled([]), said

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        found = self.known
        if not found:
            return self.words("None fits." if self.filter.text else EMPTY, "dim", width)
        name = min(max([6, *(len(one.name) for one in found)]) + 1, 18)
        host = max(8, width - name - _REST - 2)
        head: Row = [
            (left("  twin", name + 2) + left("stands for", host) + left("fidelity", 14), "dim"),
            (left("fault by hand", 16) + "used by", "dim"),
        ]
        lines = [self._row(one, name, host) for one in found]
        self._lines = len(lines)
        return self.listed(head, lines, self._detail(found[self.at], width), (width, height))

    def _row(self, one: TwinView, name: int, host: int) -> Row:
        tone: Tone = TRUE.get(one.lamp, "idle")
        live = [run for run in one.runs if run.state not in OVER]
        fault, said = self._fault(one)
        return [
            (left(cut(one.name, name - 1), name), "text"),
            (left(cut(one_line(one.host) or "-", host - 1), host), "dim"),
            (left(f"{self.glyphs.marks[tone]} {one.lamp or 'not known'}", 14), tone),
            (left(said, 16), "asks" if fault else "dim"),
            (plural(len(live), "run") if live else f"{plural(len(one.runs), 'run')}, over", "text" if live else "dim"),
        ]

    def _fault(self, one: TwinView) -> tuple[bool, str]:
        """What the chosen run has it do, else that another has it do something."""
        run = self.workshop.run
        set_now = run.faults.get(one.name) if run else None
        if set_now:
            return True, f"{self.glyphs.marks['asks']} {set_now.fault}"
        others = [other for other in one.runs if other.state not in OVER and one.name in other.faults]
        return bool(others), f"{self.glyphs.marks['asks']} in {plural(len(others), 'run')}" if others else "none"

    def _detail(self, one: TwinView, width: int) -> list[Row]:
        found = self.told("fidelity", one.why or "nothing is known of it here", "text", width)
        found += self.told("asked by", f"{plural(len(one.seeds), 'seed')}: {', '.join(one.seeds)}", "text", width, 1)
        run = self.workshop.run
        if run is not None and run.seed in one.seeds and run.state not in OVER:
            keys = self.console_app.keys
            said = [
                f"{keys[f'workshop.fault-{name}'][0]} {word}"
                for name, word in (("429", "429"), ("500", "500"), ("latency", "latency"), ("none", "as it is"))
                if keys[f"workshop.fault-{name}"]
            ]
            found += self.told("keys", f"{'  '.join(said)}   for {run.id}", "dim", width, 1)
        for used in one.runs[: max(1, 7 - len(found))]:
            found.append(self._use(used, one.name))
        return found

    def _use(self, run: Run, twin: str) -> Row:
        tone = LAMPS[run.state]
        set_now = run.faults.get(twin)
        row: Row = [
            (f" {'':<9}", "dim"),
            (f"{self.glyphs.marks[tone]} ", tone),
            (left(middle(run.id, 20), 21), "text"),
            (left(run.state, 9), "dim"),
        ]
        if set_now:
            since = duration((self.console_app.clock() - set_now.at) / 1000)
            row.append((f"{set_now.fault} by {one_line(set_now.by, 20)}, {since}", "asks"))
        elif spoilt := [
            str(item.number) for item in run.passes if any(one.partition(" ")[0] == twin for one in item.faults)
        ]:
            row.append((f"judged under a fault: pass {', '.join(spoilt)}", "waits"))
        return row


def _fields(one: TwinView) -> dict[str, str]:
    return {"name": one.name, "host": one.host, "fidelity": one.lamp, "seed": " ".join(one.seeds)}
