"""An event in the operator's words: the run screen and the plain log print these lines and no others.

Pure. All text that others wrote goes through `one_line` here, whatever happened to it before.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from factory_tui.console.figures import ahead, count, duration, interval, moment, money, percent, plural, size, stamp
from factory_tui.console.floor_trace import OF_THE_FLOOR, Said
from factory_tui.console.glyphs import LAMPS, Tone
from factory_tui.console.wording import labels
from factory_tui.domain import events as e
from factory_tui.domain.gauges import lacks
from factory_tui.domain.hostile import clean, one_line

TEXT = 400
"""Characters of one trace line, at most."""
ANSWER_LINES = 12
OUTPUT_LINES = 3
COMMAND = 60
"""Characters of a checkpoint's command that are shown."""


class Line(msgspec.Struct, frozen=True):
    """One line of a trace. `who` is the part of the factory that speaks."""

    at: int
    run: str
    who: str
    tone: Tone
    text: str
    seq: int = 0
    """Of its event."""
    nth: int = 0
    """Among the lines of its event."""
    call: str = ""
    """The tool call that it is of, if any."""

    @property
    def key(self) -> tuple[int, int]:
        """Its place in the trace, which does not change."""
        return self.seq, self.nth


_TOOLS = {"str_replace_based_edit_tool": "edit", "str_replace_editor": "edit"}
_DECISIONS: dict[str, Tone] = {"ship": "good", "confirm": "running", "unsatisfied": "bad"}


def lines(event: e.Event) -> tuple[Line, ...]:
    """What this event says; nothing for facts that a reader does not need (reservations, trajectory cells)."""
    say = _SAY.get(type(event.fact))
    if say is None:
        return ()
    call = event.fact.call if isinstance(event.fact, e.ToolCalled | e.ToolReturned) else ""
    return tuple(
        Line(event.at, event.run, who, tone, one_line(text, TEXT), event.seq, nth, call)
        for nth, (who, tone, text) in enumerate(say(event, event.fact))
    )


def _reseeded(_event: e.Event, fact: e.RunReseeded) -> Said:
    yield "run", "waits", f"the next pass uses seed revision {fact.revision[:8]}"


def _restarted(_event: e.Event, fact: e.RunRestarted) -> Said:
    yield "run", "waits", f"begins anew from {f'pass {fact.number}' if fact.number else 'nothing'}"


def _forked(_event: e.Event, fact: e.RunForked) -> Said:
    yield "run", "text", f"forked from pass {fact.number} of {fact.origin}: begins with snapshot {fact.commit[:8]}"


def _climbed(_event: e.Event, fact: e.RungClimbed) -> Said:
    yield "run", "waits", f"goes on with model {fact.model} in place of {fact.before}: {fact.why}"


def _leak_found(_event: e.Event, fact: e.LeakFound) -> Said:
    yield "fence", "bad", f"{fact.where} holds {', '.join(fact.what)}: kept from the agent, and no pass by now ships"


def _leak_released(event: e.Event, _fact: e.LeakReleased) -> Said:
    yield "fence", "waits", f"released by {event.actor}: what was found may reach the agent, and no pass by then ships"


def _queued(_event: e.Event, fact: e.RunQueued) -> Said:
    cap = f"cap {money(fact.cap)}" if fact.cap is not None else "no cap"
    vault = sum(1 for _, kind in fact.scenarios if kind == "vault")
    said = labels(fact.ledger, fact.unfenced)
    yield (
        "run",
        "text",
        f"queued: seed {fact.seed} at {fact.revision[:8]}, loop {fact.loop}, model {fact.model}, owner {fact.owner}, "
        f"{cap}, {len(fact.scenarios) - vault} feedback and {vault} vault scenarios{f', {said}' if said else ''}",
    )


def _moved(_event: e.Event, fact: e.RunMoved) -> Said:
    reason = f" ({fact.reason})" if fact.reason else ""
    why = f": {fact.why}" if fact.why else ""
    back = f"; comes back by itself at {stamp(fact.retry_at)}" if fact.retry_at else ""
    yield "run", LAMPS[fact.state], f"{fact.state}{reason}{why}{back}"


