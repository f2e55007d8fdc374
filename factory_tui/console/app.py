"""The Textual app: one reader task, one flush timer, keys that become commands. A pure view of the state.

Heavy parts (dialogs, palette) are imported when first opened: the first paint comes before the link is up.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.filter import NoColor

from factory_tui.config.settings import UiTable
from factory_tui.console.actions import BY_ID
from factory_tui.console.alarm import Alarm, sequence
from factory_tui.console.drafts import Drafts
from factory_tui.console.feed import Connect, Feed, RefusedError
from factory_tui.console.glyphs import SETS, Tone
from factory_tui.console.hangup import end_with_terminal
from factory_tui.console.keyboard import Keyboard
from factory_tui.console.keys import bindings
from factory_tui.console.linefilter import HostileFilter
from factory_tui.console.mirror import Mirror
from factory_tui.console.offering import allowed, keymap, makes_sense
from factory_tui.console.past import REVISED, REVISIONS, Past
from factory_tui.console.screens.floor import FloorScreen
from factory_tui.console.screens.place import Place
from factory_tui.console.sending import send
from factory_tui.console.themes import THEMES, styles
from factory_tui.console.widgets.floor_table import FloorTable
from factory_tui.console.widgets.panel import Panel
from factory_tui.console.widgets.tail import TailView
from factory_tui.console.wording import describe
from factory_tui.domain import commands as c
from factory_tui.domain.hostile import one_line
from factory_tui.domain.state import Run

if TYPE_CHECKING:
    from textual import events
    from textual.filter import LineFilter
    from textual.geometry import Size
    from textual.theme import Theme

    from factory_tui.console.action import Scope

FLUSH = 0.1
"""Seconds between two looks at what is dirty."""
BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each try to attach again; the last one repeats."""
FLASH = 6.0
BEHIND = 1.0
"""Seconds between two looks at what lies behind a dialog."""
PAGE = 500
"""Events asked for at once when looking back."""
WIDE_PAGE = 2000
"""The same where they are short."""
FAIR = 200
"""Messages taken in before others get their turn."""


def wall() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


