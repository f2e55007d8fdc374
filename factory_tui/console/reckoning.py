"""Burn's figures in words: what is left to satisfaction and to a cap, how good that was before, who is over a target.

Pure; the screen and the command say the same.
"""

from collections.abc import Callable

from factory_tui.burn.caps import Reach
from factory_tui.burn.outlook import Outlook, Record
from factory_tui.burn.people import Spent, Targets
from factory_tui.burn.trend import Trend
from factory_tui.burn.worth import FEWEST
from factory_tui.config.settings import Settings
from factory_tui.console.figures import count, duration, money, plural
from factory_tui.domain.money import in_tokens

NO_FORECAST = "no forecast yet"


def targets(settings: Settings) -> Targets:
    """What config.toml expects of operators."""
    named = {name: owner.day_target for name, owner in settings.owners.items() if owner.day_target is not None}
    return Targets(settings.policy.day_target, named)


def passes_left(told: Outlook | None) -> str:
    """`2 passes (1-4)`; `no end in sight`; `no forecast yet`."""
    if told is None:
        return NO_FORECAST
    if told.passes is None:
        return "no end in sight"
    if told.least == told.most == told.passes:
        return plural(told.passes, "pass")
    return f"{plural(told.passes, 'pass')} ({told.least}-{'?' if told.most is None else told.most})"


def outlook(told: Outlook | None) -> str:
    """`2 passes (1-4), $0.12, 12m to satisfaction`."""
    found = passes_left(told)
    if told is None or told.passes is None:
        return found
    return f"{found}, {money(told.money)}, {duration(told.took / 1000)} to satisfaction"


def record(kept: Record | None) -> str:
    """How good such words were: medians of how wrong they were, and how often they were wrong altogether."""
    if kept is None:
        return "none could be held against what came yet"
    said = []
    if kept.count:
        off = f"{kept.passes:g} {'pass' if kept.passes == 1 else 'passes'}, {money(kept.money)}"
        said.append(f"off by {off}, {duration(kept.took / 1000)} (median of {kept.count})")
        said.append(f"interval held in {kept.inside}")
    if kept.never:
        said.append(f"{kept.never} saw an end that never came")
    if kept.unseen:
        said.append(f"{kept.unseen} saw none, and it came")
    return "; ".join(said)


def reach(told: Reach) -> str:
    """When a cap is reached: `in 3h`, `reached`, `not today`, `not at this rate`, `no rate now`."""
    if told.after == 0:
        return "reached"
    if told.after is not None:
        return f"in {duration(told.after / 1000)}"
    if not told.rated:
        return "no rate now"
    return "not today" if told.cap.startswith("day") else "not at this rate"


def lateness(told: Reach) -> str:
    """`off by 4m (median of 12)`; empty where nothing is known."""
    return "" if told.error is None else f"off by {duration(told.error / 1000)} (median of {told.moments})"


def amount(told: Reach) -> str:
    """`$3.20 of $10.00`, `1.2M of 5.0M tokens`."""
    if in_tokens(told.cap):
        return f"{count(float(told.spent))} of {count(float(told.amount))} tokens"
    return f"{money(told.spent)} of {money(told.amount)}"


def against(one: Spent) -> str:
    """`$3.20 under $25.00`; `no target`."""
    if one.over is None or one.target is None:
        return "no target"
    if one.over == 0:
        return f"at {money(one.target)}"
    return f"{money(abs(one.over))} {'over' if one.over > 0 else 'under'} {money(one.target)}"


def goes(of: Trend | None, noun: str, figure: Callable[[float], str]) -> str:
    """`passes fall by 0.5 a run (tau -0.71, p 0.01, 8 runs)`; what may be chance is called that."""
    known = of.count if of else 1
    if of is None or known < FEWEST:
        return f"{noun}: {plural(known, 'run')} {'tells' if known == 1 else 'tell'} nothing, {FEWEST} may"
    told = f"tau {of.tau:+.2f}, p {of.chance:.2g}, {of.count} runs"
    if not of.goes:
        return f"{noun}: no trend beyond chance ({told})"
    by = f" by {figure(abs(of.slope))} a run" if of.slope else ""
    return f"{noun} {'fall' if of.tau < 0 else 'rise'}{by} ({told})"