def _entered(_event: e.Event, fact: e.NodeEntered) -> Said:
    again = f", attempt {fact.attempt}" if fact.attempt > 1 else ""
    yield "loop", "dim", f"enters {fact.node}, visit {fact.visit}{again}"


def _left(_event: e.Event, fact: e.NodeLeft) -> Said:
    if fact.status == "success" and not fact.why:
        return
    tone: Tone = "bad" if fact.status == "fail" else "dim"
    to = f", on to {fact.to}" if fact.to else ""
    yield "loop", tone, f"{fact.node} {fact.status.replace('_', ' ')}{to}{f': {fact.why}' if fact.why else ''}"


def _pass_began(_event: e.Event, fact: e.PassBegan) -> Said:
    yield "pass", "running", f"pass {fact.number} begins, seed revision {fact.revision[:8]}"


def _pass_ended(_event: e.Event, fact: e.PassEnded) -> Said:
    yield "pass", "text", f"pass {fact.number} ends: {_measured(fact.feedback, fact.vault)}"


def _measured(feedback: e.Satisfaction | None, vault: e.Satisfaction | None) -> str:
    parts = [f"{name} {interval(item)}" for name, item in (("feedback", feedback), ("vault", vault)) if item]
    return ", ".join(parts) or "not measured"


def _snapshot(_event: e.Event, fact: e.SnapshotTaken) -> Said:
    yield "pass", "dim", f"snapshot {fact.commit[:8]}: {plural(fact.files, 'file')}, {size(fact.size)}"


def _work_kept(_event: e.Event, fact: e.WorkKept) -> Said:
    yield "cell", "dim", f"work kept as of step {fact.step}: {plural(fact.files, 'file')}, {size(fact.size)}"


def _cell_started(_event: e.Event, fact: e.CellStarted) -> Said:
    if fact.role == "agent":
        fence = "fenced" if fact.fenced else "UNFENCED"
        made = f", image {fact.image}" if fact.image else ""
        yield "cell", "dim", f"{fact.kind} cell up in {duration(fact.seconds)}, {fence}{made}"


def _cell_closed(_event: e.Event, fact: e.CellClosed) -> Said:
    if fact.lost:
        yield "cell", "bad", f"cell {fact.cell} lost{f': {fact.why}' if fact.why else ''}"


def _cell_lacked(_event: e.Event, fact: e.CellLacked) -> Said:
    yield "cell", "bad", lacks(fact.what, fact.limit, fact.where)


def _image_logged(_event: e.Event, fact: e.ImageLogged) -> Said:
    if fact.left_out:
        yield "image", "dim", f"({plural(fact.left_out, 'line')} left out)"
    for line in clean(fact.text).splitlines():
        yield "image", "text" if line.startswith(("Step ", "building ", "pulling ")) else "dim", line


def _image_ready(_event: e.Event, fact: e.ImageReady) -> Said:
    yield "image", "good", f"{fact.image} ready in {duration(fact.seconds)}"


def blocks(content: str) -> list[dict[str, Any]]:
    """Of a message; what is no list of them is one text."""
    try:
        found = msgspec.json.decode(content.encode())
    except (msgspec.DecodeError, UnicodeEncodeError):
        return [{"type": "text", "text": content}]
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _prompted(_event: e.Event, fact: e.Prompted) -> Said:
    text = "\n".join(str(item.get("text", "")) for item in blocks(fact.content) if item.get("type") == "text")
    head = [line for line in clean(text).splitlines() if line.strip()]
    if not head:
        return
    if fact.origin == "seed":
        yield "prompt", "text", f"the seed, {count(len(text))} characters: {head[0]}"
        return
    yield "prompt", "waits", f"{fact.origin}: {head[0]}"
    for line in head[1:ANSWER_LINES]:
        yield "prompt", "waits", line


def _rebuilt(_event: e.Event, fact: e.ConversationRebuilt) -> Said:
    yield (
        "prompt",
        "waits",
        f"conversation rebuilt from the seed, the tree, a summary and what was said last: {count(fact.before)} of "
        f"{count(fact.window)} tokens before, about {count(fact.after)} after",
    )


