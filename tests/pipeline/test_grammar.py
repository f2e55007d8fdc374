"""The DOT subset: what it reads, where it says no, and that no text can do anything else to it."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.pipeline import DotError, LoopError, lint, parse, prepare
from factory_tui.pipeline.grammar import KEYWORDS
from factory_tui.pipeline.graph import Duration, Value
from tests.pipeline.loops import HANDLERS, assert_inside, loop

FACTORY = (Path(__file__).parents[2] / "loops" / "factory.dot").read_text()


def values(source: str) -> dict[str, Value]:
    return {key: attr.value for key, attr in loop(source).attrs.items()}


def test_a_linear_loop_with_chained_edges() -> None:
    graph = loop("a b start -> a -> b -> exit [weight=2]")
    assert [(edge.source, edge.target, edge.weight) for edge in graph.edges] == [
        ("start", "a", 2),
        ("a", "b", 2),
        ("b", "exit", 2),
    ]


def test_graph_attributes_from_blocks_and_declarations() -> None:
    graph = loop('graph [goal="Ship it", label=Demo] rankdir=LR; stack.child_dotfile="child.dot"')
    assert graph.goal == "Ship it"
    assert values('graph [goal="Ship it", label=Demo] rankdir=LR; stack.child_dotfile="child.dot"') == {
        "goal": "Ship it",
        "label": "Demo",
        "rankdir": "LR",
        "stack.child_dotfile": "child.dot",
    }


def test_every_kind_of_value() -> None:
    source = 'a="x" b=42 c=-1 d=0.5 e=-3.14 f=.5 g=true h=false i=900s j=250ms k=summary:high l=gpt-5.2'
    assert values(source) == {
        "a": "x",
        "b": 42,
        "c": -1,
        "d": 0.5,
        "e": -3.14,
        "f": 0.5,
        "g": True,
        "h": False,
        "i": Duration("900s", 900_000),
        "j": Duration("250ms", 250),
        "k": "summary:high",
        "l": "gpt-5.2",
    }


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("900s", 900_000), ("15m", 900_000), ("2h", 7_200_000), ("250ms", 250), ("1d", 86_400_000)],
)
def test_a_timeout_is_in_milliseconds_quoted_or_not(text: str, milliseconds: int) -> None:
    graph = loop(f'a [timeout={text}] b [timeout="{text}"]')
    assert [graph.nodes[name].timeout_ms for name in "ab"] == [milliseconds, milliseconds]


def test_attributes_span_lines_and_strings_keep_comments_escapes_and_newlines() -> None:
    graph = loop('a [\n  label="say \\"hi\\" // not a comment",\n  prompt="one\\n\\ttwo \\\\ /* kept */\nthree"\n]')
    assert graph.nodes["a"].label == 'say "hi" // not a comment'
    assert graph.nodes["a"].prompt == "one\n\ttwo \\ /* kept */\nthree"


def test_comments_stand_anywhere_between_words() -> None:
    graph = parse("// one\ndigraph /* two */ g { a /* three */ [ label /**/ = // four\n x ] a -> /* five */ a } // six")
    assert graph.nodes["a"].label == "x"


def test_defaults_hold_for_what_follows_and_explicit_attributes_win() -> None:
    graph = loop("a node [timeout=900s, shape=hexagon] b c [shape=box] edge [weight=3] a -> b b -> c [weight=1]")
    assert [graph.nodes[name].timeout_ms for name in "abc"] == [None, 900_000, 900_000]
    assert [graph.nodes[name].handler for name in "abc"] == ["codergen", "wait.human", "codergen"]
    assert [edge.weight for edge in graph.edges] == [3, 1]


def test_a_subgraph_scopes_defaults_gives_its_class_and_disappears() -> None:
    graph = loop("""
        label="Whole"
        subgraph cluster_loop {
            node [thread_id="loop-a"] edge [weight=7]
            Plan Implement [thread_id=own]
            subgraph { label="Inner!" Deep }
            Plan -> Implement
            label="Loop A"
        };
        Outside  Plan -> Outside
    """)
    assert graph.text("label") == "Whole"
    assert {node.id: node.classes for node in graph.nodes.values() if node.classes} == {
        "Plan": ("loop-a",),
        "Implement": ("loop-a",),
        "Deep": ("loop-a", "inner"),
    }
    assert [graph.nodes[name].text("thread_id") for name in ("Plan", "Implement", "Deep", "Outside")] == [
        "loop-a",
        "own",
        "loop-a",
        "",
    ]
    assert [edge.weight for edge in graph.edges] == [7, 0]


def test_a_node_said_again_adds_only_what_it_says() -> None:
    node = loop("a [label=first, prompt=kept] node [timeout=1s] a [label=second]").nodes["a"]
    assert (node.label, node.prompt, node.timeout_ms) == ("second", "kept", None)


def test_an_edge_declares_no_node() -> None:
    assert "typo" not in loop("start -> typo").nodes


def test_shapes_stand_for_handlers_and_a_type_goes_first() -> None:
    shapes = [
        "Mdiamond",
        "Msquare",
        "box",
        "hexagon",
        "diamond",
        "component",
        "tripleoctagon",
        "parallelogram",
        "house",
    ]
    graph = loop(
        " ".join(f"n{i} [shape={shape}]" for i, shape in enumerate(shapes)) + " own [shape=house, type=ship]", ""
    )
    assert [node.handler for node in graph.nodes.values()] == [
        "start",
        "exit",
        "codergen",
        "wait.human",
        "conditional",
        "parallel",
        "parallel.fan_in",
        "tool",
        "stack.manager_loop",
        "ship",
    ]


def test_ids_of_start_and_exit_need_no_shape() -> None:
    graph = parse("digraph g { Start end middle }")
    assert [node.handler for node in graph.nodes.values()] == ["start", "exit", "codergen"]


@pytest.mark.parametrize(
    ("text", "line", "column", "expected", "found"),
    [
        ("", 1, 1, "'digraph'", "end of the text"),
        ("graph g {}", 1, 1, "'digraph'", "'graph'"),
        ("strict digraph g {}", 1, 1, "not strict", "'strict'"),
        ("digraph {}", 1, 9, "graph's name", "'{'"),
        ("digraph g {", 1, 12, "'}'", "end of the text"),
        ("digraph g {} digraph h {}", 1, 14, "one digraph per file", "'digraph'"),
        ("digraph g {\n  a -- b\n}", 2, 5, "'->'", "'--'"),
        ('digraph g { "a" }', 1, 13, "a node id", "'\"'"),
        ("digraph g { é }", 1, 13, "a node id", "'é'"),
        ("digraph g { aé }", 1, 14, "a node id", "'é'"),
        ('digraph g { a ["label"=x] }', 1, 16, "without quotes", "'\"'"),
        ("digraph g { a [label=x shape=box] }", 1, 24, "','", "'shape'"),
        ("digraph g { a [label=x,] }", 1, 24, "attribute name", "']'"),
        ("digraph g { a [] }", 1, 16, "attribute name", "']'"),
        ("digraph g { a [x=1] [y=2] }", 1, 21, "a node id", "'['"),
        ("digraph g { a [x=1, x=2] }", 1, 21, "once", "'x' again"),
        ("digraph g { a [label=<b>] }", 1, 22, "a value", "'<'"),
        ("digraph g { a [n=1e5] }", 1, 18, "a number", "'1e5'"),
        ("digraph g { a [n=5.] }", 1, 18, "a number", "'5.'"),
        ("digraph g { a [n=--5] }", 1, 18, "a value", "'-'"),
        ("digraph g { a [n=" + "9" * 5000 + "] }", 1, 18, "at most 18 digits", "'999"),
        ('digraph g {\n a [label="x\n\n', 2, 11, "closing '\"'", "end of the text"),
        ('digraph g { a [label="\\q"] }', 1, 23, "escapes", "\\\\q"),
        ("digraph g { /* a", 1, 13, "closing '*/'", "end of the text"),
        ("digraph g { a -> }", 1, 18, "a node id", "'}'"),
        ("digraph g { a -> node }", 1, 18, "keyword", "'node'"),
        ("digraph g { a -> {b c} }", 1, 18, "a node id", "'{'"),
        ("digraph g { a:port }", 1, 14, "a node id", "':'"),
        ("digraph g { a.b [x=1] }", 1, 13, "without dots", "'a.b'"),
        ("digraph g { node = 1 }", 1, 13, "keyword", "'node'"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(
    text: str, line: int, column: int, expected: str, found: str
) -> None:
    with pytest.raises(DotError) as raised:
        parse(text, "mine.dot")
    error = raised.value
    assert (error.line, error.column) == (line, column)
    assert expected in error.expected
    assert found in error.found
    assert str(error).startswith(f"mine.dot:{line}:{column}: error: expected ")


def assert_parses_or_says_where(text: str) -> None:
    try:
        graph = parse(text)
    except DotError as error:
        assert_inside(text, error)
        return
    errors = [found for found in lint(graph, HANDLERS) if found.severity == "error"]
    if errors:
        with pytest.raises(LoopError) as refused:
            prepare(text, "any.dot", HANDLERS)
        assert refused.value.diagnostics
    else:
        prepare(text, "any.dot", HANDLERS)


FRAGMENTS = [
    "digraph",
    "g",
    "{",
    "start",
    "[shape=Mdiamond]",
    "exit",
    "->",
    "[",
    "]",
    "}",
    "=",
    ",",
    ";",
    "a",
    "b",
    ".",
    '"',
    "\\",
    "//",
    "/*",
    "*/",
    "--",
    "-",
    "1",
    "-5",
    "0.5",
    "900s",
    "true",
    "graph",
    "node",
    "edge",
    "subgraph",
    "label",
    "shape",
    "type",
    "goal_gate",
    "max_retries",
    "condition",
    "timeout",
    "diamond",
    "component",
    "retry_target",
    "*",
    "#",
    "é",
    "\x00",
    "\n",
]


@given(st.text())
def test_any_text_parses_or_says_where(text: str) -> None:
    assert_parses_or_says_where(text)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(" ".join))
def test_any_heap_of_words_parses_or_says_where(body: str) -> None:
    assert_parses_or_says_where(f"digraph g {{ {body} }}")


@given(st.integers(0, len(FACTORY)), st.integers(0, 30), st.sampled_from([*FRAGMENTS, ""]))
def test_any_damage_to_a_loop_parses_or_says_where(at: int, length: int, put: str) -> None:
    assert_parses_or_says_where(FACTORY[:at] + put + FACTORY[at + length :])


def test_deep_nesting_is_no_danger() -> None:
    depth = 5_000
    assert "a" in parse("digraph g {" + "subgraph {" * depth + "a" + "}" * depth + "}").nodes


identifiers = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(lambda word: word not in KEYWORDS)
spaces = st.sampled_from([" ", "\n", "\t", " // note\n", " /* note */ ", "\r\n"])
written_values = st.one_of(
    st.text().map(lambda text: (text, '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')),
    st.integers(-(10**17), 10**17).map(lambda number: (number, str(number))),
    st.booleans().map(lambda flag: (flag, str(flag).lower())),
    st.tuples(st.integers(0, 10**6), st.sampled_from(["ms", "s", "m", "h", "d"])).map(
        lambda pair: (Duration.read(f"{pair[0]}{pair[1]}"), f"{pair[0]}{pair[1]}")
    ),
    identifiers.filter(lambda word: word not in {"true", "false"}).map(lambda word: (word, word)),
)
attributes = st.dictionaries(identifiers, written_values, max_size=3)


@given(
    nodes=st.dictionaries(identifiers, attributes, min_size=1, max_size=5),
    data=st.data(),
    space=spaces,
    end=st.sampled_from(["", ";"]),
)
def test_what_is_written_is_what_is_read(
    nodes: dict[str, dict[str, tuple[Value, str]]], data: st.DataObject, space: str, end: str
) -> None:
    ids = st.sampled_from(sorted(nodes))
    edges = data.draw(st.lists(st.tuples(ids, ids, attributes), max_size=5))

    def block(attrs: Mapping[str, tuple[Value | None, str]]) -> str:
        inner = f"{space},{space}".join(f"{key}{space}={space}{text}" for key, (_, text) in attrs.items())
        return f"{space}[{inner}]" if attrs else ""

    statements = [f"{name}{block(attrs)}{end}" for name, attrs in nodes.items()]
    statements += [f"{a}{space}->{space}{b}{block(attrs)}{end}" for a, b, attrs in edges]
    graph = parse(f"digraph{space}g{space}{{{space}{space.join(statements)}{space}}}{space}")

    assert {n.id: {k: a.value for k, a in n.attrs.items()} for n in graph.nodes.values()} == {
        name: {key: value for key, (value, _) in attrs.items()} for name, attrs in nodes.items()
    }
    assert [(e.source, e.target, {k: a.value for k, a in e.attrs.items()}) for e in graph.edges] == [
        (a, b, {key: value for key, (value, _) in attrs.items()}) for a, b, attrs in edges
    ]
