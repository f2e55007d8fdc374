"""A question before what cannot be taken back: no has the focus, and a final thing wants its name typed."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Input, Static

from factory_tui.console.screens.dialog import Dialog


class Confirm(Dialog[bool]):
    """Returns whether it shall be done. With `name`, only after that name was typed: its field has the focus then."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False),
        Binding("left,right", "other", show=False),
        Binding("tab", "complete", show=False, priority=True),
    ]
    AUTO_FOCUS = "#name, #cancel"
    """From the start: over a slow line keys come in bursts, and none may be lost."""

    def __init__(self, title: str, body: str, verb: str, name: str = "") -> None:
        super().__init__()
        self._title, self._body, self._verb, self._name_wanted = title, body, verb, name

    def compose(self) -> ComposeResult:
        """Title, what it means, the name to type, two buttons that stay in sight however long the text is."""
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="title", markup=False)
            with VerticalScroll(classes="body", can_focus=False):
                yield Static(self._body, markup=False)
            if self._name_wanted:
                hint = f"type {self._name_wanted} to go on; tab ends what you began"
                yield Input(placeholder=hint, id="name", select_on_focus=False)
                yield Static("", id="wrong", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button(self._verb, id="do", variant="error", disabled=bool(self._name_wanted))

    @on(Input.Changed)
    def typed(self, event: Input.Changed) -> None:
        """Open the button once the name is right; what was wrong is being mended."""
        self.query_one("#wrong", Static).remove_class("-said")
        self.query_one("#do", Button).disabled = event.value.strip() != self._name_wanted

    @on(Input.Submitted)
    def entered(self, event: Input.Submitted) -> None:
        """Enter in the field does it, if the name is right, and else says that it is not."""
        if event.value.strip() == self._name_wanted:
            self.dismiss(True)
            return
        room = self.query_one("#wrong", Static)
        room.update(f"That is not its name: {self._name_wanted}")
        room.add_class("-said")

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """One of the two buttons."""
        self.dismiss(event.button.id == "do")

    def action_cancel(self) -> None:
        """Nothing happens."""
        self.dismiss(False)

    def action_complete(self) -> None:
        """End a name that was begun right; elsewhere on to the next of the field and the buttons."""
        field = next(iter(self.query(Input)), None)
        if field and field.has_focus and field.value and self._name_wanted.startswith(field.value):
            field.value = self._name_wanted
            field.action_end()
        else:
            self.focus_next()

    def action_other(self) -> None:
        """The other button."""
        self.focus_next("Button")
