"""A cursor over text for the small grammars of this floor, which says where it stopped and what it wanted there.

It knows characters, lines and columns; no grammar. Only ASCII counts as a letter, a digit or white space.
"""

import re

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
BARE = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_.:]|-(?!>))*")
SPACE = re.compile(r"[ \t\r\n]+")
NUMERIC = re.compile(r"-?[0-9.][A-Za-z0-9_.]*")
INTEGER = re.compile(r"-?[0-9]{1,18}")

_PLAIN = re.compile(r'[^"\\]+')
_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}


class ScanError(ValueError):
    """Text does not follow its grammar.

    `line` and `column` count from 1 and lie inside the text, or one past its end.
    """

    def __init__(self, line: int, column: int, expected: str, found: str) -> None:
        super().__init__(f"line {line}, column {column}: expected {expected}, found {found}")
        self.line = line
        self.column = column
        self.expected = expected
        self.found = found


class Scanner:
    """A position in a text, moved forward by what matches there; raises ScanError where nothing does."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def where(self, at: int | None = None) -> tuple[int, int]:
        """Line and column, from 1, of an offset (default: here)."""
        at = self.at if at is None else at
        return self.text.count("\n", 0, at) + 1, at - (self.text.rfind("\n", 0, at) + 1) + 1

    def found(self, at: int | None = None) -> str:
        """What stands at an offset, as a message names it."""
        at = self.at if at is None else at
        if at >= len(self.text):
            return "the end of the text"
        word = BARE.match(self.text, at) or NUMERIC.match(self.text, at)
        return repr(word.group()[:40] if word else self.text[at])

    def error(self, expected: str, at: int | None = None, found: str | None = None) -> ScanError:
        """The error to raise when `expected` does not stand at an offset."""
        line, column = self.where(at)
        return ScanError(line, column, expected, found or self.found(at))

    def done(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.text)

    def skip(self) -> None:
        """Pass over white space."""
        if match := SPACE.match(self.text, self.at):
            self.at = match.end()

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """What matches here, passing over it; None, moving nowhere, if nothing does."""
        match = pattern.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match.group()

    def need(self, pattern: re.Pattern[str], expected: str) -> str:
        """Like `take`, but an error if nothing matches."""
        got = self.take(pattern)
        if got is None:
            raise self.error(expected)
        return got

    def accept(self, literal: str) -> bool:
        """Pass over `literal` if it stands here."""
        if not self.text.startswith(literal, self.at):
            return False
        self.at += len(literal)
        return True

    def string(self) -> str:
        r"""A double-quoted string that starts here, without its quotes; escapes are \" \\ \n \t, newlines stay."""
        start = self.at
        self.at += 1
        parts: list[str] = []
        while True:
            if plain := self.take(_PLAIN):
                parts.append(plain)
            if self.done():
                raise self.error("a closing '\"' for the string that starts here", start, "the end of the text")
            if self.accept('"'):
                return "".join(parts)
            escape = _ESCAPES.get(self.text[self.at + 1 : self.at + 2])
            if escape is None:
                found = repr(self.text[self.at : self.at + 2])
                raise self.error('one of the escapes \\" \\\\ \\n \\t (write \\\\ for a backslash)', found=found)
            parts.append(escape)
            self.at += 2