def _call(fact: e.CallSettled) -> str:
    if fact.purpose == "judge":  # no step of the agent's
        return "a judgement"
    return f"step {fact.step}{', a summary' if fact.purpose == 'summary' else ''}"


def _settled(_event: e.Event, fact: e.CallSettled) -> Said:
    used = f"{count(fact.tokens.total)} tokens, {money(fact.money)}"
    if fact.outcome == "answered":
        yield "model", "dim", f"{_call(fact)}: {used} in {duration(fact.seconds)}"
    else:
        yield (
            "model",
            "bad",
            f"{_call(fact)} {fact.outcome.replace('-', ' ')}, {used}{f': {fact.why}' if fact.why else ''}",
        )


def _answered(_event: e.Event, fact: e.Answered) -> Said:
    text = "\n".join(str(item.get("text", "")) for item in blocks(fact.content) if item.get("type") == "text")
    said = [line for line in clean(text).splitlines() if line.strip()]
    for line in said[:ANSWER_LINES]:
        yield "agent", "text", line
    if len(said) > ANSWER_LINES:
        yield "agent", "dim", f"{len(said) - ANSWER_LINES} more lines"
    if fact.stop_reason not in ("end_turn", "tool_use"):
        yield "agent", "bad", f"stopped: {fact.stop_reason}"


def _disputed(_event: e.Event, fact: e.Disputed) -> Said:
    yield "agent", "asks", f"disputes what it is asked for: {fact.text}"


def _tool_called(_event: e.Event, fact: e.ToolCalled) -> Said:
    yield "tool", "running", f"{_TOOLS.get(fact.tool, fact.tool)}  {fact.brief}"


def _tail(output: str) -> list[str]:
    return [line for line in clean(output).splitlines() if line.strip()][-OUTPUT_LINES:]


def _tool_returned(_event: e.Event, fact: e.ToolReturned) -> Said:
    wrong = fact.failed or bool(fact.exit)
    end = f"exit {fact.exit} in {duration(fact.seconds)}" if fact.exit is not None else f"{duration(fact.seconds)}"
    tail = _tail(fact.output)
    if not wrong:
        yield "tool", "dim", f"{end}{f': {tail[-1]}' if tail else ''}"
        return
    yield "tool", "bad", f"{end if fact.exit is not None else 'failed'}{f': {tail[0]}' if tail else ''}"
    for line in tail[1:]:
        yield "tool", "bad", line


def _checkpoint(_event: e.Event, fact: e.CheckpointRan) -> Said:
    command = one_line(fact.command, COMMAND)
    if fact.passed:
        yield "check", "good", f"{fact.node} passed in {duration(fact.seconds)}: {command}"
        return
    yield "check", "bad", f"{fact.node} failed, exit {fact.exit}: {command}"
    for line in _tail(fact.output):
        yield "check", "bad", line


def _visit_began(_event: e.Event, fact: e.VisitBegan) -> Said:
    yield "harness", "running", f"{fact.kind} of pass {fact.number}: {fact.trajectories} trajectories in fresh cells"


def _judged(_event: e.Event, fact: e.Judged) -> Said:
    head = f"{fact.scenario} #{fact.index}, judgement {fact.nth} of at most {fact.panel}"
    if fact.satisfied is None:
        yield "judge", "bad", f"{head}: none: {fact.rationale}"
        return
    yield "judge", "dim", f"{head}: probability {fact.probability:.2f}: {fact.rationale}"


def _verdict(_event: e.Event, fact: e.VerdictReached) -> Said:
    spoilt = f" ({', '.join(fact.faults)} by hand)" if fact.faults else ""
    name = f"{fact.scenario} #{fact.index}{spoilt}"
    if fact.satisfied:
        yield "verdict", "good", f"{name} satisfied"
        return
    evidence = f": {fact.evidence}" if fact.evidence else ""
    if fact.satisfied is None:
        yield "verdict", "idle", f"{name} void{evidence}"
        return
    near = f", near miss {percent(fact.near_miss)}" if fact.near_miss else ""
    yield "verdict", "bad", f"{name} not satisfied{near}{evidence}"


