"""Whether a run goes round in circles: what its passes say, and the evidence in words.

Pure: passes in, a jam out. It knows no journal, no clock and no way to ask. The evidence is for people and never
reaches the agent; it names no story of the vault all the same, for whoever reads it may be about to tell the agent
something.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from factory_tui.domain.events import Flips, ScenarioSet, VerdictReached
from factory_tui.domain.hostile import one_line
from factory_tui.domain.state import Pass

PERIODS = (2, 3)
"""Passes after which a cycle comes round again; one that comes round at once is dead."""
ROUNDS = 2
"""How often it has to: fewer may be chance, or a bad try taken back."""
SETS: tuple[ScenarioSet, ...] = ("vault", "feedback")
SAID = 300
"""Characters of what a person said that evidence quotes."""
TWIN_SHARE = 0.25
"""Of the verdicts that decide, two at least, void by a twin's fault: less may be a request that nobody else makes."""
COIN = 0.3
"""Part of the pairs of judgements that flip from which on no number of judges makes much of a verdict."""
_NO_VISIT = frozenset({"no visit"})
Failing = frozenset[str] | None
"""Stories of the feedback set that a pass failed; None where it came to no visit."""


Kind = Literal["dead", "stalled", "oscillating", "overfit", "judge-noise", "twin-fault"]
Found = tuple[Kind, str] | None


class Jam(msgspec.Struct, frozen=True):
    """Why a run cannot go on by itself."""

    kind: Kind
    why: str
    evidence: str
    since: int = 0
    """The pass after which nothing got better."""


def classify(
    passes: Sequence[Pass],
    *,
    feedback: Collection[str],
    trees: Mapping[int, str],
    stall_after: int,
    rested: int = 0,
    level: float = 0.0,
    doubted: str = "",
) -> Jam | None:
    """What is the matter with a run whose next pass would begin now; None when it may go on by itself.

    `passes` are those of the conversation of now, all ended and unsatisfied. `trees` has git's name of each pass's
    work tree, `feedback` the names of the stories that the agent is told of. `rested` is the number of the pass after
    which somebody let the run go on without a word, or another model took over: it is given as many passes again.
    `level` is the chance of an overfit gap below which one pass's look at it takes it to be real. `doubted` is why the
    judges of its stories cannot be gone by: what is flat by such may not be.
    """
    if not passes or passes[-1].faults:  # what came of that tells nothing
        return None
    passes = [item for item in passes if not item.faults]
    alike = [item for item in passes if item.revision == passes[-1].revision]
    found = _dead(alike, trees)
    if found is None:
        window = [item for item in alike if item.number > rested]
        found = (
            _comes_back(window, trees)
            or _overfit(window, feedback, stall_after, level)
            or _stalled(window, feedback, stall_after, trees)
            or _fails_in_turn(window, feedback)
        )
    if found is None:
        return None
    if doubted and found[0] == "stalled":
        found = "judge-noise", f"{doubted}; {found[1]}"
    return Jam(*found, evidence(passes, feedback=feedback, trees=trees), flat_since(alike))


def twin_fault(visits: Sequence[Sequence[VerdictReached]], decides: bool = False) -> Jam | None:
    """What is the matter with a run whose newest visit just ended: a twin breaks, and it is no use to go on.

    `visits` are the verdicts of each, oldest first. One that came to no verdict at all is enough; else two in a row
    that lost a good part of theirs: what a product asks may break a twin, and what it fails would be left out. Any are
    too many where a ship `decides` by them: where it would not ship had those failed.
    """
    last = [[item for item in visit if item.set == "vault"] or list(visit) for visit in visits[-2:]]
    lost = [[item for item in some if item.twin] for some in last]
    if not any(lost) or not (lost[-1] or decides):
        return None
    nothing = all(item.satisfied is None for item in last[-1])
    often = len(last) == 2 and all(
        len(gone) >= max(2, TWIN_SHARE * len(some)) for gone, some in zip(lost, last, strict=True)
    )
    if not nothing and not often and not decides:
        return None
    name, number = next((gone[-1].twin, gone[-1].number) for gone in reversed(lost) if gone)
    shares = [f"{len(gone)} of {len(some)} verdicts that decide" for some, gone in zip(last, lost, strict=True)]
    why = f"the twin {name} breaks: {shares[-1]} on pass {number} are void by it"
    if decides and not nothing and not often:
        gone, some = sum(map(len, lost)), sum(map(len, last))
        why = f"the twin {name} breaks: pass {number} ships but for {gone} of {some} verdicts that are void by it"
    told = [
        f"visit {some[0].visit} of pass {some[0].number}: {share} void by a twin"
        for some, share in zip(last, shares, strict=True)
    ]
    shown = next((item for item in reversed(visits[-1]) if item.twin and item.set == "feedback"), None)
    if shown:
        told += [f"{shown.scenario} #{shown.index}:", shown.evidence[: SAID * 5]]
    else:
        told.append("what it was asked then is in the vault's verdicts (factory-tui show, or the run's screen)")
    return Jam("twin-fault", why, "\n".join(told), number - 1)


