"""What a briefing says, and what an act is: pure, of any history whatever, and hostile text stays text."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_tui.console.acts import DEEDS, KINDS, act
from factory_tui.console.briefing import Briefing, briefing, told
from factory_tui.console.seen import Look, Seen
from factory_tui.domain import commands as c
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from factory_tui.domain.hostile import clean
from factory_tui.domain.money import Burn
from factory_tui.domain.reducer import fold
from factory_tui.domain.state import State
from tests.console import story
from tests.domain.facts import histories

STORY, WAITS = story.tell(), story.waits()
HOSTILE = "ana\x1b]52;c;aGk=\x07\u202e\x9b31m\nsecond\u200b"


def between(events: list[Event], seq: int, me: str = "") -> Briefing:
    return briefing(fold(events[:seq]), fold(events), events, me)


FEW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(histories(), st.data())
def test_any_history_has_a_briefing_from_any_event_on(history: list[Event], data: st.DataObject) -> None:
    seq = data.draw(st.integers(0, len(history)))
    found = between(history, seq)
    for line in told(found):
        assert line == clean(line)
        assert "\n" not in line
    assert not between(history, len(history)).news, "nothing is new since now"
    assert all(item.seq > seq for item in found.sections.get("decided", ()))


@FEW
@given(histories())
def test_any_event_is_an_act_on_one_line(history: list[Event]) -> None:
    for event in history:
        done = act(event)
        assert (done.seq, done.at) == (event.seq, event.at)
        for text in (done.actor, done.verb, done.subject, done.detail):
            assert text == clean(text)
            assert "\n" not in text


def test_every_kind_of_deed_is_a_kind() -> None:
    assert {*DEEDS} < {*KINDS}
    assert {"command-taken", "run-moved", "shipped", "escalation-raised"} <= {*DEEDS}
    assert not {"tool-called", "call-settled", "judged"} & {*DEEDS}


def test_what_shipped_moved_and_was_spent_with_rehearsals_apart() -> None:
    found = between(STORY, 90)
    (orders, links) = found.sections["shipped"]
    assert (orders.run, links.run) == ("orders-etl-1", "shortlinks-1")
    assert "REHEARSAL" in orders.text
    assert [item.run for item in found.sections["moved"]] == ["shortlinks-1", "orders-etl-1"]
    assert "pass 1 to 3, satisfaction " in found.sections["moved"][0].text
    spent = found.sections["spent"][0].text
    more = fold(STORY).burn["rehearsal"].money - fold(STORY[:90]).burn["rehearsal"].money
    assert spent.startswith(f"${more:.3f}, ")
    assert spent.endswith("REHEARSAL, no real money")


def test_what_policy_decided_since_nobody_answered_is_told() -> None:
    told = story.triage()
    seq = next(one.seq for one in told if isinstance(one.fact, e.EscalationAnswered) and one.fact.expired)
    decided = [item.text for item in between(told, seq - 1).sections["decided"]]
    assert decided == ["policy answer parser-1 E-7: no"]
    whole = between(told, 0).sections["decided"]
    assert not any("E-3" in item.text for item in whole), "what a human answered is told by their command"


def test_each_ledger_is_told_by_itself() -> None:
    import msgspec

    live = State(seq=2, burn={"live": Burn(money=Decimal(3)), "rehearsal": Burn(money=Decimal(5))})
    lines = [item.text for item in briefing(State(seq=1), live, ()).sections["spent"]]
    assert lines == ["$3.00, 0 tokens", "$5.00, 0 tokens REHEARSAL, no real money"]
    assert "spent" not in briefing(msgspec.structs.replace(live, seq=1), live, ()).sections


def test_what_jammed_and_what_waits_mine_first() -> None:
    found = between(WAITS, 1, me="ben")
    assert [item.run for item in found.sections["jammed"]] == [
        "ledger-1",
        "orders-etl-1",
        "shortlinks-1",
        "interval-bug-1",
    ]
    waits = found.sections["waits"]
    assert [(item.run, item.mine) for item in waits][:2] == [("shortlinks-1", True), ("ledger-1", False)]
    assert "for you: Ship to production?" in waits[0].text
    assert "interval-bug-1" not in {item.run for item in waits}, "it comes back by itself"
    assert not between(WAITS, len(WAITS)).news
    assert between(WAITS, len(WAITS)).sections.keys() == {"waits"}


def test_what_was_decided_says_who_and_hostile_names_stay_text() -> None:
    teller = story.Teller()
    tale = story.Tale(teller, "orders-etl-1", story.ORDERS)
    tale.queued("orders-etl")
    seq = len(teller.events)
    teller.say("orders-etl-1", e.CommandTaken("1", c.RaiseCap("orders-etl-1", Decimal(12))), actor="ben")
    teller.say("orders-etl-1", e.CommandTaken("2", c.Steer("orders-etl-1", HOSTILE)), actor=HOSTILE)
    teller.say("", e.FloorFrozen(), actor="ben")
    teller.say("orders-etl-1", e.ToolCalled(1, "t", "bash", "ls"))
    found = between(teller.events, seq).sections["decided"]
    assert [item.seq for item in found] == [seq + 1, seq + 2]
    assert found[0].text == "ben raise cap orders-etl-1 to $12"
    assert not set("\x1b\x07\u202e\x9b\n\u200b") & set(found[1].text)


@pytest.mark.parametrize("operator", ["ana", "", ".", "..", "../../etc/x", "uid 1000", "é" * 200, HOSTILE])
def test_a_look_is_kept_for_each_operator_and_nobody_else_reads_it(tmp_path: Path, operator: str) -> None:
    seen = Seen(tmp_path / "looks")
    assert seen.last(operator) is None
    seen.note(operator, Look(7, 1_700_000_000_000))
    seen.note(operator, Look(8, 1_700_000_000_001))
    seen.note("somebody-else", Look(1, 2))
    assert seen.last(operator) == Look(8, 1_700_000_000_001)
    (kept, _) = sorted((tmp_path / "looks").iterdir(), key=lambda path: path.name == "somebody-else.json")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["looks"]
    kept.write_text("torn")
    assert seen.last(operator) is None
