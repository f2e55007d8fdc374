"""Any fact whatever: a hypothesis strategy for each record of the closed set, made from its types."""

import typing
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from factory_tui.domain.events import AnyFact, Event, Fact

KINDS: tuple[type[Fact], ...] = typing.get_args(AnyFact)
RUNS = ("a-1", "a-2", "b-1", "")
NAMES = st.sampled_from(["a", "b", "generate", "E-1", "E-2", ""])
"""Few, so that facts meet each other's runs, nodes, calls and escalations."""
WHOLE = st.integers(0, 4) | st.integers(0, 2**53)
SHARE = st.floats(0, 1, allow_nan=False)
DOLLARS = st.decimals(0, 10_000, places=6)
SIMPLE: tuple[tuple[type[inspect.Type], Callable[[Any], st.SearchStrategy[Any]]], ...] = (
    (inspect.StrType, lambda _: NAMES | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)),
    (inspect.BoolType, lambda _: st.booleans()),
    (inspect.IntType, lambda _: WHOLE),
    (inspect.FloatType, lambda _: SHARE),
    (inspect.DecimalType, lambda _: DOLLARS),
    (inspect.NoneType, lambda _: st.none()),
    (inspect.LiteralType, lambda node: st.sampled_from(node.values)),
    (inspect.UnionType, lambda node: st.one_of(*map(values, node.types))),
    (inspect.VarTupleType, lambda node: st.lists(values(node.item_type), max_size=3).map(tuple)),
    (inspect.TupleType, lambda node: st.tuples(*map(values, node.item_types))),
    (inspect.DictType, lambda node: st.dictionaries(values(node.key_type), values(node.value_type), max_size=3)),
    (inspect.StructType, lambda node: records(node.cls)),
    (inspect.Metadata, lambda node: values(node.type)),
)


def values(node: inspect.Type) -> st.SearchStrategy[Any]:
    """Values of a type."""
    return next(make(node) for kind, make in SIMPLE if isinstance(node, kind))


def records(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Records of a kind."""
    node = inspect.type_info(kind)
    assert isinstance(node, inspect.StructType)
    return st.builds(kind, **{field.name: values(field.type) for field in node.fields})


facts = st.sampled_from(KINDS).flatmap(records)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events about a few runs that may or may not exist, in order of seq."""
    told = draw(st.lists(st.tuples(facts, st.sampled_from(RUNS), st.integers(0, 2**45)), max_size=30))
    return [Event(seq, f"id{seq}", at, fact, run) for seq, (fact, run, at) in enumerate(told, 1)]
