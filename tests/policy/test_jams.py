"""When a run is said to go round in circles, and what its owner is told of it."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from factory_tui.domain.events import Satisfaction, VerdictReached
from factory_tui.domain.gap import Gap
from factory_tui.domain.state import Guidance, Pass, Tally
from factory_tui.policy.jams import Jam, classify, flat_since, twin_fault

FEEDBACK = ("adds", "rounds", "sums")
VAULT = ("secret-one", "secret-two")


def a_pass(number: int, failing: Iterable[str] = ("adds",), vault: float = 0.5, said: str = "") -> Pass:
    failing = set(failing)
    tallies = {name: Tally(0 if name in failing else 2, 2 if name in failing else 0) for name in (*FEEDBACK, *VAULT)}
    share = sum(name not in failing for name in FEEDBACK) / len(FEEDBACK)
    return Pass(
        number,
        "rev",
        commit=f"c{number}",
        feedback=Satisfaction(share, 0, 1, 1, 2),
        vault=Satisfaction(vault, 0, 1, 1, 2),
        tallies=tallies,
        ended=True,
        guidance=(Guidance("ana", said, "answer"),) if said else (),
    )


def look(passes: list[Pass], trees: dict[int, str] | None = None, stall_after: int = 3, rested: int = 0) -> Jam | None:
    if trees is None:
        trees = {item.number: f"t{item.number}" for item in passes}
    return classify(passes, feedback=FEEDBACK, trees=trees, stall_after=stall_after, rested=rested)


def test_passes_that_fail_the_same_stories_are_stalled() -> None:
    assert look([a_pass(1), a_pass(2)]) is None
    jam = look([a_pass(1), a_pass(2), a_pass(3)])
    assert jam is not None
    assert (jam.kind, jam.why) == (
        "stalled",
        "3 passes in a row failed the same stories (adds), and satisfaction did not rise",
    )
    assert jam.evidence.splitlines()[2] == "pass 3: vault 0.50, feedback 0.67; failed adds"


def test_what_is_told_satisfied_and_the_vault_left_behind_by_more_than_chance_is_overfit() -> None:
    def hacked(number: int, chance: float, vault: float = 0.25, failing: Iterable[str] = ()) -> Pass:
        return replace(a_pass(number, failing, vault), gap=Gap(1 - vault, chance, number))

    def overfit(*passes: Pass) -> Jam | None:
        trees = {item.number: f"t{item.number}" for item in passes}
        found = classify(passes, feedback=FEEDBACK, trees=trees, stall_after=3, level=0.001)
        return found if found and found.kind == "overfit" else None

    early = [hacked(1, 0.04, failing=("adds", "sums")), hacked(2, 0.02, failing=("adds",))]
    jam = overfit(*early, hacked(3, 0.0004))
    assert jam is not None
    assert jam.why == (
        "pass 3 satisfies what its agent is told of, 75 points more than the vault, "
        "which did not rise in 3 passes (p 0.0004)"
    )
    assert overfit(*early, hacked(3, 0.0011)) is None, "chance may do that"
    assert overfit(*early, hacked(3, 0.0004, vault=0.5)) is None, "the vault rises"
    assert overfit(*early, hacked(3, 0.0004, failing=("adds",))) is None, "there is something to mend that it knows of"
    assert overfit(early[1], hacked(3, 0.0004)) is None, "it had two passes"


def test_a_pass_that_changed_nothing_is_dead() -> None:
    jam = look([a_pass(1), a_pass(2, vault=0.6)], {1: "same", 2: "same"})
    assert jam is not None
    assert (jam.kind, jam.why) == ("dead", "pass 2 changed no file, though it was told what is wrong")
    assert jam.evidence.endswith("failed adds; changed no file")


def test_stories_that_fail_in_turn_oscillate() -> None:
    swings = [a_pass(n, ("adds",) if n % 2 else ("rounds", "sums")) for n in range(1, 5)]
    assert look(swings[:3]) is None
    jam = look(swings)
    assert jam is not None
    assert (jam.kind, jam.why) == ("oscillating", "passes 1 to 4 fail in turn: adds, then rounds, sums")
    assert look([*swings[:3], replace(swings[3], vault=Satisfaction(0.9, 0, 1, 1, 2))]) is None, "it rises"


def test_stories_that_fail_in_turn_of_three_oscillate() -> None:
    passes = [a_pass(n, (FEEDBACK[n % 3],)) for n in range(1, 7)]
    assert look(passes[:5]) is None
    jam = look(passes)
    assert jam is not None
    assert (jam.kind, jam.why) == ("oscillating", "passes 1 to 6 fail in turn: rounds, then sums, then adds")


def test_what_fails_beside_those_that_take_turns_is_no_matter() -> None:
    passes = [a_pass(n, {"adds"} if n % 2 else {"rounds"}) for n in range(1, 5)]
    passes[3] = a_pass(4, {"rounds", "sums"})
    jam = look(passes)
    assert jam is not None
    assert jam.why == "passes 1 to 4 fail in turn: adds, then rounds"


def test_bad_luck_in_one_pass_hides_no_turns() -> None:
    passes = [a_pass(n, (FEEDBACK[n % 3],)) for n in range(1, 7)]
    passes[4] = a_pass(5, {"sums", "rounds"})
    jam = look(passes)
    assert jam is not None
    assert (jam.kind, jam.why) == ("oscillating", "passes 1 to 6 fail in turn: rounds, then sums, then adds")


def test_a_story_that_now_fails_and_now_does_not_is_chance() -> None:
    passes = [a_pass(n, ("adds",) if n % 2 else ("adds", "sums")) for n in range(1, 5)]
    assert look(passes) is None, "nothing was given for it"


def test_a_story_that_a_pass_failed_as_often_as_not_fits_any_turn() -> None:
    def half(item: Pass, name: str) -> Pass:
        return replace(item, tallies={**item.tallies, name: Tally(1, 1)})

    swings = [a_pass(n, ("adds",) if n % 2 else ("rounds",)) for n in range(1, 5)]
    jam = look([*swings[:2], half(swings[2], "rounds"), swings[3]])
    assert jam is not None
    assert (jam.kind, jam.why) == ("oscillating", "passes 1 to 4 fail in turn: adds, then rounds")
    assert jam.evidence.splitlines()[2].endswith("failed adds, rounds")
    jam = look([half(item, "adds" if item.number % 2 == 0 else "rounds") for item in swings])
    assert jam is not None
    assert jam.kind == "stalled", "none is ever satisfied more often than not"


@pytest.mark.parametrize("period", [2, 3])
def test_outputs_that_come_back_oscillate_whatever_they_were_judged(period: int) -> None:
    passes = [a_pass(n, FEEDBACK[: n % 2 + 1], vault=n / 10) for n in range(1, 2 * period + 1)]
    trees = {n: f"t{n % period}" for n in range(1, 2 * period + 1)}
    assert look(passes[:-1], trees) is None, "a bad try may be taken back"
    jam = look(passes, trees)
    assert jam is not None
    ways = {2: "two", 3: "three"}[period]
    assert (jam.kind, jam.why) == ("oscillating", f"passes 1 to {2 * period} have the same {ways} outputs in turn")


def test_a_stalled_run_that_is_back_where_it_was_oscillates() -> None:
    jam = look([a_pass(1), a_pass(2), a_pass(3)], {1: "a", 2: "b", 3: "a"})
    assert jam is not None
    assert jam.kind == "oscillating"
    assert jam.why.startswith("pass 3 has the very files of pass 1; 3 passes in a row failed the same stories (adds)")


def test_what_is_flat_by_judges_who_cannot_be_gone_by_is_their_noise() -> None:
    passes = [a_pass(1), a_pass(2), a_pass(3)]
    jam = classify(passes, feedback=FEEDBACK, trees={}, stall_after=3, doubted="40% flip")
    assert jam is not None
    assert (jam.kind, jam.why) == (
        "judge-noise",
        "40% flip; 3 passes in a row failed the same stories (adds), and satisfaction did not rise",
    )
    jam = classify(passes[:2], feedback=FEEDBACK, trees={1: "same", 2: "same"}, stall_after=3, doubted="40% flip")
    assert jam is not None
    assert jam.kind == "dead", "whatever they say, no file changed"


def test_it_went_flat_after_the_pass_that_last_did_better() -> None:
    jam = look([a_pass(1, FEEDBACK, 0.2), a_pass(2, vault=0.4), *(a_pass(n, vault=0.4) for n in (3, 4))])
    assert jam is not None
    assert jam.since == 2
    assert flat_since([a_pass(1), a_pass(2)]) == 1


def test_passes_that_come_to_no_visit_are_stalled() -> None:
    blind = [Pass(number, "rev", ended=True) for number in (1, 2, 3)]
    jam = look(blind, {})
    assert jam is not None
    assert jam.why == "3 passes in a row came to no visit: a checkpoint went on failing"
    assert jam.evidence.splitlines() == [f"pass {number}: not judged" for number in (1, 2, 3)]


def test_who_said_what_and_that_it_did_not_help_is_evidence() -> None:
    jam = look([a_pass(1), a_pass(2), a_pass(3), a_pass(4, said="use\nfloats")])
    assert jam is not None
    assert jam.evidence.splitlines()[-1] == "  ana said (answer): use floats -- it did not help"
    jam = look([a_pass(1, FEEDBACK), *(a_pass(n, said="use cents" if n == 2 else "") for n in (2, 3, 4))])
    assert jam is not None
    assert "use cents -- after that it did better" in jam.evidence


def test_who_says_go_on_without_a_word_is_not_asked_after_every_pass() -> None:
    passes = [a_pass(number) for number in range(1, 7)]
    assert [look(passes[:n], rested=3) is None for n in (4, 5, 6)] == [True, True, False]


def test_another_revision_of_the_seed_is_a_new_beginning() -> None:
    passes = [a_pass(1), a_pass(2), replace(a_pass(3), revision="new"), replace(a_pass(4), revision="new")]
    assert look(passes) is None


shares = st.sampled_from([0.0, 0.25, 0.5, 0.75])
histories = st.lists(
    st.tuples(st.sets(st.sampled_from((*FEEDBACK, *VAULT))), shares, st.sampled_from("abc")), min_size=1, max_size=8
)


@given(histories, st.integers(2, 5), st.integers(0, 4))
def test_any_history_is_judged_the_same_again_and_names_no_story_of_the_vault(
    told: list[tuple[set[str], float, str]], stall_after: int, rested: int
) -> None:
    passes = [a_pass(number, failing, vault) for number, (failing, vault, _) in enumerate(told, 1)]
    trees = {number: tree for number, (_, _, tree) in enumerate(told, 1)}
    jam = look(passes, trees, stall_after, rested)
    assert jam == look(passes, trees, stall_after, rested)
    if jam is not None:
        assert not any(name in jam.why + jam.evidence for name in VAULT)
        assert len(jam.evidence.splitlines()) == len(passes)
        more = replace(passes[-1], number=len(passes) + 1)
        again = look([*passes, more], {**trees, more.number: trees[len(passes)]}, stall_after, rested)
        assert again is not None, "one more pass that is just the same mends nothing"


@given(st.lists(st.sets(st.sampled_from(FEEDBACK)), min_size=1, max_size=8), st.integers(2, 5))
def test_a_run_that_improves_never_jams(failing: list[set[str]], stall_after: int) -> None:
    passes = [a_pass(number, some, vault=number / 10) for number, some in enumerate(failing, 1)]
    assert look(passes, stall_after=stall_after) is None


@given(st.integers(2, 6), st.integers(1, 8))
def test_a_run_is_given_as_many_passes_as_the_config_says(stall_after: int, count: int) -> None:
    jam = look([a_pass(number) for number in range(1, count + 1)], stall_after=stall_after)
    assert (jam is not None) == (count >= stall_after)


def test_what_a_twin_made_void_is_asked_about_where_a_ship_hangs_on_it() -> None:
    good = VerdictReached(1, 4, "secret-one", "vault", 0, True, 1.0, "")
    void = replace(good, satisfied=None, twin="ledger", evidence="said nothing")
    screen, confirm = [void, *[good] * 9], [replace(good, visit=2)] * 10
    assert twin_fault([screen, confirm]) is None
    found = twin_fault([screen, confirm], True)
    assert found is not None
    assert found.why == "the twin ledger breaks: pass 4 ships but for 1 of 20 verdicts that are void by it"
    assert "secret" not in found.evidence
