"""Floors with many runs: every state, seeds and figures that differ."""

from decimal import Decimal
from functools import cache

from factory_tui.domain import events as e
from factory_tui.domain.events import Event, RunState
from factory_tui.domain.money import Tokens
from tests.console import story

SEEDS = ("checkout", "invoices", "webhooks", "search", "exports")
STATES: tuple[RunState, ...] = ("running", "jammed", "paused", "held", "shipped", "queued", "failed", "stopped")


def burned(dollars: Decimal) -> list[e.AnyFact]:
    """A call that costs so much."""
    return [
        e.CallReserved(1, 1, "m", "agent", dollars),
        e.CallSettled(1, 1, Tokens(4_000, 900, 0, 30_000), dollars, dollars, 2.0, "answered"),
    ]


@cache
def crowd(number: int) -> list[Event]:
    """So many runs, one state after the other; each has burned, judged and waited differently."""
    teller = story.Teller()
    teller.say("", e.EngineStarted("0.1.0", 4242, "plant", "docker", True, seeds=SEEDS, slots=4))
    for index in range(number):
        seed, state = SEEDS[index % len(SEEDS)], STATES[index % len(STATES)]
        tale = story.Tale(teller, f"{seed}-{index + 1}", story.ORDERS)
        tale.queued(seed, "live")
        tale.say(e.PassBegan(1, "9f3c1a7e55d0"))
        tale.say(*burned(Decimal((index * 37) % 90 + 1) / 10), after=(index * 13) % 7 + 1)
        if index % 3:
            tale.enter("harness")
            tale.look(
                1, "screen", {"bad-encoding": (index % 5) / 5, "latin-1-names": (index % 4) / 4}, 1, "unsatisfied"
            )
        if state == "jammed":
            question = f"{seed}: the same three stories failed in 4 passes. Which of both is meant?"
            tale.say(e.EscalationRaised(f"E-{index}", "jam", "stalled", "ana", question, ("go on", "stop")))
        if state != "running":
            reason: e.HeldReason | None = "budget" if state == "held" else None
            tale.say(e.RunMoved(state, reason, "its cap is spent" if reason else ""))
    return teller.events
