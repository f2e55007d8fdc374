"""What the generator is told after a pass: symptoms of the feedback set, one number of the vault.

Text made from verdicts alone, the same for the same verdicts, so that a resumed run says it again and rehearsal
playbooks can match it; docs/scenarios.md fixes its shape. Nothing of a vault scenario, not even its name, enters it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory_tui.domain.faults import words
from factory_tui.domain.hostile import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from factory_tui.domain.events import Satisfaction, VerdictReached
    from factory_tui.domain.state import Tally
    from factory_tui.harness.corpus import Corpus
    from factory_tui.harness.shapes import Scenario
    from factory_tui.harness.trajectory import Trajectory

EVIDENCE = 4000
"""Characters of one verdict's evidence."""
BUDGET = 12_000
"""Characters of all symptoms of a pass."""
STEPS = 6
"""Steps before the deciding one that evidence shows."""


def evidence(trajectory: Trajectory, canary: str = "") -> str:
    """A verdict's evidence: what was done, what was wanted, what came back. Cleaned of control sequences."""
    if trajectory.satisfied:
        lines = ["as wanted"]
    else:
        lines = [f"did: {step.asked} -> {step.answered}" for step in trajectory.steps[:-1][-STEPS:]]
        lines += [f"then: {step.asked}\ngot: {step.answered}" for step in trajectory.steps[-1:]]
        missed = [check for check in trajectory.checks if not check.met]
        lines += [f"wanted {check.what}: {check.wanted}, observed {check.observed}" for check in missed[:8]]
        lines += [f"and {len(missed) - 8} more were not as wanted"] if len(missed) > 8 else []
        lines += [f"because: {trajectory.why}"] if trajectory.why and not missed else []
        lines += [f"log: {trajectory.logs.strip()}"] if trajectory.logs.strip() else []
    return _evidence(lines, canary)


def judged(transcript: str, why: str, canary: str = "") -> str:
    """The evidence where every act was as wanted, and judges were not content; none gave a judgement: no transcript."""
    shown = [_cut(transcript, EVIDENCE // 2)] if transcript else []
    return _evidence([*shown, f"because: {why}"], canary)


def _evidence(lines: Sequence[str], canary: str) -> str:
    text = _cut(clean("\n".join(lines)), EVIDENCE)
    return f"{text}\n({canary})" if canary else text


def symptoms(
    corpus: Corpus,
    verdicts: Sequence[VerdictReached],
    feedback: Satisfaction,
    vault: Satisfaction,
    *,
    before: Mapping[str, Tally] | None = None,
    budget: int = BUDGET,
) -> str:
    """The message to the generator. `before` holds the tallies of the pass before, to say what got better or worse."""
    told = [item for item in corpus.scenarios if item.set == "feedback"]
    missed: dict[str, list[VerdictReached]] = {}
    for verdict in sorted(verdicts, key=lambda item: item.index):
        if verdict.set == "feedback" and verdict.satisfied is False and not verdict.faults:
            missed.setdefault(verdict.scenario, []).append(verdict)
    spoilt = {one.scenario for one in verdicts if one.set == "feedback" and one.satisfied is False and one.faults}
    spoilt -= missed.keys()
    ran = {verdict.scenario for verdict in verdicts if verdict.set == "feedback" and verdict.satisfied is not None}
    fine = [item.name for item in told if item.name in ran and item.name not in missed.keys() | spoilt]
    old = {name: not tally.unsatisfied for name, tally in (before or {}).items() if tally.satisfied + tally.unsatisfied}
    better = [name for name in fine if old.get(name) is False]
    worse = [name for name in missed if old.get(name) is True]
    head = [
        f"feedback satisfaction {feedback.share:.2f} ({len(fine)} of {len(ran)} stories)",
        f"vault satisfaction {vault.share:.2f}",
        *_faults(verdicts, sorted(spoilt)),
        f"satisfied: {', '.join(fine) or 'none'}",
        *([f"better than before: {', '.join(better)}"] if better else []),
        *([f"worse than before: {', '.join(worse)}"] if worse else []),
    ]
    room = max(300, (budget - sum(map(len, head))) // max(1, len(missed)))
    parts = [_story(corpus[name], missed[name], room) for name in sorted(missed)]
    return "\n\n".join(["\n".join(head), *parts])


def _faults(verdicts: Sequence[VerdictReached], spoilt: Sequence[str]) -> Iterator[str]:
    """What operators had twins do, so that nobody mends what is not broken. That of the vault is not named."""
    if not any(one.faults for one in verdicts):
        return
    told = dict.fromkeys(fault for one in verdicts if one.set == "feedback" for fault in one.faults)
    named = (f"the twin {twin}, which {words(fault)}" for twin, _, fault in (one.partition(" ") for one in told))
    whom = "; ".join(named) or "a service beside it"
    yield f"judged while an operator had something fail on purpose: {whom}. Both figures are under it and do not count"
    if spoilt:
        yield f"failed only then, and not asked of you unless the request says so: {', '.join(spoilt)}"


def _story(scenario: Scenario, missed: Sequence[VerdictReached], room: int) -> str:
    """One unsatisfied story: its nearest miss is the telling one."""
    nearest = max(missed, key=lambda verdict: (verdict.near_miss, -verdict.index))
    story = " ".join(scenario.story.split())
    head = f"unsatisfied: {scenario.name} ({scenario.kind}), near miss {nearest.near_miss:.2f}"
    return _cut(f"{head}\nstory: {story}\n{nearest.evidence}", room)


def _cut(text: str, size: int) -> str:
    """The text with its middle left out where it is longer than that."""
    return text if len(text) <= size else f"{text[: size * 2 // 3]}\n[... cut ...]\n{text[-size // 3 + 16 :]}"
