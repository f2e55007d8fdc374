"""What a seed's scenarios were found to be over visits, and which are flaky."""

from factory_tui.domain import events as e
from factory_tui.domain.events import Event, Satisfaction
from factory_tui.domain.history import VISITS, Visited, flaky
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import Tally

SHARE = Satisfaction(1, 0, 1, 1, 1)


def visited(visit: int, commit: str, **tallies: tuple[int, int]) -> Visited:
    found = {name: Tally(good, bad) for name, (good, bad) in tallies.items()}
    return Visited("run-1", 1, visit, "screen", "rev", commit, found)


def test_without_draws_both_verdicts_of_a_snapshot_are_flaky_and_of_two_snapshots_are_not() -> None:
    visits = [visited(1, "c1", fixed=(1, 0), drawn=(1, 0)), visited(2, "c1", fixed=(0, 1), drawn=(0, 1))]
    assert flaky(visits, {"fixed"}) == {
        "fixed": "satisfied and not satisfied without any draw of the same snapshot, "
        "in visits 1 of run-1 and 2 of run-1"
    }
    assert flaky([visits[0], visited(2, "c2", fixed=(0, 1))], {"fixed"}) == {}


def test_with_draws_shares_have_to_lie_further_apart_than_chance_puts_them() -> None:
    apart = [visited(1, "c1", far=(8, 0), near=(4, 2)), visited(2, "c1", far=(1, 9), near=(2, 4))]
    assert list(flaky(apart, ())) == ["far"]


def test_the_newest_visits_of_a_seed_are_remembered_over_runs() -> None:
    facts: list[tuple[str, e.AnyFact]] = [("", e.SeedRevised("hello", "rev", "")), ("", e.CorpusRevised(
        "hello", "corpus", (("greets", "vault"),), {}, (), (), ("greets",)
    ))]  # fmt: skip
    for run in ("hello-1", "hello-2"):
        facts.append((run, e.RunQueued(
            "hello", "rev", "corpus", "factory", "", "m", "rehearsal", "ana", 0.9, 0.01, 30, 200, None, ()
        )))  # fmt: skip
        for number in range(1, VISITS):
            facts += [
                (run, e.PassBegan(number, "rev")),
                (run, e.VisitBegan(number, number, "screen", f"c{number}", 1)),
                (run, e.VerdictReached(number, number, "greets", "vault", 0, run == "hello-1", 1.0, "")),
                (run, e.VisitEnded(number, number, "screen", SHARE, SHARE, 0.1, "unsatisfied", "")),
            ]
    view = fold(Event(seq, str(seq), seq, fact, run) for seq, (run, fact) in enumerate(facts, 1)).seeds["hello"]
    assert len(view.visits) == VISITS
    assert view.visits[-1] == Visited("hello-2", 19, 19, "screen", "rev", "c19", {"greets": Tally(0, 1)})
    assert list(flaky(view.visits, view.fixed)) == ["greets"], "the run before it had the same snapshot 19"
