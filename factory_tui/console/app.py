"""The Textual app: one reader task, one flush timer, keys that become commands. A pure view of the state.

Heavy parts (dialogs, palette) are imported when first opened: the first paint comes before the link is up.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual._styles_cache import StylesCache
from textual.binding import Binding, BindingType
from textual.filter import NoColor

from factory_tui.burn.people import Targets
from factory_tui.config.presets import BUNDLED, presets_of
from factory_tui.config.settings import UiTable
from factory_tui.console.actions import BY_ID
from factory_tui.console.alarm import Alarm, sequence
from factory_tui.console.drafts import Drafts
from factory_tui.console.feed import Connect
from factory_tui.console.glyphs import SETS, Tone
from factory_tui.console.hangup import end_with_terminal
from factory_tui.console.keys import bindings
from factory_tui.console.linefilter import HostileFilter
from factory_tui.console.offering import allowed, keymap, makes_sense, shown
from factory_tui.console.screens.floor import FloorScreen
from factory_tui.console.screens.place import Place
from factory_tui.console.seen import Seen
from factory_tui.console.sending import send, send_all
from factory_tui.console.themes import THEMES, styles
from factory_tui.console.trace import Line
from factory_tui.console.trail import Stop
from factory_tui.console.traveller import KEEP_LOOK, Traveller
from factory_tui.console.widgets.pane import Pane
from factory_tui.console.widgets.panel import Panel
from factory_tui.console.widgets.reader import Reader
from factory_tui.console.widgets.tail import TailView
from factory_tui.console.wording import describe
from factory_tui.console.work import begin
from factory_tui.domain import commands as c
from factory_tui.domain.hostile import one_line
from factory_tui.domain.state import Run

if TYPE_CHECKING:
    from textual import events
    from textual.filter import LineFilter
    from textual.geometry import Size
    from textual.theme import Theme

    from factory_tui.console.widgets.matrix import Cell

FLUSH = 0.1
"""Seconds between two looks at what is dirty."""
FLASH = 6.0
BEHIND = 1.0
"""Seconds between two looks at what lies behind a dialog."""


def _forget_closed(_screen: object) -> None:
    """Textual keeps what was painted of a thousand closed widgets in the arguments of this cache: tens of megabytes."""
    StylesCache.get_inner_outer.cache_clear()


def wall() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


class ConsoleApp(Traveller, inherit_bindings=False):
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
        targets: Targets | None = None,
        *,
        seen: Seen | None = None,
    ) -> None:
        """`folder`: the workspace, where its files may be opened in an editor; None: this console opens no process.

        `targets`: what operators are expected to spend.
        `seen`: where it is kept when operators look; None: nowhere.

        Raises ValueError, with a remedy, for a keymap or a theme that cannot be.
        """
        ui = ui or UiTable()
        if ui.theme not in THEMES:
            raise ValueError(f"[ui] theme: {ui.theme!r} is unknown. Remedy: one of {', '.join(THEMES)}")
        self.set_reactive(ConsoleApp.theme, ui.theme)  # from the start: a change has all styles parsed again
        super().__init__(connect, clock, seen)
        self.keys = keymap(ui.keymap)
        self.glyphs = SETS[ui.glyphs]
        self.set_class(ui.glyphs == "ascii", "-ascii")
        self.folder = folder
        self.targets = targets or Targets()
        self.presets, self._preset = presets_of(ui), ui.preset
        """How the floor may look, and how it does at first."""
        self._calls = (ui.bell, ui.notify)
        self._alarm = Alarm()
        self.flash: tuple[Tone, str] | None = None
        self.drafts = Drafts()
        self.cells: dict[str, Cell] = {}
        """By run, where the cursor of its verdict matrix was put."""
        self.marked: dict[str, tuple[int, ...]] = {}
        """By run, the passes that are to be compared: two at most."""
        self._flash_ends = 0.0
        self._second = 0
        self._behind = 0.0
        """When what lies behind a dialog was drawn last, monotonic seconds."""
        self._hostile = HostileFilter()
        self._styled = ""
        self._styles: dict[str, Style] = {}
        self.set_keymap({name: written for name, written in ui.keymap.items() if BY_ID[name].keys})

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

    def get_line_filters(self) -> Sequence["LineFilter"]:
        """Textual's filters, and ours last of all; where no colour is wanted, none, since Textual's make greys."""
        return [*([NoColor()] if self.no_color else super().get_line_filters()), self._hostile]

    def get_default_screen(self) -> FloorScreen:
        """The floor."""
        return FloorScreen(self.presets.get(self._preset, BUNDLED["preview"]))

    def on_mount(self) -> None:
        """Paint first, attach after."""
        self.set_interval(FLUSH, self.flush)
        self.screen_change_signal.subscribe(self, _forget_closed)
        self.screen.call_later(self._begin)  # after what the screen has to do already: its first frame

    def _begin(self) -> None:
        self._judge_size(self.size)
        begin(self, self.attend, "link", said="reads the link")

    def flush(self) -> None:
        """Draw what is dirty; once a second everything, since ages move."""
        second = self.clock() // 1000
        if self.flash and time.monotonic() > self._flash_ends:
            self.flash, self.mirror.dirty = None, True
        fresh, self.live.fresh = self.live.fresh, None
        if fresh:
            self.say(*fresh)
        if self.live.connection == "live":
            self.call_human(self._alarm.look(self.live.state, time.monotonic()))
        if time.monotonic() - self._noted > KEEP_LOOK:
            self.note_look()
        if self.then:  # what is above all screens is of now
            self.then.mirror.dirty |= self.live.dirty
            self.then.mirror.connection, self.live.dirty = self.live.connection, False
        if not self.mirror.dirty and second == self._second:
            return
        self.mirror.dirty, self._second = False, second
        self._keep_chosen()
        self.keep_watch(in_full=self.scope == "run")
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
                self.screen.fit_table()
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
            shown = self.screen.table.runs() if isinstance(self.screen, FloorScreen) else []
            runs = shown or self.mirror.runs()
            self.chosen = runs[0].id if runs else ""
        self.keep_read()

    def choose(self, run: str) -> None:
        """Put the cursor on a run."""
        self.chosen, self.mirror.dirty = run, True
        self.trail.visit(Stop(self.scope, run))
        self.flush()

    def open_run(self, pane: type[Pane] | None = None) -> None:
        """The chosen run in full, over the screen that it was chosen on; keys are about a pane of it."""
        from factory_tui.console.places import PLACES  # noqa: PLC0415 - opened by hand

        if self.scope == "run" and self.place and pane:
            self.choose_pane(self.place.query_one(pane))
        elif self.mirror.run(self.chosen) and self.scope != "run":
            screen = PLACES["run"]()
            screen.begin_with(pane)
            self.push_screen(screen)
            self.trail.visit(Stop("run", self.chosen))

    def back_to(self, place: Place) -> None:
        """Leave what was opened over a screen."""
        while self.screen is not place and isinstance(self.screen, Place) and len(self.screen_stack) > 1:
            self.pop_screen()
        self.trail.visit(Stop(self.scope, self.chosen))
        self.mirror.dirty = True
        self.flush()

    def open_verdict(self) -> None:
        """What is known of the cell under the cursor of the verdict matrix."""
        from factory_tui.console.widgets.verdict import Verdict  # noqa: PLC0415 - with the run's screen

        self.open_run(Verdict)

    def choose_pane(self, pane: Pane) -> None:
        """Keys are about this pane from now on."""
        if self.place and pane in self.place.panes:
            self.place.choose(pane)
            self.flush()

    def on_reader_needs_older(self, _message: Reader.NeedsOlder) -> None:
        """The journal has more than the ring."""
        self.read_older()

    def on_reader_needs_newer(self, _message: Reader.NeedsNewer) -> None:
        """The ring has been taken up by older lines."""
        self.read_newer()

    def look_further(self, tail: TailView) -> None:
        """Search the journal for what a trace does not hold."""
        run = self.chosen

        def found() -> bool:
            if run != self.chosen or not tail.is_running:
                return True
            tail.sync()
            return tail.to_match(-1)

        self.search_older(found, tail.tell_search)

    def open_output(self, line: Line, seqs: Sequence[int]) -> None:
        """All that a line of a trace is short for."""
        from factory_tui.console.screens.output import OutputScreen  # noqa: PLC0415 - opened by hand

        self.push_screen(OutputScreen(line, seqs))

    def say(self, tone: Tone, text: str) -> None:
        """Say something in the key bar for some seconds."""
        self.flash = (tone, one_line(text, 300))
        self._flash_ends = time.monotonic() + FLASH
        self.mirror.dirty = True

    def offers(self, action: str) -> bool:
        """Whether an action makes sense now; what does not is not drawn."""
        if self.then and action == "run.fork":
            made = self.live.run(self.chosen) is not None and allowed(BY_ID[action], self.live.role)
            return made and makes_sense(action, self.mirror.run(self.chosen))
        if not allowed(BY_ID[action], self.mirror.role):
            return False
        if self.mirror.stopped and BY_ID[action].least != "viewer":
            return False
        if action == "past.later" and not self.then:
            return False
        if action.startswith("history.") and not self.trail.leads(-1 if action == "history.back" else 1):
            return False
        if self.place and not (self.place.is_mounted and self.place.offers(action)):
            return False  # one that is being opened has not all its panes
        if action.startswith("trace."):
            return any(tail.offers(action) for tail in self.screen.query(TailView))
        if action == "run.shell" and self.folder is None:
            return False
        return makes_sense(action, self.mirror.run(self.chosen))

    def action_act(self, action: str) -> None:
        """Do an action of the table."""
        role = self.live.role if action == "run.fork" else self.mirror.role
        if not allowed(BY_ID[action], role):
            if self.then and allowed(BY_ID[action], self.live.role):
                self.say("waits", f"{BY_ID[action].verb}: not in the past; {shown(self.keys['past'][0])} is now")
            elif self.feed:
                self.say("waits", f"{BY_ID[action].verb} needs the role {BY_ID[action].least}")
            return
        from factory_tui.console.deeds import DEEDS  # noqa: PLC0415 - deeds know the app

        DEEDS[action](self)
        self.mirror.dirty = True
        self.flush()

    def send(self, command: c.Command) -> None:
        """Ask the engine; the answer is said in the key bar."""
        begin(self, partial(send, self, command), "commands", said=describe(command), exclusive=False)

    def send_all(self, commands: Sequence[c.Command], left: Sequence[str] = ()) -> None:
        """Ask the engine one after the other; what it refused is said in the key bar, and what was `left` before."""
        begin(self, partial(send_all, self, commands, left), "commands", said="several", exclusive=False)

    @property
    def may_command(self) -> bool:
        """Whether anything can be asked of the engine by whoever looks."""
        return self.mirror.role != "viewer" and not self.mirror.stopped

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


def run_console(
    connect: Connect,
    ui: UiTable | None = None,
    folder: Path | None = None,
    targets: Targets | None = None,
    seen: Seen | None = None,
) -> int:
    """Show the console until the operator detaches; 0 unless it broke.

    Raises ValueError, with a remedy, for a `[ui]` table that cannot be.
    """
    app = ConsoleApp(connect, ui, folder=folder, targets=targets, seen=seen)
    end_with_terminal(app.note_look)
    app.run()
    app.note_look()
    return app.return_code or 0
