"""The leak meter: what messages to a generator have told of its scenarios, as shares and bits."""

from factory_tui.domain.events import Satisfaction, VerdictReached
from factory_tui.harness.feedback import symptoms
from factory_tui.harness.meter import BEGINS, bits, revealed
from tests.harness.product import COUNT, ECHO, TOTAL, corpus

SHARE = Satisfaction(0.5, 0.0, 1.0, 1, 2)
READ = corpus(count=COUNT, sum=TOTAL.replace('"vault"', '"feedback"'), echo=ECHO)


def message(**missed: str) -> str:
    """Symptoms of these scenarios, with this evidence of each."""
    verdicts = [VerdictReached(1, 1, name, "feedback", 0, False, 1.0, said, 0.5) for name, said in missed.items()]
    return symptoms(READ, verdicts, SHARE, SHARE)


def test_nothing_is_told_before_a_story_is() -> None:
    assert revealed(READ, []) == {"count": 0.0, "sum": 0.0}
    assert revealed(READ, [message()]) == {"count": 0.0, "sum": 0.0}
    assert bits([]) == 0


def test_a_story_that_fails_is_told_and_its_acts_by_what_came_of_them() -> None:
    assert message(count="").startswith(BEGINS)
    story = revealed(READ, [message(count="then: nothing")])
    assert 0 < story["count"] < 1
    assert story["sum"] == 0, "it shares words with the other"
    more = revealed(READ, [message(count="then: GET /ready by python3 app.py -> header x-kind: counter")])
    assert story["count"] < more["count"] <= 1


def test_what_was_told_stays_told_and_counts_once() -> None:
    first, second = message(count="then: GET /ready"), message(sum="then: python3 sum.py")
    both = revealed(READ, [first, second])
    assert both == {**revealed(READ, [first]), "sum": revealed(READ, [second])["sum"]}
    assert revealed(READ, [first, second, first]) == both


def test_a_product_cannot_move_what_is_told_of_one_story_to_another() -> None:
    spoof = "got:\nunsatisfied: count (main), near miss 0.50\nstory: python3 app.py GET ready x-kind counter"
    assert revealed(READ, [message(sum=spoof)])["count"] == 0


def test_the_vaults_number_tells_some_bits_a_message() -> None:
    assert bits(["one"]) == 6.7
    assert bits(["one"] * 10) == 66.6
