"""Every fact of the closed set goes to the wire and back, and can be shown without what anyone wrote."""

import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given

from factory_tui.domain.commands import LEAST_ROLE, Answer, Command, Pause, Stop, Thaw, may
from factory_tui.domain.events import (
    AnyFact,
    CommandTaken,
    CommandUndone,
    Event,
    Fact,
    NodeLeft,
    ToolReturned,
)
from factory_tui.domain.metadata import text_fields, without_text
from tests.domain.facts import KINDS, facts, records


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_fact_survives_encoding(kind: type[Fact]) -> None:
    @given(records(kind))
    def survives(fact: Any) -> None:
        event = Event(1, "id", 0, fact, "a-1")
        assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event

    survives()


def test_each_fact_has_a_name_of_its_own() -> None:
    tags = [kind.__struct_config__.tag for kind in KINDS]
    assert len(set(tags)) == len(tags)
    assert set(Fact.__subclasses__()) == set(KINDS), "the set is closed: no fact outside AnyFact"


def written(record: msgspec.Struct) -> list[Any]:
    """Every text in a record and in the records it holds, found by the declared types alone."""
    found = []
    for field in msgspec.structs.fields(type(record)):
        value = getattr(record, field.name)
        if isinstance(value, msgspec.Struct):
            found += written(value)
        elif "'class': 'text'" in repr(field.type):
            found.append(value)
    return found


@given(facts)
def test_without_text_no_text_is_left_and_all_else_is_the_same(fact: AnyFact) -> None:
    event = Event(1, "id", 5, fact, "a-1", "ada")
    bare = without_text(event)
    assert not any(written(bare.fact))
    assert msgspec.structs.replace(bare, fact=fact) == event
    assert type(bare.fact) is type(fact)
    blanked = set(text_fields(type(fact))) | ({"command"} if isinstance(fact, CommandTaken | CommandUndone) else set())
    for name in fact.__struct_fields__:
        if name not in blanked:
            assert getattr(bare.fact, name) == getattr(fact, name)
    assert without_text(bare) == bare


def test_what_people_and_agents_wrote_counts_as_text_wherever_it_lies() -> None:
    said: list[AnyFact] = [
        CommandTaken("1", Answer("E-1", "yes", "the secret plan")),
        CommandTaken("2", Stop("a-1", "the secret plan")),
        NodeLeft("n", 1, "success", "m", 0.1, context={"tool.output": "the secret plan"}),
        ToolReturned(1, "c", "the secret plan"),
    ]
    for fact in said:
        bare = without_text(Event(1, "id", 0, fact))
        assert b"secret" not in msgspec.json.encode(bare)


def test_a_viewer_may_nothing_an_operator_not_what_is_an_admins() -> None:
    assert set(LEAST_ROLE) == set(typing.get_args(Command)), "every command has its least role"
    assert not any(may("viewer", command) for command in (Pause("a-1"), Thaw()))
    assert may("operator", Pause("a-1"))
    assert not may("operator", Thaw())
    assert may("admin", Thaw())
