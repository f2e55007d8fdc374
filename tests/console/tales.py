"""What the workshop and the burn screen tell of: seeds with revisions and problems, and money near a cap."""

import difflib
from decimal import Decimal

from factory_tui.config.prices import BUNDLED
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import Event, ScenarioKind, ScenarioSet
from factory_tui.domain.money import Tokens
from tests.burn import telling
from tests.console import story

OLD, NEW = "9f3c1a7e55d0", "41d0aa93be17"
FIRST = """+++
owner = "ana"
ship_at = 0.80
+++

# Short links

People paste a long address and get a short one. Whoever opens the short one is sent on to the
long one, and every visit is counted.

A link may be told to end at a time.
"""
SECOND = FIRST.replace("to end at a time.", "to end at a time; from then on it answers 410.")
DIFF = "\n".join(
    difflib.unified_diff(
        FIRST.splitlines(), SECOND.splitlines(), "seeds/shortlinks.md", "seeds/shortlinks.md", lineterm=""
    )
)
BAD = 'seeds/orders-etl.md:2: owner: "bea" is no owner of config.toml. Remedy: name one of ana, ben.'


def kind(place: int) -> ScenarioKind:
    return "main" if place % 3 else "edge" if place % 2 else "adversarial"


def known() -> list[Event]:
    """A seed with two revisions, a run on each; one that cannot be used any more; one that was never good."""
    teller = story.Teller()
    told = story.until(e.PassEnded, "shortlinks-1", 2)
    teller.say("", told[0].fact)
    for name, corpus in (("shortlinks", story.SHORTLINKS), ("orders-etl", story.ORDERS)):
        source = FIRST if name == "shortlinks" else FIRST.replace("Short links", "Orders")
        kinds = {scenario: kind(place) for place, (scenario, _) in enumerate(corpus)}
        teller.say("", e.SeedRevised(name, OLD, source), e.CorpusRevised(name, "c0ffee", corpus, kinds))
    teller.say("", e.CorpusConfirmed("shortlinks", OLD), actor="ana")
    for event in told[1:]:
        teller.say(event.run, event.fact)
    teller.say("", e.SeedRevised("shortlinks", NEW, SECOND, DIFF, by_hand=True))
    links = story.Tale(teller, "shortlinks-2", story.SHORTLINKS)
    links.queued("shortlinks")
    links.say(e.RunReseeded(NEW), e.PassBegan(1, NEW))
    teller.say("", e.EditRefused("seeds/orders-etl.md", BAD))
    teller.say("", e.EditRefused("seeds/half.md", "seeds/half.md:1: it has no front matter. Remedy: begin with +++."))
    teller.say(
        "", e.EditRefused("loops/factory.dot", "loops/factory.dot:7: an edge leads nowhere. Remedy: name a node.")
    )
    return teller.events


def benched() -> list[Event]:
    """A seed with all that the workshop tells: twins, a pass under a fault, flaky stories, and a fork with B's seed."""
    teller = story.Teller()
    teller.say("", e.EngineStarted("0.1.0", 4242, "demo", "docker", True, seeds=("checkout", "shortlinks")))
    kinds = {scenario: kind(place) for place, (scenario, _) in enumerate(story.SHORTLINKS)}
    teller.say("", e.SeedRevised("checkout", OLD, FIRST.replace("Short links", "Checkout"), twins=("payments",)))
    teller.say("", e.SeedRevised("shortlinks", OLD, FIRST))
    corpus = e.CorpusRevised(
        "shortlinks",
        "c0ffee",
        story.SHORTLINKS,
        kinds,
        twins=(("mailer", "drift"), ("payments", "faithful")),
        fixed=("huge-body",),
        hosts={"mailer": "smtp.example", "payments": "api.payments.example"},
        fidelity={
            "mailer": "newer recordings disagree (june.har): 41 of 48 recorded exchanges match (85%), 2026-11-02",
            "payments": "60 of 61 recorded exchanges match (98%), 2026-11-20",
        },
        reviewed=dict.fromkeys((name for name, _ in story.SHORTLINKS[:4]), OLD),
    )
    teller.say("", corpus)
    one = story.Tale(teller, "shortlinks-1", story.SHORTLINKS)
    one.queued("shortlinks")
    chances = (0.0, 0.3, 0.5, 0.8)
    for number, chance in enumerate(chances, 1):
        one.say(e.PassBegan(number, OLD), *call(number))
        one.checks(number)
        bad = dict.fromkeys(("expires", "counts-visits", "expired-is-gone", "count-under-load"), chance)
        one.look(number, "screen", bad, 3, "unsatisfied")
    one.say(e.Revealed(4, {"expires": 0.61, "counts-visits": 0.22}, 26.6))
    teller.say("shortlinks-1", e.CommandTaken("01", c.SetFault("shortlinks-1", "payments", "429")), actor="ana")
    one.say(e.PassBegan(5, OLD), *call(5))
    one.checks(5)
    one.faults = ("payments 429",)
    one.look(5, "screen", {"expires": 0.0, "custom-code": 0.0}, 2, "unsatisfied")
    teller.say("", e.SeedRevised("shortlinks", NEW, SECOND, DIFF, by_hand=True))
    two = story.Tale(teller, "shortlinks-2", story.SHORTLINKS)
    two.queued("shortlinks")
    two.say(e.RunForked("shortlinks-1", 4, "4b7e90c4"), e.RunReseeded(NEW), e.PassBegan(1, NEW), *call(1))
    two.checks(1)
    two.look(1, "screen", {"count-under-load": 0.7}, 3, "unsatisfied")
    return teller.events


