"""What can be said against a loop: diagnostics, and the errors that carry them to whoever wrote it."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """How much a diagnostic weighs: an error keeps the loop from running."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Diagnostic(Struct, frozen=True, kw_only=True):
    """One finding about a loop (Attractor section 7.1); line and column count from 1."""

    rule: str
    severity: Severity
    message: str
    line: int
    column: int
    node: str = ""
    edge: tuple[str, str] | None = None
    fix: str = ""

    def __str__(self) -> str:
        fix = f" ({self.fix})" if self.fix else ""
        return f"{self.line}:{self.column}: {self.severity}: {self.message}{fix} [{self.rule}]"


class LoopError(ValueError):
    """A loop cannot run. `name` says which file, `diagnostics` holds every error found in it."""

    def __init__(self, name: str, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("\n".join(f"{name}:{found}" for found in diagnostics))
        self.name = name
        self.diagnostics = tuple(diagnostics)


class DotError(LoopError):
    """The text is not in the DOT subset: at `line`, `column` (from 1), `expected` is missing and `found` stands."""

    def __init__(self, line: int, column: int, expected: str, found: str, name: str = "loop") -> None:
        message = f"expected {expected}, found {found}"
        diagnostic = Diagnostic(rule="dot_syntax", severity=Severity.ERROR, message=message, line=line, column=column)
        super().__init__(name, (diagnostic,))
        self.line = line
        self.column = column
        self.expected = expected
        self.found = found
