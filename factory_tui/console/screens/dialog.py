"""What all dialogs have in common: each ends once, however often its last key was pressed."""

from typing import ClassVar, TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen

Result = TypeVar("Result")


class EndsOnce(Screen[Result]):
    """Over a slow line keys come in bursts: a second enter may find it closed already."""

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Close it with a result, if it is in front; else it did so before, and nothing happens."""
        return super().dismiss(result) if self.is_active else AwaitComplete()


class Dialog(ModalScreen[Result], EndsOnce[Result]):
    """In front of all else until it is dealt with."""

    CSS_PATH: ClassVar = "dialog.tcss"