def call(step: int) -> list[e.AnyFact]:
    tokens = Tokens(100_000, 40_000, 100_000, 428_330)
    paid = BUNDLED["claude-sonnet-4-5"].cost(tokens)
    return [
        e.CallReserved(step, 1, "claude-sonnet-4-5", "agent", Decimal("1.5")),
        e.CallSettled(step, 1, tokens, paid, Decimal("1.5"), 2.0, "answered"),
    ]


def spent() -> list[Event]:
    """Two rehearsals, a live run near its cap with a call in flight, and one that has burned nothing."""
    teller = story.Teller()
    for event in story.tell():
        teller.say(event.run, event.fact, after=2.0)
    live = story.Tale(teller, "ledger-1", story.ORDERS)
    live.queued("ledger", "live")
    step = 0
    for number in (1, 2):
        live.say(e.PassBegan(number, "9f3c1a7e55d0"))
        for _ in range(3):
            step += 1
            live.say(*call(step), after=50)
    live.say(e.CallReserved(step + 1, 1, "m", "agent", Decimal("0.24")))
    story.Tale(teller, "hello-1", story.ORDERS).queued("hello")
    return teller.events


def burned() -> list[Event]:
    """Three days of live runs that take fewer passes each, with judges; one is under way, near a cap of the day."""
    journal = telling.Journal(telling.START + 9 * telling.HOUR)
    journal.say(
        "", e.EngineStarted("0.1.0", 4242, "demo", "docker", True, seeds=("ledger", "orders-etl", "shortlinks"))
    )
    journal.say("", e.CapSet("day_cap", Decimal(60), Decimal(60)))
    for number, passes in enumerate((6, 5, 4, 4, 3, 2), 1):
        run = f"shortlinks-{number}"
        journal.queue(run, actor="ben" if number % 2 else "ana", cap=Decimal(20))
        for item in range(1, passes + 1):
            _burned_pass(journal, run, item, passes)
        journal.say(run, e.RunMoved("shipped"), after=9 * telling.HOUR)
    journal.queue("ledger-1", actor="ana", cap=Decimal(20))
    for item in (1, 2):
        _burned_pass(journal, "ledger-1", item, 5)
    journal.say("ledger-1", e.PassBegan(3, "9f3c"), e.NodeEntered("generate", "codergen", 3))
    journal.call("ledger-1", 20, "1.25", after=4 * telling.MINUTE)
    journal.queue("orders-etl-1", ledger="rehearsal")
    journal.call("orders-etl-1", 1, "0.0415405")
    return journal.events


def _burned_pass(journal: "telling.Journal", run: str, item: int, passes: int) -> None:
    """Two steps of the agent, two judgements, and what it left."""
    journal.say(run, e.PassBegan(item, "9f3c"), e.NodeEntered("generate", "codergen", item))
    for step in (2 * item - 1, 2 * item):
        tokens = Tokens(2_000, 4_000 + 300 * step, 9_000, 40_000 * step)
        journal.call(run, step, f"1.{step:02}21875", tokens=tokens, model="claude-sonnet-4-5", after=7 * telling.MINUTE)
    journal.say(run, e.NodeEntered("harness", "harness", item))
    for nth, name in enumerate(("expires", "follow-after-restart"), 1):
        journal.judge(run, -(10 * item + nth), "0.0184", name)
        journal.say(run, e.VerdictReached(item, item, name, "vault", 0, item >= passes - nth, 0.9, ""))
    journal.end(run, item, round(item / (passes + 0.1), 2) if item < passes else 0.95, 9_000 + 2_600 * item)


def judged(passes: int, scenarios: int) -> list[Event]:
    """A run that was judged so often, by so many scenarios: the first three of the vault get better, one by one."""
    teller = story.Teller()
    teller.say("", e.EngineStarted("0.1.0", 4242, "demo", "docker", True, seeds=("links",)))
    names = [f"story-{at:02}-of-somebody-with-links" for at in range(1, scenarios + 1)]
    corpus: list[tuple[str, ScenarioSet]] = [
        (name, "feedback" if at < scenarios // 4 else "vault") for at, name in enumerate(names)
    ]
    tale = story.Tale(teller, "links-1", corpus)
    tale.queued("links")
    vault = [name for name, of in corpus if of == "vault"]
    for number in range(1, passes + 1):
        tale.say(e.PassBegan(number, OLD), e.SnapshotTaken(number, f"{number:02}b7e90c4", "tree", 4, 9_400, 0.1))
        bad = {name: 0.0 for at, name in enumerate(vault[:3]) if number <= (at + 1) * 4}
        tale.look(number, "screen", bad, 1, "unsatisfied")
        told = {name: min(1.0, 0.1 * number) for name, of in corpus if of == "feedback"}
        tale.say(e.Revealed(number, told, 6.6 * number))
    return teller.events
