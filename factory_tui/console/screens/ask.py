"""One dialog for what a person has to say: choices by digit, words, or both; what is wrong is said in it."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import msgspec
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static, TextArea

from factory_tui.console.paint import Row, left, right, width, wrap
from factory_tui.console.screens.dialog import Dialog
from factory_tui.console.widgets.panel import Panel
from factory_tui.domain.hostile import one_line

Reply = tuple[int, str]
"""Which choice, counted from 0 (-1: none), and the words."""
BODY_ROWS = 10
CHOICE_ROWS = 9
FIXED_ROWS = 11
"""Of a dialog: its border, title, keys, and room for what is wrong."""
ROOMY = 12
"""Rows beside those from which on a field has all of its lines."""


class Question(msgspec.Struct, frozen=True):
    """What is asked. Texts of others need not be clean; `check` says what is wrong with a reply, "" if nothing is."""

    title: str
    body: Sequence[Row] = ()
    choices: Sequence[tuple[str, str]] = ()
    """What each is called, and what stands at its right."""
    words: str = ""
    """What the field is for; empty: there is no field."""
    check: Callable[[int, str], str] = lambda _choice, _words: ""
    at: int = -1
    """The choice under the cursor at first; -1: none, so that nothing is chosen by accident."""
    rows: int = 1
    """Of the field."""
    draft: str = ""
    """What stands in the field at first."""


class _Body(Panel):
    """What the question is about; scrolls."""

    FRAMED = False

    def __init__(self, body: Sequence[Row]) -> None:
        super().__init__()
        self._body = body
        self.top = 0

    def rows(self, width: int, height: int) -> list[Row]:  # noqa: ARG002
        self.top = max(0, min(self.top, len(self._body) - height))
        return list(self._body[self.top : self.top + height])


class _Choices(Panel):
    """One of them under the cursor, or none."""

    FRAMED = False

    def __init__(self, choices: Sequence[tuple[str, str]], at: int) -> None:
        super().__init__()
        self._choices = choices
        self.at = at

    def rows(self, width: int, height: int) -> list[Row]:
        top = max(0, self.at - height + 1)
        return [self._line(index, width) for index in range(len(self._choices))][top : top + height]

    def _line(self, index: int, room: int) -> Row:
        name, more = self._choices[index]
        chosen = index == self.at
        lead = f"{self.glyphs.cursor if chosen else ' '} "
        hint = one_line(more, 40)
        row: Row = [(lead, "key"), (f"{index + 1 if index < 9 else ' '} ", "key")]
        row.append((left(one_line(name), max(4, room - width(row) - len(hint) - 2)), "text"))
        row += [("  ", "text"), (right(hint, len(hint)), "dim")]
        return [(text, f"{role}+cursor") for text, role in row] if chosen else row

    def point(self, index: int) -> None:
        self.at = max(0, min(index, len(self._choices) - 1))
        self.sync()


class Ask(Dialog[Reply | None]):
    """Returns the reply, or None. Enter sends, ctrl+j makes a new line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False),
        Binding("enter", "send", show=False, priority=True),
        Binding("ctrl+j", "line", show=False, priority=True),
        Binding("tab", "other", show=False, priority=True),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "scroll(1)", show=False),
        Binding("pageup", "scroll(-1)", show=False),
    ]
    AUTO_FOCUS = ""

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Title, what it is about, choices, the field, what is wrong, the keys."""
        asked = self._question
        with Vertical(classes="dialog ask"):
            yield Static(one_line(asked.title), classes="title", markup=False)
            if asked.body:
                yield _Body(asked.body)
            if asked.choices:
                yield _Choices(asked.choices, asked.at)
            if asked.words:
                yield TextArea(asked.draft, placeholder=asked.words, show_line_numbers=False, compact=True)
            yield Static("", id="wrong", markup=False)
            yield Static("", id="keys", markup=False)

    def on_mount(self) -> None:
        """Words can be typed at once where nothing is to be chosen."""
        self._fit()
        for area in self.query(TextArea):
            area.move_cursor(area.document.end)
            if not self._question.choices:
                area.focus()

    def on_resize(self) -> None:
        """The terminal changed beneath it."""
        self._fit()

    def _fit(self) -> None:
        """Every part as high as it has to be; what scrolls gives way, the question before the choices."""
        asked, room = self._question, self.app.size.height - FIXED_ROWS
        lines = asked.rows if room >= ROOMY else 1
        room -= lines + 3 if asked.words else 0
        choices = min(len(asked.choices), CHOICE_ROWS, max(2, room - 3))
        body = min(len(asked.body), BODY_ROWS, max(2, room - choices))
        self.query(_Body).set_styles(f"height: {body};")
        self.query(_Choices).set_styles(f"height: {choices};")
        self.query(TextArea).set_styles(f"height: {lines + 2};")
        self.query_one("#keys", Static).update(self._keys(len(asked.body) > body))

    def _keys(self, more: bool) -> str:
        asked = self._question
        parts = ["digit chooses"] if asked.choices else []
        parts += ["tab words"] if asked.choices and asked.words else []
        parts += ["enter sends"]
        parts += ["ctrl+j line"] if asked.rows > 1 else []
        parts += ["pgdn"] if more else []
        return "  ".join([*parts, "esc"])

    def on_key(self, event: events.Key) -> None:
        """Without a detour over tab: a digit chooses, a letter begins the words."""
        if not event.is_printable or not event.character:
            return
        if self.focused is None and event.character.isdecimal() and self._question.choices:
            index = int(event.character) - 1
            if 0 <= index < len(self._question.choices):
                self.query_one(_Choices).point(index)
        elif self._question.words:
            field = self.query_one(TextArea)
            self.set_focus(field)
            field.insert(event.character)
        event.stop()

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted are words."""
        for field in self.query(TextArea):
            if self.focused is not field:  # which takes in its own
                self.set_focus(field)
                field.insert(event.text)

    def action_send(self) -> None:
        """Send it, or say what is wrong with it."""
        choice = next((choices.at for choices in self.query(_Choices)), -1)
        words = "".join(field.text for field in self.query(TextArea)).strip()
        wrong = self._question.check(choice, words)
        if not wrong:
            self.dismiss((choice, words))
            return
        room = self.query_one("#wrong", Static)
        room.update("\n".join(wrap(one_line(wrong, 300), 58)))
        room.add_class("-said")

    def on_text_area_changed(self) -> None:
        """What was wrong is being mended."""
        self.query_one("#wrong", Static).remove_class("-said")

    def action_line(self) -> None:
        """A new line in the words."""
        for field in self.query(TextArea):
            if self._question.rows > 1:
                field.insert("\n")

    def action_other(self) -> None:
        """From the choices to the words and back."""
        if self._question.choices and self._question.words:
            self.set_focus(None if self.focused else self.query_one(TextArea))

    def action_move(self, rows: int) -> None:
        """Cursor; without choices it scrolls."""
        for choices in self.query(_Choices):
            choices.point(choices.at + rows if choices.at >= 0 else 0)
        if not self._question.choices:
            self._scroll_body(rows)

    def action_scroll(self, pages: int) -> None:
        """What the question is about, by pages."""
        self._scroll_body(pages * (BODY_ROWS - 1))

    def _scroll_body(self, rows: int) -> None:
        for body in self.query(_Body):
            body.top += rows
            body.sync()

    def action_cancel(self) -> None:
        """Nothing happens."""
        self.dismiss(None)
