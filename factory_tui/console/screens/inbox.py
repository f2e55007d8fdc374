"""The inbox: what waits for a human, oldest first, its evidence and what happened around it beside it.

What is snoozed, and what was answered of late, stays below. The next key is about all lines that are marked.
"""

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Container

from factory_tui.console import triaging
from factory_tui.console.keys import bindings
from factory_tui.console.screens.place import Place, layout
from factory_tui.console.widgets.around import Around
from factory_tui.console.widgets.bars import BurnLine, Header, KeyBar
from factory_tui.console.widgets.evidence import Evidence
from factory_tui.console.widgets.inbox import InboxList

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from factory_tui.console.action import Scope
    from factory_tui.console.waiting import Item


class InboxScreen(Place):
    """Its cursor chooses the run that the keys are about."""

    SCOPE: ClassVar["Scope"] = "inbox"
    PANES = (InboxList, Evidence, Around)
    BINDINGS: ClassVar[list["BindingType"]] = bindings("inbox")

    def compose(self) -> "ComposeResult":
        """Header, list, evidence and trace (beside or below), burn, keys."""
        self.add_class(layout(self.app.size.width))
        yield Header()
        with Container(id="asked"):
            yield InboxList()
            with Container(id="told"):
                yield Evidence()
                yield Around()
        yield BurnLine()
        yield KeyBar()

    @property
    def crumbs(self) -> tuple[str, ...]:
        """With the line under the cursor."""
        items = (one.item for one in self.query(InboxList))  # none while the screen is being put together
        return ("inbox", *(item.id for item in items if item))

    @property
    def list(self) -> InboxList:
        """What waits, with the cursor."""
        return self.query_one(InboxList)

    def fit_panes(self) -> None:
        """Evidence and trace share a place where there is room for one of them."""
        self.set_class(isinstance(self.pane, Around), "-around")
        super().fit_panes()

    def back(self) -> bool:
        """Marks go first."""
        return self.list.unmark() or super().back()

    def offers(self, action: str) -> bool:
        """What a key means to the lines that it would be about."""
        targets, item = self.list.targets, self.list.item
        match action:
            case "inbox.answer":
                return item is not None and _can_be_allowed(item)
            case "inbox.always":
                return any(map(triaging.reviews, targets)) or _for_money(item)
            case "inbox.refuse" | "inbox.expire":
                return any(map(triaging.refusal, targets))
            case "inbox.snooze" | "inbox.mark":
                return any(not one.answered for one in targets)
            case "inbox.undo":
                return bool(self.list.told or (item and item.run.taken))
            case "inbox.mark-all":
                return any(not one.answered for one in self.list.items())
        if action.startswith("inbox.choice-"):
            return int(action[-1]) <= len(triaging.choices(item))
        return super().offers(action)


def _can_be_allowed(item: "Item") -> bool:
    return not item.answered and (item.asked is not None or item.run.reason != "fence")


def _for_money(item: "Item | None") -> bool:
    return item is not None and item.asked is None and item.run.reason == "budget"
