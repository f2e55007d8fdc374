"""The DOT subset of Attractor section 2: text in, a Graph out, or a DotError at the first character that does not fit.

Edges declare no node: a misspelt target would else become a stage that asks a model to do its own name.
"""

import re
from itertools import pairwise

from factory_tui.pipeline.diagnostics import DotError
from factory_tui.pipeline.graph import Attr, Duration, Edge, Graph, Node, Value
from factory_tui.pipeline.scan import BARE, IDENTIFIER, INTEGER, NUMERIC, ScanError, Scanner

KEYWORDS = frozenset({"digraph", "graph", "node", "edge", "subgraph", "strict"})

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_FLOAT = re.compile(r"-?[0-9]{0,18}\.[0-9]{1,18}")
_LINE_COMMENT = re.compile(r"//[^\n]*")
_VALUE = "a value: a quoted string, a number, a time like 900s, true, false or a bare word"
_STATEMENT = "a node id, an attribute, 'graph', 'node', 'edge', 'subgraph' or '}'"

Attrs = dict[str, Attr]


def parse(text: str, name: str = "loop") -> Graph:
    """Read one digraph; `name` is what messages call the text. Raises DotError."""
    try:
        return _Parser(text, name).graph()
    except ScanError as error:
        raise DotError(error.line, error.column, error.expected, error.found, name) from None


class _Scope:
    """The defaults inside one pair of braces, and the nodes declared there."""

    def __init__(self, outer: "_Scope | None") -> None:
        self.attrs: Attrs = {}
        self.node: Attrs = dict(outer.node) if outer else {}
        self.edge: Attrs = dict(outer.edge) if outer else {}
        self.members: list[str] = []

    def derived_class(self) -> str:
        """The class that its label gives to its members: `Loop A` becomes `loop-a`."""
        label = self.attrs.get("label")
        lowered = str(label.value).lower().replace(" ", "-") if label else ""
        return re.sub(r"[^a-z0-9-]", "", lowered)


