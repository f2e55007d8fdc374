"""What a terminal shows: the part of a VT that programs draw with, from bytes to lines of text.

Cursor moves, erasing, inserting and deleting, scroll regions, the alternate screen, wide characters and line drawing;
colours are read over. Bytes are hostile: whatever comes, the screen keeps its size, and a step costs no more than one
screen. Pure; knows no pseudo terminal.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

STRING = 4096
"""Characters of a control string (a title, say) above which it is taken for text."""
_MARKS = 4
"""Combining characters that one cell holds."""
_TOKEN = re.compile(
    rf"""
    \x1b\[ (?P<lead>[<-?]*) (?P<numbers>[0-9;:]*) [ -/]* (?P<final>[@-~])
    | \x1b[\]PX^_] [^\x07\x1b]{{0,{STRING}}} (?:\x07|\x1b\\)
    | \x1b (?P<set>[()]) (?P<charset>[0-~])
    | \x1b [ -'*-/][ -/]* [0-~]
    | \x1b (?P<escape>[0-OQ-WYZ\\`-~])
    | (?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x9f])
    | (?P<text>[^\x00-\x1f\x7f-\x9f]+)
    """,
    re.VERBOSE,
)
_PARTIAL = re.compile(r"\x1b(\[[0-?]*[ -/]*|[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?)")
"""What the next bytes may complete."""
_DRAWING = str.maketrans("`afgjklmnopqrstuvwxyz{|}~", "◆▒°±┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·")


class Screen:
    """A screen of so many columns and rows; lines and columns count from 0 here."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.replies = bytearray()
        """What the terminal answers to what it was asked; whoever plays it sends that on and clears it."""
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._reset()

    def _reset(self) -> None:
        self._grid = self._blank()
        self._main: tuple[list[list[str]], tuple[int, int]] | None = None
        self.x = self.y = 0
        self._saved = (0, 0)
        self._top, self._bottom = 0, self.rows - 1
        self._wraps, self._inserts, self.application_keys = True, False, False
        self._full = False
        """Whether the last column was written: the next character goes to the next line."""
        self._drawing = [False, False]
        self._shifted = 0
        self._last = " "

    def _blank(self) -> list[list[str]]:
        return [[" "] * self.columns for _ in range(self.rows)]

    @property
    def lines(self) -> list[str]:
        """Every line, without blanks at its end."""
        return ["".join(row).rstrip() for row in self._grid]

    @property
    def text(self) -> str:
        """The lines, without empty ones at the end."""
        return "\n".join(self.lines).rstrip("\n")

    def feed(self, data: bytes) -> None:
        """Take the next bytes, however they were cut."""
        source, at = self._rest + self._decode(data), 0
        self._rest = ""
        while at < len(source):
            found = _TOKEN.match(source, at)
            if found:
                self._take(found)
                at = found.end()
            elif len(source) - at <= STRING and _PARTIAL.fullmatch(source, at):
                self._rest = source[at:]
                return
            else:
                at += 1  # no sequence: what follows is text

    def _take(self, found: re.Match[str]) -> None:
        if found["text"]:
            self._write(found["text"])
        elif found["control"]:
            self._control(found["control"])
        elif found["set"]:
            self._drawing[found["set"] == ")"] = found["charset"] == "0"
        elif found["escape"]:
            self._escape(found["escape"])
        elif found["final"]:
            numbers = [int(one[:5] or 0) for one in re.split("[;:]", found["numbers"])]
            if found["lead"] in ("", "?"):
                self._sequence(found["final"], numbers, private=bool(found["lead"]))

    # -- writing

    def _write(self, text: str) -> None:
        if self._drawing[self._shifted]:
            text = text.translate(_DRAWING)
        elif text.isascii() and not self._inserts and self._wraps:
            self._write_plain(text)
            return
        for char in text:
            wide = unicodedata.east_asian_width(char) in "WF" if char >= "ᄀ" else False
            if char >= "\u0300" and not wide and unicodedata.category(char) in ("Mn", "Me", "Cf"):
                self._mark(char)
                continue
            width = 2 if wide else 1
            if width > self.columns:
                continue
            if self._full or self.x + width > self.columns:
                if self._wraps:
                    self.x = 0
                    self._down()
                else:
                    self.x = self.columns - width
            if self._inserts:
                self._shift(width)
            self._part(self.x, self.x + width)
            row = self._grid[self.y]
            row[self.x] = self._last = char
            if wide:
                row[self.x + 1] = ""
            self._full = self.x + width >= self.columns
            self.x = min(self.x + width, self.columns - 1)

    def _write_plain(self, text: str) -> None:
        """The same for what is one column each, a line at a time."""
        at = 0
        while at < len(text):
            if self._full:
                self.x = 0
                self._down()
            size = min(len(text) - at, self.columns - self.x)
            self._part(self.x, self.x + size)
            self._grid[self.y][self.x : self.x + size] = text[at : at + size]
            at += size
            self._full = self.x + size >= self.columns
            self.x = min(self.x + size, self.columns - 1)
        self._last = text[-1]

    def _mark(self, char: str) -> None:
        row, at = self._grid[self.y], self.x - (0 if self._full else 1)
        at -= at > 0 and not row[at]
        if at >= 0 and len(row[at]) <= _MARKS:
            row[at] += char

    def _part(self, start: int, end: int) -> None:
        """Blank the other half of a wide character that is written over in part."""
        row = self._grid[self.y]
        if not row[start] and start:
            row[start - 1] = " "
        if end < self.columns and not row[end]:
            row[end] = " "

    def _shift(self, count: int) -> None:
        """Insert blanks at the cursor, or with a negative count delete there."""
        row, size = self._grid[self.y], min(abs(count), self.columns - self.x)
        if count > 0:
            self._part(self.x, self.x)
            self._part(self.columns - size, self.columns)
            row[self.x :] = [" "] * size + row[self.x : self.columns - size]
        else:
            self._part(self.x, self.x + size)
            row[self.x :] = row[self.x + size :] + [" "] * size
        row[:] = [one or " " if at == self.x else one for at, one in enumerate(row)]

    # -- moving

    def _go(self, x: int, y: int) -> None:
        self.x, self.y = max(0, min(x, self.columns - 1)), max(0, min(y, self.rows - 1))
        self._full = False

    def _down(self) -> None:
        self._full = False
        if self.y == self._bottom:
            self._scroll(1)
        else:
            self._go(self.x, self.y + 1)

    def _up(self) -> None:
        if self.y == self._top:
            self._scroll(-1)
        else:
            self._go(self.x, self.y - 1)

    def _scroll(self, count: int, top: int | None = None) -> None:
        """Move the lines of the region up, or with a negative count down."""
        top = self._top if top is None else top
        region = self._grid[top : self._bottom + 1]
        size = min(abs(count), len(region))
        fresh = [[" "] * self.columns for _ in range(size)]
        self._grid[top : self._bottom + 1] = (
            region[size:] + fresh if count > 0 else fresh + region[: len(region) - size]
        )

    # -- control

    def _control(self, char: str) -> None:
        if char in "\n\v\f":
            self._down()
        elif char == "\r":
            self._go(0, self.y)
        elif char == "\b":
            self._go(self.x - 1, self.y)
        elif char == "\t":
            self._go((self.x // 8 + 1) * 8, self.y)
        elif char in "\x0e\x0f":
            self._shifted = int(char == "\x0e")

    def _escape(self, char: str) -> None:
        if char in "DE":
            self.x = 0 if char == "E" else self.x
            self._down()
        elif char == "M":
            self._up()
        elif char == "7":
            self._saved = self.x, self.y
        elif char == "8":
            self._go(*self._saved)
        elif char == "c":
            self._reset()

    def _sequence(self, final: str, numbers: list[int], *, private: bool) -> None:
        first, count = numbers[0], max(1, numbers[0])
        second = numbers[1] if len(numbers) > 1 else 0
        if final in "hl":
            for number in numbers:
                self._mode(number, private=private, on=final == "h")
        elif final in "JK" and first <= 2:
            self._erase(final, first)
        elif private:
            return
        elif final in "Hf":
            self._go(max(1, second) - 1, count - 1)
        elif final in "AF":
            low = self._top if self.y >= self._top else 0
            self._go(0 if final == "F" else self.x, max(low, self.y - count))
        elif final in "BEe":
            high = self._bottom if self.y <= self._bottom else self.rows - 1
            self._go(0 if final == "E" else self.x, min(high, self.y + count))
        elif final in "Ca":
            self._go(self.x + count, self.y)
        elif final == "D":
            self._go(self.x - count, self.y)
        elif final in "G`":
            self._go(count - 1, self.y)
        elif final == "d":
            self._go(self.x, count - 1)
        elif final == "I":
            self._go((self.x // 8 + count) * 8, self.y)
        elif final == "Z":
            self._go(((self.x - 1) // 8 - count + 1) * 8, self.y)
        elif final in "LM" and self._top <= self.y <= self._bottom:
            self._scroll(count if final == "M" else -count, self.y)
            self._go(0, self.y)
        elif final in "ST":
            self._scroll(count if final == "S" else -count)
        elif final in "@P":
            self._shift(count if final == "@" else -count)
            self._full = False
        elif final == "X":
            self._wipe(self.x, min(self.x + count, self.columns))
        elif final == "b":
            self._write(self._last * min(count, self.columns))
        elif final == "r":
            top, bottom = count - 1, min(second or self.rows, self.rows) - 1
            if top < bottom:
                self._top, self._bottom = top, bottom
                self._go(0, 0)
        elif final == "s":
            self._saved = self.x, self.y
        elif final == "u":
            self._go(*self._saved)
        elif final == "n" and first in (5, 6):
            self.replies += f"\x1b[{self.y + 1};{self.x + 1}R".encode() if first == 6 else b"\x1b[0n"
        elif final == "c" and not first:
            self.replies += b"\x1b[?62c"

    def _mode(self, number: int, *, private: bool, on: bool) -> None:
        if not private:
            self._inserts = on if number == 4 else self._inserts
        elif number == 1:
            self.application_keys = on
        elif number == 7:
            self._wraps = on
        elif number in (47, 1047, 1049):
            if on and self._main is None:
                self._main = self._grid, (self.x, self.y)
                self._grid = self._blank()
            elif not on and self._main is not None:
                self._grid, place = self._main
                self._main = None
                self._go(*(place if number == 1049 else (self.x, self.y)))

    def _erase(self, final: str, what: int) -> None:
        """From the cursor to the end (0), from the start to it (1), or all (2)."""
        self._full = False
        self._wipe(0 if what else self.x, self.x + 1 if what == 1 else self.columns)
        if final == "J":
            for y in range(0 if what else self.y + 1, self.y if what == 1 else self.rows):
                self._grid[y] = [" "] * self.columns

    def _wipe(self, start: int, end: int) -> None:
        self._part(start, end)
        self._grid[self.y][start:end] = [" "] * (end - start)
