"""What all dialogs have in common: each ends once, however often its last key was pressed."""

from typing import ClassVar, TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """Over a slow line keys come in bursts: a second enter may find it closed already."""

    CSS_PATH: ClassVar = "dialog.tcss"

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Close it with a result, if it is in front; else it did so before, and nothing happens."""
        return super().dismiss(result) if self.is_active else AwaitComplete()