class _Parser:
    """One reading of one text."""

    def __init__(self, text: str, name: str) -> None:
        self.scan = Scanner(text)
        self.name = name
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self.scopes: list[_Scope] = []

    def graph(self) -> Graph:
        self._skip()
        line, column = self.scan.where()
        if (word := self.scan.take(IDENTIFIER)) != "digraph":
            raise self._refused("'digraph' (one directed graph, not strict)", word)
        self._skip()
        graph_id = self._identifier("the graph's name")
        self._need("{")
        top = _Scope(None)
        self.scopes.append(top)
        while self.scopes:
            self._statement()
        if not self.scan.done():
            raise self.scan.error("the end of the text (one digraph per file)")
        return Graph(
            attrs=top.attrs,
            line=line,
            column=column,
            name=self.name,
            id=graph_id,
            nodes=self.nodes,
            edges=tuple(self.edges),
        )

    def _statement(self) -> None:
        scope = self.scopes[-1]
        if self.scan.accept("}"):
            self._close()
            return
        at = self.scan.at
        word = self.scan.need(_KEY, _STATEMENT)
        self._skip()
        if self.scan.accept("="):
            if word in KEYWORDS:
                raise self.scan.error(f"an attribute name ({word!r} is a keyword)", at)
            self._skip()
            scope.attrs[word] = self._value()
        elif word == "subgraph":
            if self.scan.take(IDENTIFIER) is not None:
                self._skip()
            self._need("{")
            self.scopes.append(_Scope(scope))
            return
        elif word in {"graph", "node", "edge"}:
            defaults = {"graph": scope.attrs, "node": scope.node, "edge": scope.edge}[word]
            defaults.update(self._attributes())
        else:
            self._node_or_edges(word, at)
        self._end()

    def _close(self) -> None:
        scope = self.scopes.pop()
        self._skip()
        if not self.scopes:
            return
        self._end()
        self.scopes[-1].members += scope.members
        if derived := scope.derived_class():
            for member in dict.fromkeys(scope.members):
                node = self.nodes[member]
                self.nodes[member] = Node(
                    id=node.id,
                    attrs=node.attrs,
                    line=node.line,
                    column=node.column,
                    derived=(derived, *(known for known in node.derived if known != derived)),
                )

    def _node_or_edges(self, word: str, at: int) -> None:
        self._plain_id(word, at)
        chain = [(word, at)]
        while self.scan.accept("->"):
            self._skip()
            start = self.scan.at
            chain.append((self._identifier("a node id"), start))
            self._skip()
        if self.scan.text.startswith("--", self.scan.at):
            raise self.scan.error("'->' (edges are directed)", found="'--'")
        own = self._attributes() if self.scan.text.startswith("[", self.scan.at) else {}
        if len(chain) == 1:
            self._declare(word, at, own)
            return
        for (source, start), (target, _) in pairwise(chain):
            line, column = self.scan.where(start)
            attrs = {**self.scopes[-1].edge, **own}
            self.edges.append(Edge(source=source, target=target, attrs=attrs, line=line, column=column))

    def _declare(self, node_id: str, at: int, own: Attrs) -> None:
        """A first declaration takes the scope's defaults; a later one only adds what it says itself."""
        scope = self.scopes[-1]
        scope.members.append(node_id)
        line, column = self.scan.where(at)
        known = self.nodes.get(node_id)
        self.nodes[node_id] = Node(
            id=node_id,
            attrs={**(known.attrs if known else scope.node), **own},
            line=known.line if known else line,
            column=known.column if known else column,
            derived=known.derived if known else (),
        )

    def _attributes(self) -> Attrs:
        self._need("[")
        attrs: Attrs = {}
        while True:
            at = self.scan.at
            key = self.scan.need(_KEY, "an attribute name (letters, digits, _ and dots, without quotes)")
            if key in attrs:
                raise self.scan.error("each attribute once in a block", at, f"{key!r} again")
            self._need("=")
            attrs[key] = self._value()
            self._skip()
            if self.scan.accept("]"):
                self._skip()
                return attrs
            if not self.scan.accept(","):
                raise self.scan.error("',' or ']' after an attribute")
            self._skip()

    def _value(self) -> Attr:
        line, column = self.scan.where()
        return Attr(self._bare_value(), line, column)

    def _bare_value(self) -> Value:
        if self.scan.text.startswith('"', self.scan.at):
            return self.scan.string()
        at = self.scan.at
        if word := self.scan.take(BARE):
            return {"true": True, "false": False}.get(word, word)
        number = self.scan.need(NUMERIC, _VALUE)
        if INTEGER.fullmatch(number):
            return int(number)
        if _FLOAT.fullmatch(number):
            return float(number)
        if duration := Duration.read(number):
            return duration
        raise self.scan.error("a number of at most 18 digits, or one with a unit (ms, s, m, h, d)", at)

    def _identifier(self, what: str) -> str:
        at = self.scan.at
        word = self.scan.need(_KEY, f"{what} (ASCII letters, digits and _, without quotes)")
        self._plain_id(word, at)
        return word

    def _plain_id(self, word: str, at: int) -> None:
        if word in KEYWORDS:
            raise self.scan.error(f"a name ({word!r} is a keyword)", at)
        if "." in word:
            raise self.scan.error("an id without dots", at)

    def _need(self, literal: str) -> None:
        self._skip()
        if not self.scan.accept(literal):
            raise self.scan.error(repr(literal))
        self._skip()

    def _end(self) -> None:
        """A statement may end with one semicolon."""
        self._skip()
        if self.scan.accept(";"):
            self._skip()

    def _refused(self, expected: str, word: str | None) -> ScanError:
        return self.scan.error(expected, self.scan.at - len(word or ""))

    def _skip(self) -> None:
        """Pass over white space and comments."""
        while True:
            start = self.scan.at
            self.scan.skip()
            self.scan.take(_LINE_COMMENT)
            if self.scan.text.startswith("/*", self.scan.at):
                end = self.scan.text.find("*/", self.scan.at + 2)
                if end < 0:
                    raise self.scan.error(
                        "a closing '*/' for the comment that starts here", found="the end of the text"
                    )
                self.scan.at = end + 2
            if self.scan.at == start:
                return
