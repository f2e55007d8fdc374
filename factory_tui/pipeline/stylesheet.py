"""The model stylesheet (Attractor section 8): a node's model, provider and effort, by id, class, shape or all."""

import re

from msgspec import Struct, structs

from factory_tui.pipeline.graph import Attr, Graph, Node
from factory_tui.pipeline.scan import BARE, IDENTIFIER, Scanner

PROPERTIES = ("llm_model", "llm_provider", "reasoning_effort")

_CLASS = re.compile(r"[a-z0-9-]+")
_PROPERTY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Rule(Struct, frozen=True):
    """What one selector sets. Specificity: all 0, shape 1, class 2, id 3."""

    specificity: int
    name: str
    values: dict[str, str]

    def matches(self, node: Node) -> bool:
        """Whether it is about `node`."""
        return (True, self.name == node.shape, self.name in node.classes, self.name == node.id)[self.specificity]


def read_stylesheet(text: str) -> tuple[Rule, ...]:
    """Parse a stylesheet; empty text has no rules. Raises ScanError."""
    scan = Scanner(text)
    rules: list[Rule] = []
    scan.skip()
    while not scan.done():
        rules.append(_rule(scan))
        scan.skip()
    return tuple(rules)


def styled(graph: Graph) -> Graph:
    """The graph with its stylesheet applied, then its own defaults; what a node has already stays. Raises ScanError."""
    # sorted() is stable: of two rules with the same specificity, the later one is applied last and wins.
    rules = sorted(read_stylesheet(graph.text("model_stylesheet")), key=lambda rule: rule.specificity)
    sheet = graph.attrs.get("model_stylesheet")
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        given = {key: graph.attrs[key] for key in PROPERTIES if key in graph.attrs}
        for rule in rules:
            if sheet and rule.matches(node):
                given |= {key: Attr(value, sheet.line, sheet.column) for key, value in rule.values.items()}
        nodes[node.id] = structs.replace(node, attrs={**given, **node.attrs})
    return structs.replace(graph, nodes=nodes)


def _rule(scan: Scanner) -> Rule:
    specificity, name = _selector(scan)
    scan.skip()
    if not scan.accept("{"):
        raise scan.error("'{'")
    scan.skip()
    values: dict[str, str] = {}
    while True:
        at = scan.at
        key = scan.need(_PROPERTY, f"one of {', '.join(PROPERTIES)}")
        if key not in PROPERTIES:
            raise scan.error(f"one of {', '.join(PROPERTIES)}", at)
        scan.skip()
        if not scan.accept(":"):
            raise scan.error("':'")
        scan.skip()
        quoted = scan.text.startswith('"', scan.at)
        values[key] = scan.string() if quoted else scan.need(BARE, "a word or a quoted string")
        scan.skip()
        more = scan.accept(";")
        scan.skip()
        if scan.accept("}"):
            return Rule(specificity, name, values)
        if not more:
            raise scan.error("';' or '}'")


def _selector(scan: Scanner) -> tuple[int, str]:
    if scan.accept("*"):
        return 0, ""
    if scan.accept("."):
        return 2, scan.need(_CLASS, "a class name (a-z, 0-9 and -)")
    if scan.accept("#"):
        return 3, scan.need(IDENTIFIER, "a node id")
    return 1, scan.need(IDENTIFIER, "a selector: '*', a shape, '.class' or '#node'")