def _visit_ended(_event: e.Event, fact: e.VisitEnded) -> Said:
    yield (
        "harness",
        _DECISIONS[fact.decision],
        f"{fact.kind} of pass {fact.number}: {_measured(fact.feedback, fact.vault)}, ship bound "
        f"{percent(fact.ship_low)}; {fact.decision}: {fact.why}",
    )


def _revealed(_event: e.Event, fact: e.Revealed) -> Said:
    most = max(fact.told.values(), default=0.0)
    yield "harness", "dim", f"told by now: up to {percent(most)} of a feedback story, {fact.bits:g} bits of the vault"


def _raised(_event: e.Event, fact: e.EscalationRaised) -> Said:
    kind = f"jam ({fact.jam})" if fact.jam else fact.kind
    choices = f" [{', '.join(fact.choices)}]" if fact.choices else ""
    yield "ask", "asks", f"{fact.id} {kind} for {fact.to}: {fact.question}{choices}"


def _passed_on(_event: e.Event, fact: e.EscalationPassedOn) -> Said:
    yield "ask", "asks", f"{fact.id} was not answered in time, and is for {fact.to} now"


def _escalation_answered(event: e.Event, fact: e.EscalationAnswered) -> Said:
    if fact.expired:
        yield "ask", "waits", f"{fact.id} expired: nobody answered in time, and policy refused it: {fact.choice}"
    else:
        yield "ask", "good", f"{fact.id} answered by {event.actor}: {fact.choice} {fact.text}"


def _snoozed(event: e.Event, fact: e.Snoozed) -> Said:
    if fact.until:
        yield "ask", "dim", f"{fact.item} snoozed by {event.actor} until {moment(fact.until)}"
    else:
        yield "ask", "asks", f"{fact.item} is not snoozed any more"


def _expiry_set(event: e.Event, fact: e.ExpirySet) -> Said:
    until = f"expires at {ahead(fact.at, event.at)}" if fact.at else "does not expire"
    yield "ask", "text", f"{fact.id} {until}, says {event.actor}"


def _shipped(_event: e.Event, fact: e.Shipped) -> Said:
    promoted = f", and to {fact.promoted}" if fact.promoted else ""
    yield "ship", "good", f"shipped to {fact.path}, commit {fact.commit[:8]}{promoted}"


_SAY: dict[type, Callable[[e.Event, Any], Said]] = {
    **OF_THE_FLOOR,
    e.RunReseeded: _reseeded,
    e.RunRestarted: _restarted,
    e.RunForked: _forked,
    e.RungClimbed: _climbed,
    e.LeakFound: _leak_found,
    e.LeakReleased: _leak_released,
    e.RunQueued: _queued,
    e.RunMoved: _moved,
    e.NodeEntered: _entered,
    e.NodeLeft: _left,
    e.PassBegan: _pass_began,
    e.PassEnded: _pass_ended,
    e.SnapshotTaken: _snapshot,
    e.WorkKept: _work_kept,
    e.CellStarted: _cell_started,
    e.CellClosed: _cell_closed,
    e.CellLacked: _cell_lacked,
    e.ImageLogged: _image_logged,
    e.ImageReady: _image_ready,
    e.ConversationRebuilt: _rebuilt,
    e.Prompted: _prompted,
    e.CallSettled: _settled,
    e.Answered: _answered,
    e.Disputed: _disputed,
    e.ToolCalled: _tool_called,
    e.ToolReturned: _tool_returned,
    e.CheckpointRan: _checkpoint,
    e.VisitBegan: _visit_began,
    e.Judged: _judged,
    e.VerdictReached: _verdict,
    e.VisitEnded: _visit_ended,
    e.Revealed: _revealed,
    e.EscalationRaised: _raised,
    e.EscalationPassedOn: _passed_on,
    e.EscalationAnswered: _escalation_answered,
    e.Snoozed: _snoozed,
    e.ExpirySet: _expiry_set,
    e.Shipped: _shipped,
}