def flat_since(passes: Sequence[Pass]) -> int:
    """The newest pass that did better than all before it; the first one where none did."""
    better = [item.number for at, item in enumerate(passes) if at and _rises(passes[:at], [item])]
    return better[-1] if better else passes[0].number


def evidence(passes: Sequence[Pass], *, feedback: Collection[str], trees: Mapping[int, str]) -> str:
    """A line for each pass, and one for each thing that a person said in it: who, what, and whether it helped."""
    return "\n".join(_told(passes, feedback, trees))


def _told(passes: Sequence[Pass], feedback: Collection[str], trees: Mapping[int, str]) -> Iterator[str]:
    before: Pass | None = None
    for item in passes:
        failing = failed(item, feedback)
        parts = [f"pass {item.number}: {_shares(item)}"]
        if failing is not None:
            parts.append(f"failed {_names(failing)}" if failing else "failed no story that it is told of")
        if item.faults:
            parts.append(f"judged while operators had {', '.join(item.faults)}, which tells nothing")
        if before and trees.get(item.number) and trees.get(item.number) == trees.get(before.number):
            parts.append("changed no file")
        yield "; ".join(parts)
        helped = before is not None and _better(item, before, feedback)
        for said in item.guidance:
            came = "after that it did better" if helped else "it did not help"
            yield f"  {said.by} said ({said.origin}): {one_line(said.text)[:SAID]} -- {came}"
        before = item


def failed(item: Pass, feedback: Collection[str]) -> Failing:
    """The stories of the feedback set that the pass failed at least once."""
    if item.feedback is None:
        return None
    return frozenset(name for name, tally in item.tallies.items() if tally.unsatisfied and name in feedback)


def _dead(passes: Sequence[Pass], trees: Mapping[int, str]) -> Found:
    for before, last in pairwise(passes[-2:]):
        if trees.get(last.number) and trees.get(last.number) == trees.get(before.number):
            return "dead", f"pass {last.number} changed no file, though it was told what is wrong"
    return None


def _comes_back(passes: Sequence[Pass], trees: Mapping[int, str]) -> Found:
    """Outputs that are byte for byte those of some passes ago, all along: whatever they were judged by chance."""
    for period in PERIODS:
        last = passes[-period * ROUNDS :]
        made = [trees.get(item.number, "") for item in last]
        if len(made) == period * ROUNDS and all(made) and made[:period] * ROUNDS == made:
            ways = "two" if period == 2 else "three"
            return "oscillating", f"passes {last[0].number} to {last[-1].number} have the same {ways} outputs in turn"
    return None


def _overfit(passes: Sequence[Pass], feedback: Collection[str], stall_after: int, level: float) -> Found:
    """It satisfies what its agent is told of, and that by more than chance; the vault does not get better.

    Nothing is said of passes with void verdicts, since which of them are missing may be no chance, nor of such whose
    judges toss coins.
    """
    last = passes[-stall_after:]
    if sum((item.flips for item in last), Flips()).rate > COIN or any(
        tally.void for item in last for tally in item.tallies.values()
    ):
        return None
    if len(last) < stall_after or (gap := last[-1].gap) is None or _failing(last[-1], feedback):
        return None
    if gap.chance >= level or any(_share(item, "vault") > _share(last[0], "vault") for item in last[1:]):
        return None
    said = (
        f"pass {last[-1].number} satisfies what its agent is told of, {gap.share * 100:.0f} points more than the vault"
    )
    return "overfit", f"{said}, which did not rise in {len(last)} passes (p {gap.chance:.1g})"


