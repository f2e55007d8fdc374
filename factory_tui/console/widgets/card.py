"""The facts of the chosen run: where it stands, what would ship it, what it needs."""

from collections.abc import Sequence

from factory_tui.console.figures import countdown, duration, interval, money, percent, plural
from factory_tui.console.glyphs import span_bar
from factory_tui.console.paint import Row, cut, left, right, tail, wrap
from factory_tui.console.replicas import groups
from factory_tui.console.verdicts import to_settle
from factory_tui.console.widgets.pane import Pane
from factory_tui.console.wording import best, faulted, labels
from factory_tui.domain import ratchet
from factory_tui.domain.events import Satisfaction
from factory_tui.domain.hostile import one_line
from factory_tui.domain.state import Run

_NAME = 10
_LEAST = 12
"""Rows with the frame."""
_HIGH = ((32, 17), (50, 24))
"""From so many rows of the terminal on, at most so many of them."""
_PASSES = 8
"""Passes of the history, the newest last."""
_BARS = (8, 20)
"""Cells of a bar in it, at least and at most."""


class Card(Pane):
    """A column of names and values; where there is room, what each pass came to."""

    TITLE = "facts"

    def heading(self) -> tuple[Row, Row]:
        """The run."""
        run = self.mirror.run(self.console_app.chosen)
        return [(run.id if run else "run", "title")], []

    def sync(self) -> None:
        """Take the rows that the run needs, so far as a tall terminal can give them."""
        if not self.size.width:
            return
        place = self.console_app.place
        most = max([_LEAST, *(rows for tall, rows in _HIGH if self.screen.size.height >= tall)])
        rows = max(_LEAST, min(len(self.rows(self.size.width - 2, most - 2)) + 2, most))
        wanted = "1fr" if place and place.alone else rows
        if str(self.styles.height) != str(wanted):
            self.styles.height = wanted
        super().sync()

    def rows(self, width: int, height: int) -> Sequence[Row]:  # noqa: D102
        run = self.mirror.run(self.console_app.chosen)
        if run is None:
            return [[("  no run chosen", "dim")]]
        facts: list[tuple[str, Row]] = [
            ("seed", [(run.seed, "text"), (f"  {run.revision[:8]}", "dim")]),
            ("loop", [(run.loop, "text"), ("  owner ", "dim"), (one_line(run.owner, 40), "text")]),
            ("model", self._model(run)),
            *([("forked", [("from ", "dim"), (one_line(str(run.forked), 40), "text")])] if run.forked else []),
            *self._replica(run),
            ("pass", self._pass(run)),
            *self._satisfaction(run, width - _NAME - 3),
            *self._to_settle(run, width - _NAME - 3),
            *self._gap(run),
            *self._told(run),
            *([("fault", [(faulted(run).removeprefix("fault "), "asks")])] if faulted(run) else []),
            ("took", self._took(run)),
        ]
        rows = [[(left(f"  {name}", _NAME + 2), "dim"), *value] for name, value in facts]
        rows += self._unsatisfied(run, width)
        asked = self.mirror.state.escalations.get(run.escalation)
        if asked:
            rows += self._said(f"{asked.id} for {asked.to}: {asked.question}", "asks", width)
        elif run.why and run.state != "running":
            back = self.console_app.back_in(run)
            again = "" if back is None else f"back in {countdown(back)}: "
            rows += self._said(f"{again}{run.why}", "waits" if run.state in ("held", "paused") else "text", width)
        elif (slow := self.mirror.quiet(run)) is not None:
            rows += self._said(str(slow), "waits", width)
        elif run.shipped:
            left_over, room = height - len(rows), width - 3
            path = tail(run.shipped, room * (left_over - 1) if left_over > 1 else room - len("shipped to "))
            rows += self._said(f"shipped to {path}", "good", width)
        return [*rows, *self._history(run, width, height - len(rows))]

    def _unsatisfied(self, run: Run, width: int) -> list[Row]:
        """Feedback stories that no trajectory of the newest pass satisfied: the ship rule looks at the vault only."""
        newest = run.current
        if newest is None or newest.feedback is None:
            return []
        tallies = ((name, newest.tallies.get(name)) for name, kind in run.scenarios if kind == "feedback")
        names = [name for name, tally in tallies if tally and tally.unsatisfied and not tally.satisfied]
        if not names:
            return []
        said = f"{plural(len(names), 'feedback story')} unsatisfied: {', '.join(names)}"
        return [[("  ", "text"), (cut(one_line(said, 400), width - 3), "waits")]]

    def _said(self, text: str, tone: str, width: int) -> list[Row]:
        return [[("  ", "text"), (part, tone)] for part in wrap(one_line(text, 400), width - 3)]

    def _model(self, run: Run) -> Row:
        said = labels(run.ledger, self.mirror.unfenced(run))
        rung = f"  rung {run.rungs.index(run.model) + 1} of {len(run.rungs)}" if run.rungs else ""
        return [(one_line(run.model, 40), "text"), (rung, "dim"), (f"  {said}" if said else "", "waits")]

    def _replica(self, run: Run) -> list[tuple[str, Row]]:
        """Which one it is, and between what satisfactions they all lie."""
        found = groups(one for one in self.mirror.state.runs.values() if run.group and one.group == run.group)
        if not found:
            return []
        runs, satisfied = found[0].runs, found[0].satisfaction
        row: Row = [(f"{runs.index(run.id) + 1} of {len(runs)}", "text")]
        if satisfied:
            row.append((f"  {percent(satisfied.least)} to {percent(satisfied.most)} satisfied", "dim"))
        return [("replica", row)]

    def _pass(self, run: Run) -> Row:
        row: Row = [(f"{len(run.passes)}", "text"), (f" of at most {run.max_passes}", "dim")]
        if top := ratchet.best(run):
            fell = top != run.measured and ratchet.below(run)
            said = f"  below pass {top.number}" if fell else f"  {best(run)}"
            row.append((said if best(run) else "", "bad" if fell else "text"))
        if 0 < len(run.passes) <= run.tainted:
            row.append(("  tainted", "bad"))
        if run.visit:
            row.append((f"  {run.visit.kind} {run.visit.done}/{run.visit.trajectories}", "running"))
        return row

    def _satisfaction(self, run: Run, room: int) -> list[tuple[str, Row]]:
        newest = run.measured
        if newest is None:
            return [("vault", [(self._so_far(run), "dim")]), ("ships at", [(percent(run.ship_at), "text")])]
        found: list[tuple[str, Row]] = []
        for name, item in (("feedback", newest.feedback), ("vault", newest.vault)):
            if item:
                found.append((name, self._share(item, run, room)))
        bound = [("bound ", "dim"), (percent(newest.ship_low), "text")] if newest.ship_low is not None else []
        found.append(("ships at", [(percent(run.ship_at), "text"), ("  ", "text"), *bound]))
        return found

    def _so_far(self, run: Run) -> str:
        """The vault's verdicts of a first screen that is still on."""
        vault = {name for name, kind in run.scenarios if kind == "vault"}
        tallies = [tally for name, tally in (run.current.tallies if run.current else {}).items() if name in vault]
        satisfied = sum(tally.satisfied for tally in tallies)
        judged = satisfied + sum(tally.unsatisfied for tally in tallies)
        return f"so far {satisfied} of {judged}" if judged else "not measured yet"

    def _share(self, item: Satisfaction, run: Run, room: int) -> Row:
        row: Row = [(left(interval(item), 13), "text")]
        if room > 28:
            row += span_bar(item.low, item.high, run.ship_at, min(20, room - 15), self.glyphs)
        if item.void:
            row.append((f" {item.void} void", "idle"))
        return row

    def _gap(self, run: Run) -> list[tuple[str, Row]]:
        gap = run.measured.gap if run.measured else None
        if gap is None:
            return []
        tone = "waits" if gap.share > 0 and gap.chance < run.alpha / run.max_passes else "text"
        chance = "p < 0.001" if gap.chance < 0.001 else f"p {gap.chance:.3f}"
        return [("gap", [(f"{gap.share * 100:+.0f} points", tone), (f"  over vault, {chance}", "dim")])]

    def _to_settle(self, run: Run, room: int) -> list[tuple[str, Row]]:
        """What is asked of the journal, since the state does not have it."""
        self.console_app.read_decision(run.id)
        figure, terms = to_settle(run, self.mirror.verdicts.decided.get(run.id))
        if figure:
            return [("to settle", [(figure, "strong"), (f", {terms}", "dim")])]
        said = wrap(one_line(terms, 200), room)[:2] if terms else []
        return [("" if at else "decided", [(part, "dim")]) for at, part in enumerate(said)]

    def _told(self, run: Run) -> list[tuple[str, Row]]:
        """Of the story that the agent heard most of, and of the vault."""
        if not run.revealed and not run.bits:
            return []
        most = max(run.revealed.values(), default=0.0)
        return [("told", [(percent(most), "text"), (f" of a story, {run.bits:.0f} bits of vault", "dim")])]

    def _history(self, run: Run, width: int, height: int) -> list[Row]:
        """The newest judged passes: both sets with their intervals, and the bound that ships."""
        passes = [item for item in run.passes if item.vault or item.feedback][-_PASSES:]
        bar = min(_BARS[1], (width - 42) // 2)
        if bar < _BARS[0] or len(passes) < 2 or height < 4:
            return []
        head = f"  {'pass':<6}{'feedback':<{bar + 14}}{'vault':<{bar + 14}}bound"
        found: list[Row] = [[], [(head, "dim")]]
        for item in passes[-(height - 2) :]:
            row: Row = [(f"  {item.number:>4}  ", "dim")]
            for one in (item.feedback, item.vault):
                row += self._interval(one, run, bar) if one else [(" " * (bar + 14), "text")]
            low = "" if item.ship_low is None else percent(item.ship_low)
            found.append([*row, (right(low, 5), "text")])
        return found

    def _interval(self, one: Satisfaction, run: Run, bar: int) -> Row:
        return [
            (left(interval(one), 12), "text"),
            *span_bar(one.low, one.high, run.ship_at, bar, self.glyphs),
            ("  ", "text"),
        ]

    def _took(self, run: Run) -> Row:
        end = run.moved_at if run.state in ("shipped", "stopped", "failed") else self.console_app.clock()
        return [
            (duration((end - run.queued_at) / 1000), "text"),
            (f"  {run.steps} steps  ", "dim"),
            (money(run.burn.money), "text"),
            (f" of {money(run.cap)}" if run.cap is not None else "", "dim"),
        ]