class ConsoleApp(Keyboard, inherit_bindings=False):
    """Attaches, draws, and sends what the operator asks for."""

    CSS_PATH: ClassVar[str | Path] = Path(__file__).parent / "console.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("everywhere"), Binding("ctrl+c", "how_to_leave", show=False)]
    TITLE = "factory-tui"

    def __init__(
        self,
        connect: Connect,
        ui: UiTable | None = None,
        clock: Callable[[], int] = wall,
        folder: Path | None = None,
    ) -> None:
        """`folder`: the workspace, where its files may be opened in an editor; None: this console opens no process.

        Raises ValueError, with a remedy, for a keymap or a theme that cannot be.
        """
        ui = ui or UiTable()
        if ui.theme not in THEMES:
            raise ValueError(f"[ui] theme: {ui.theme!r} is unknown. Remedy: one of {', '.join(THEMES)}")
        self.set_reactive(ConsoleApp.theme, ui.theme)  # from the start: a change has all styles parsed again
        super().__init__()
        self.keys = keymap(ui.keymap)
        self.mirror = Mirror(self.clock)
        self._here = clock
        self._ahead = 0
        """Milliseconds that the engine's clock is ahead of ours."""
        self.glyphs = SETS[ui.glyphs]
        self.set_class(ui.glyphs == "ascii", "-ascii")
        self.folder = folder
        self._calls = (ui.bell, ui.notify)
        self._alarm = Alarm()
        self.chosen = ""
        self.flash: tuple[Tone, str] | None = None
        self._connect = connect
        self.feed: Feed | None = None
        self.coming: asyncio.Future[Feed]
        """The next feed, once it is attached."""
        self.drafts = Drafts()
        self._flash_ends = 0.0
        self._second = 0
        self._behind = 0.0
        """When what lies behind a dialog was drawn last, monotonic seconds."""
        self._asked: set[str] = set()
        self._watched: str | None = ""
        """The run whose cells the feed was asked to tell of; None: all of them."""
        self._hostile = HostileFilter()
        self._styled = ""
        self._styles: dict[str, Style] = {}
        self.set_keymap({name: written for name, written in ui.keymap.items() if BY_ID[name].keys})

    @property
    def place(self) -> Place | None:
        """The place in front, below any dialog."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Place)), None)

    @property
    def scope(self) -> "Scope":
        """Which actions are meant: those of the place in front."""
        return self.place.SCOPE if self.place else "floor"

    @property
    def available_themes(self) -> "dict[str, Theme]":
        """Ours alone."""
        return THEMES

    def style_of(self, role: str) -> Style:
        """How a role looks in the theme of now; `a+b` is a on b's background."""
        if self._styled != self.theme:
            self._styled, self._styles = self.theme, styles(THEMES[self.theme], self.no_color)
        found = self._styles.get(role)
        if found is None:
            name, over = role.split("+")
            upper = self._styles[over]
            found = self._styles[name] + Style(bgcolor=upper.bgcolor, underline=upper.underline)
            self._styles[role] = found
        return found

    def back_in(self, run: Run) -> float | None:
        """Seconds until a held run comes back by itself; None for one that does not."""
        return (run.retry_at - self.clock()) / 1000 if run.state == "held" and run.retry_at else None

    def clock(self) -> int:
        """The engine's time, UTC ms."""
        return self._here() + self._ahead

    def get_line_filters(self) -> Sequence["LineFilter"]:
        """Textual's filters, no colour where none is wanted (Textual's own would leave greys), and ours last of all."""
        plain = [NoColor()] if self.no_color else []
        return [*super().get_line_filters(), *plain, self._hostile]

    def get_default_screen(self) -> FloorScreen:
        """The floor."""
        return FloorScreen()

    def on_mount(self) -> None:
        """Paint first, attach after."""
        self.set_interval(FLUSH, self.flush)
        self.screen.call_later(self._begin)  # after what the screen has to do already: its first frame

    def _begin(self) -> None:
        self._judge_size(self.size)
        self.run_worker(self._attend(), group="link", exclusive=True, description="reads the link")

    async def _attend(self) -> None:
        """Attach, take in what comes, and when the link drops attach again, for ever."""
        attempt, first = 0, True
        self.coming = asyncio.get_running_loop().create_future()
        while True:
            try:
                self.feed = await self._connect()
            except OSError as error:
                wait = BACKOFF[min(attempt, len(BACKOFF) - 1)]
                attempt += 1
                self.mirror.lost(f"No link to an engine: {one_line(str(error), 300)}. Next try in {wait:g} s.", first)
                await asyncio.sleep(wait)
                continue
            attempt, first = 0, False
            self.mirror.attached(self.feed.state, self.feed.role)
            self._ahead = self.feed.now - self._here()
            self._asked.clear()
            self._watched = ""
            self.flush()
            feed = self.feed
            self.coming.set_result(feed)
            self.coming = asyncio.get_running_loop().create_future()
            try:
                await self._read(feed)
            finally:
                self.feed = None
                await feed.close()
            why = f"The link broke: {one_line(feed.end, 120)}" if feed.end else "The engine closed the link."
            self.mirror.lost(why, first)

    async def _read(self, feed: Feed) -> None:
        taken = 0
        async for message in feed:
            self.mirror.apply(message)
            taken += 1
            if taken % FAIR == 0:
                await asyncio.sleep(0)

    def flush(self) -> None:
        """Draw what is dirty; once a second everything, since ages move."""
        second = self.clock() // 1000
        if self.flash and time.monotonic() > self._flash_ends:
            self.flash, self.mirror.dirty = None, True
        fresh, self.mirror.fresh = self.mirror.fresh, None
        if fresh:
            self.say(*fresh)
        if self.mirror.connection == "live":
            self.call_human(self._alarm.look(self.mirror.state, time.monotonic()))
        if not self.mirror.dirty and second == self._second:
            return
        self.mirror.dirty, self._second = False, second
        self._keep_chosen()
        self._keep_watch()
        self.draw()

    def call_human(self, said: str) -> None:
        """Ring, and have the desktop say it; nothing for nothing."""
        if said and self._driver is not None:  # private: what else is written would cut a frame in two
            self._driver.write(sequence(said, *self._calls))

    def draw(self) -> None:
        """Every panel of the screen in front looks at the mirror, and of the place below a dialog."""
        if not self.screen_stack:
            return  # the app is being taken down
        with self.batch_update():
            if isinstance(self.screen, FloorScreen):
                self.screen.fit_table(len(self.mirror.state.runs))
            for panel in self.screen.query(Panel):
                panel.sync()
            now = time.monotonic()
            if self.place and self.place is not self.screen and now - self._behind >= BEHIND:
                self._behind = now
                for panel in self.place.query(Panel):
                    panel.sync()
                self.screen.refresh()  # all of it: what lies behind a dialog cannot be painted in parts

    def _keep_chosen(self) -> None:
        if self.chosen not in self.mirror.state.runs:
            runs = self.mirror.runs()
            self.chosen = runs[0].id if runs else ""
        if self.feed and self.chosen not in self._asked:
            self._asked.add(self.chosen)
            self._older()

    def _keep_watch(self) -> None:
        """Have the cells of the run told of that is looked at in full; else of all while one of them says nothing."""
        slow = any(self.mirror.quiet(run) for run in self.mirror.state.runs.values())
        wanted = self.chosen if self.scope == "run" else None if slow else ""
        if self.feed and wanted != self._watched:
            self._watched = wanted
            self.run_worker(self._watch(self.feed, wanted), group="watch", exclusive=True)

    async def _watch(self, feed: Feed, run: str | None) -> None:
        try:
            cells = await feed.watch(run)
        except (OSError, RefusedError) as error:
            self.say("waits", f"what cells use is not told: {error}")
            return
        self.mirror.watched(cells)

    def choose(self, run: str) -> None:
        """Put the cursor on a run."""
        self.chosen, self.mirror.dirty = run, True
        self.flush()

    def _older(self) -> None:
        self.run_worker(self._load(self.chosen), group=f"older-{self.chosen}", exclusive=True)

    async def _load(self, run: str) -> None:
        trace, feed = self.mirror.trace(run), self.feed
        if feed is None or trace.complete:
            return
        try:
            events = await feed.events(run, trace.first, PAGE)
        except (OSError, RefusedError) as error:
            self.say("bad", f"older lines cannot be read: {error}")
            return
        trace.prepend(events)
        self.mirror.dirty = True

    def look_back(self, kind: str) -> None:
        """Read facts of a kind from the journal, once for each link: a screen that draws them asks."""
        past, feed = self.mirror.past, self.feed
        if feed and kind not in past.asked:
            past.asked.add(kind)
            self.run_worker(self._look_back(feed, past, kind), group=f"past-{kind}", exclusive=True)

    async def _look_back(self, feed: Feed, past: Past, kind: str) -> None:
        wanted = True
        while wanted:
            limit = REVISIONS if kind == REVISED else WIDE_PAGE
            try:
                events = await feed.events(None, past.first.get(kind), limit, kinds=(kind,))
            except (OSError, RefusedError) as error:
                self.say("bad", f"the journal cannot be read: {error}")
                return
            wanted = past.older(kind, events, self.clock())
            self.mirror.dirty = True

    async def diff(self, run: str, before: int, after: int) -> tuple[str, bool]:
        """As the feed's. Raises RefusedError, OSError; the latter without a link too."""
        if self.feed is None:
            raise ConnectionError("no engine is attached. Remedy: q, then factory-tui again, which starts one")
        return await self.feed.diff(run, before, after)

    def on_tail_view_needs_older(self, _message: TailView.NeedsOlder) -> None:
        """The journal has more than the ring."""
        self._older()

    def on_floor_table_opened(self, _message: FloorTable.Opened) -> None:
        """A second click opens."""
        self.action_act("floor.open")

    def say(self, tone: Tone, text: str) -> None:
        """Say something in the key bar for some seconds."""
        self.flash = (tone, one_line(text, 300))
        self._flash_ends = time.monotonic() + FLASH
        self.mirror.dirty = True

    def offers(self, action: str) -> bool:
        """Whether an action makes sense now; what does not is not drawn."""
        if not allowed(BY_ID[action], self.mirror.role):
            return False
        if self.mirror.stopped and BY_ID[action].least != "viewer":
            return False
        if self.place and not self.place.offers(action):
            return False
        if action == "run.pane":
            return self.size.width < 100
        if action == "trace.follow":
            return any(not tail.following for tail in self.screen.query(TailView))
        if action == "run.shell" and self.folder is None:
            return False
        return makes_sense(action, self.mirror.run(self.chosen))

    def action_act(self, action: str) -> None:
        """Do an action of the table."""
        if not allowed(BY_ID[action], self.mirror.role):
            if self.feed:
                self.say("waits", f"{BY_ID[action].verb} needs the role {BY_ID[action].least}")
            return
        from factory_tui.console.deeds import DEEDS  # noqa: PLC0415 - deeds know the app

        DEEDS[action](self)
        self.mirror.dirty = True
        self.flush()

    def send(self, command: c.Command) -> None:
        """Ask the engine; the answer is said in the key bar."""
        self.run_worker(send(self, command), group="commands", description=describe(command))

    def action_how_to_leave(self) -> None:
        """Ctrl+c does not end anything here."""
        self.say("waits", "q detaches, the runs go on; X stops a run")

    def on_resize(self, event: "events.Resize") -> None:
        """Too small; the app itself hears of the size after this."""
        self._judge_size(event.size)

    def _judge_size(self, size: "Size") -> None:
        from factory_tui.console.screens.too_small import TooSmall, fits  # noqa: PLC0415 - rarely needed

        if not fits(*size) and not any(isinstance(screen, TooSmall) for screen in self.screen_stack):
            self.push_screen(TooSmall())


def run_console(connect: Connect, ui: UiTable | None = None, folder: Path | None = None) -> int:
    """Show the console until the operator detaches; 0 unless it broke.

    Raises ValueError, with a remedy, for a `[ui]` table that cannot be.
    """
    app = ConsoleApp(connect, ui, folder=folder)
    end_with_terminal()
    app.run()
    return app.return_code or 0
