"""Keys one after the other: each meets the screen that the one before it left, however fast they come.

Over a slow line, or from a macro, keys come in bursts. Textual hands every key at once to what has the focus at that
moment: what follows the key of a dialog would be lost before the dialog is there. Knows no screen and no action.
"""

from collections import deque
from typing import TYPE_CHECKING

from textual import events
from textual.app import App
from textual.message import Message

if TYPE_CHECKING:
    from textual.message_pump import MessagePump
    from textual.screen import Screen


ROUNDS = 3
"""Of a follower: what a key comes to may be told on by messages behind it, as entered, then chosen, then closed."""


class Keyboard(App[None], inherit_bindings=False):
    """Holds a key back until the one before it is done."""

    class Followed(Message):
        """Goes the way of a key, behind it; when it comes up at the app, the key was there too."""

        def __init__(self, rounds: int) -> None:
            super().__init__()
            self.rounds = rounds

    def __init__(self) -> None:
        super().__init__()
        self._held: deque[events.Key | events.Paste] = deque()
        self._follower: Keyboard.Followed | None = None
        """Behind the key that is being worked on."""

    def on_mount(self) -> None:
        """A key that opens or closes a screen is done when the screen in front is ready."""
        self.screen_change_signal.subscribe(self, self._changed, immediate=True)

    async def on_event(self, event: events.Event) -> None:
        """Textual's, but for what is typed."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._follower:
            self._held.append(event)
        else:
            await self._take(event)

    async def _take(self, event: events.Key | events.Paste) -> None:
        before, target = self.screen, self.focused or self.screen
        self._follower = Keyboard.Followed(ROUNDS)
        await super().on_event(event)
        if self.screen is before:
            self._follow(target, ROUNDS)

    def _changed(self, screen: "Screen[object]") -> None:
        if self._follower:
            self._follow(screen, 1)

    def _follow(self, target: "MessagePump", rounds: int) -> None:
        self._follower = Keyboard.Followed(rounds)
        if not target.post_message(self._follower):
            self._follower = None  # it is closing, and so is the app: nothing is in front of it any more

    async def on_keyboard_followed(self, message: Followed) -> None:
        """The next key, after the last round."""
        if message is not self._follower:
            return  # of a screen that is gone
        self._follower = None
        if message.rounds > 1:
            self._follow(self.focused or self.screen, message.rounds - 1)
        elif self._held:
            await self._take(self._held.popleft())
