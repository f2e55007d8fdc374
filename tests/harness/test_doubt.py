"""When judges cannot be gone by: what their error takes off, what stands in the way, and what does not."""

from msgspec.structs import replace

from factory_tui.domain.events import Flips, VerdictReached
from factory_tui.domain.state import Pass
from factory_tui.harness.corpus import Corpus
from factory_tui.harness.doubt import Doubt
from factory_tui.harness.plan import make_plan
from factory_tui.harness.satisfaction import Count
from factory_tui.harness.visit import flips_before
from tests.harness.product import COUNT, ECHO, run, scenario

POLITE = ECHO + '\n[judge]\nrubric = "The answer is polite to whoever sent the note."\n'
CORPUS = Corpus("tiny", tuple(scenario(text, name) for name, text in (("a", COUNT), ("b", ECHO), ("c", POLITE))), "c0")
STEADY, COIN = Flips(0.0, 40.0, 20), Flips(20.0, 40.0, 20)


def verdict(*, satisfied: bool | None = True, judgements: int = 3, dissent: int = 0) -> VerdictReached:
    return VerdictReached(
        1, 1, "c", "vault", 0, satisfied, 1.0, "", judgements=judgements, dissent=dissent, panel=max(1, judgements)
    )


def doubt(before: Flips) -> Doubt:
    return Doubt(CORPUS, before, 0.01, 11)


def test_only_what_judges_decide_of_the_vault_is_doubted() -> None:
    count = Count(20, 20, share=1.0, effective=20)
    assert doubt(STEADY).taken_off(count, [verdict(judgements=0)]) == count
    steady, coin = (doubt(flips).taken_off(count, [verdict()]) for flips in (STEADY, COIN))
    assert steady.judged == 0.5
    assert count.low(0.05) - 0.001 < steady.low(0.05) < count.low(0.05)
    assert coin.low(0.05) < count.low(0.05) - 0.05
    assert coin.satisfaction().low < steady.satisfaction().low < count.satisfaction().low


def test_steady_judges_stand_against_nothing_and_a_coin_against_everything() -> None:
    assert doubt(STEADY).against("ship", [verdict()]) == ""
    assert "cannot bring their error down" in doubt(COIN).against("unsatisfied", [verdict()])
    few = Flips(2.0, 5.5, 2)
    assert doubt(few).against("unsatisfied", [verdict()]) == "", "two flips prove nothing"
    assert "as far as that is known" in doubt(few).against("ship", [verdict()]), "but nothing ships on them"


def test_after_the_last_pass_judges_are_gone_by_what_is_known_of_them() -> None:
    some, few = Flips(6.0, 14.0, 4), Flips(2.0, 5.5, 2)
    ends, early = (Doubt(CORPUS, flips, 0.01, 11, last=True) for flips in (some, few))
    assert doubt(some).against("unsatisfied", [verdict()]) == "", "the next pass tells more"
    assert "as far as that is known" in ends.against("unsatisfied", [verdict()])
    assert ends.against("confirm", [verdict()]) == "", "the confirm tells more"
    assert early.against("unsatisfied", [verdict()]) == "", "two flips prove nothing"


def test_what_got_no_judgement_keeps_from_a_ship_and_from_nothing_else() -> None:
    void = verdict(satisfied=None, judgements=0)
    assert "1 transcript of the vault got no judgement" in doubt(STEADY).against("ship", [verdict(), void])
    assert doubt(STEADY).against("unsatisfied", [verdict(), void]) == ""


def test_a_visit_hopes_that_its_judges_prove_steady() -> None:
    plan = make_plan(CORPUS.scenarios, ship_at=0.7, alpha=0.5, max_passes=3, max_trajectories=40)
    unsure = Count(2, 2, effective=2, error=0.5, judged=0.5)
    assert plan.after_screen(1, unsure) is None
    assert plan.more_to_settle(unsure)


def test_what_a_coin_said_is_not_held_against_the_judge_in_its_place() -> None:
    tossed, calm = (
        Pass(number, "r", corpus="c0", flips=COIN, judges=(by,)) for number, by in ((1, "coin"), (2, "calm"))
    )
    calm = replace(calm, flips=STEADY)
    known = replace(run(), corpus="c0", passes=(tossed, calm, Pass(3, "r", corpus="c0")))
    assert known.flips == flips_before(known, 3, (), ("calm",)) == STEADY
    assert flips_before(known, 3, (), ("coin",)) == COIN
    assert flips_before(known, 3, (), ("coin", "calm")) == Flips()


def test_judges_that_toss_a_coin_on_one_story_of_many_hold_up_a_ship_alone() -> None:
    coins = [verdict(judgements=11, dissent=5) for _ in range(12)]
    sure = [replace(verdict(judgements=3), scenario="b") for _ in range(200)]
    one = doubt(Flips())
    for each in (*coins, *sure):
        one.take(each)
    said = one.against("ship", [*coins, *sure])
    assert "of one story of the vault flip" in said
    assert one.against("unsatisfied", [*coins, *sure]) == ""
    assert one.against("ship", sure) == ""
