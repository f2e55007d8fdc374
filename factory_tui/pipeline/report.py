"""How a lint rule words a finding: with the place of the attribute it is about, where there is one."""

from factory_tui.pipeline.diagnostics import Diagnostic, Severity
from factory_tui.pipeline.graph import Attributed, Edge, Node


def report(
    rule: str, message: str, about: Attributed, *, key: str = "", severity: Severity = Severity.ERROR, fix: str = ""
) -> Diagnostic:
    """A diagnostic on a graph, node or edge, at its attribute `key` if it has that one."""
    place = about.attrs.get(key, about)
    return Diagnostic(
        rule=rule,
        severity=severity,
        message=message,
        line=place.line,
        column=place.column,
        node=about.id if isinstance(about, Node) else "",
        edge=(about.source, about.target) if isinstance(about, Edge) else None,
        fix=fix,
    )