def _stalled(passes: Sequence[Pass], feedback: Collection[str], stall_after: int, trees: Mapping[int, str]) -> Found:
    last = passes[-stall_after:]
    if len(last) < stall_after or len({_failing(item, feedback) for item in last}) > 1 or _rises(last[:1], last[1:]):
        return None
    failing = failed(last[-1], feedback)
    if failing is None:
        return "stalled", f"{len(last)} passes in a row came to no visit: a checkpoint went on failing"
    stories = f"failed the same stories ({_names(failing)})" if failing else "failed stories of the vault alone"
    flat = f"{len(last)} passes in a row {stories}, and satisfaction did not rise"
    made = trees.get(last[-1].number, "")
    again = next((item.number for item in last[:-1] if made and trees.get(item.number) == made), None)
    if again is not None:
        return "oscillating", f"pass {last[-1].number} has the very files of pass {again}; {flat}"
    return "stalled", flat


def _fails_in_turn(passes: Sequence[Pass], feedback: Collection[str]) -> Found:
    """Each output mends what the one before broke, and breaks what that one had mended.

    A story counts that fails at one place of every round and is satisfied at another; where it now does and now does
    not, it is chance. A pass that failed it as often as not fits both.
    """
    for period in PERIODS:
        last = passes[-period * ROUNDS :]
        if len(last) < period * ROUNDS or _rises(last[:-1], last[-1:]):
            continue
        places = [[_mostly(item, feedback) for item in last[at::period]] for at in range(period)]
        fails = [frozenset[str]().union(*(bad for bad, _ in place)) for place in places]
        holds = [frozenset[str]().union(*(good for _, good in place)) for place in places]
        turning = frozenset[str]().union(*(good - bad for bad, good in zip(fails, holds, strict=True)))
        turns = [(bad - good) & turning for bad, good in zip(fails, holds, strict=True)]
        if all(one - other and other - one for one, other in pairwise([*turns, turns[0]])):
            said = ", then ".join(map(_names, turns))
            return "oscillating", f"passes {last[0].number} to {last[-1].number} fail in turn: {said}"
    return None


def _mostly(item: Pass, feedback: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The stories that it failed more often than not, and those that it satisfied more often than not."""
    if item.feedback is None:
        return _NO_VISIT, frozenset(feedback)
    more = {name: tally.unsatisfied - tally.satisfied for name, tally in item.tallies.items() if name in feedback}
    good = frozenset(name for name, by in more.items() if by < 0)
    return frozenset(name for name, by in more.items() if by > 0), good | _NO_VISIT


def _failing(item: Pass, feedback: Collection[str]) -> Failing:
    """Those that failed at least as often as not: once in many is chance more often than a change."""
    if item.feedback is None:
        return None
    tallies = ((name, tally) for name, tally in item.tallies.items() if name in feedback and tally.unsatisfied)
    return frozenset(name for name, tally in tallies if tally.unsatisfied >= tally.satisfied)


def _rises(before: Iterable[Pass], after: Iterable[Pass]) -> bool:
    """Whether a satisfaction is above all that came before it."""
    then, now = list(before), list(after)
    return any(
        max((_share(item, name) for item in now), default=-1.0)
        > max((_share(item, name) for item in then), default=1.0)
        for name in SETS
    )


def _better(item: Pass, before: Pass, feedback: Collection[str]) -> bool:
    now, then = failed(item, feedback), failed(before, feedback)
    return _rises([before], [item]) or (now is not None and (then is None or now < then))


def _share(item: Pass, name: ScenarioSet) -> float:
    found = item.vault if name == "vault" else item.feedback
    return -1.0 if found is None else found.share


def _shares(item: Pass) -> str:
    if item.vault is None or item.feedback is None:
        return "not judged"
    return f"vault {item.vault.share:.2f}, feedback {item.feedback.share:.2f}"


def _names(stories: Iterable[str]) -> str:
    return ", ".join(sorted(stories))
