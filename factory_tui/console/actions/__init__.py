"""The one table of actions: keys, the key bar, `?`, the palette, read-only mode, docs/keys.md and `[ui] keymap`.

Pure data, one module a screen, one for what is about runs on any screen, one for every screen. Lower case can be
undone, upper case has consequences; a key whose screen does not exist is not in here.
"""

from factory_tui.console.action import Action
from factory_tui.console.actions.burn import BURN
from factory_tui.console.actions.everywhere import EVERYWHERE
from factory_tui.console.actions.floor import FLOOR
from factory_tui.console.actions.inbox import INBOX
from factory_tui.console.actions.past import PAST
from factory_tui.console.actions.run import RUN
from factory_tui.console.actions.runs import RUNS
from factory_tui.console.actions.workshop import WORKSHOP

TABLE: tuple[Action, ...] = (*FLOOR, *RUN, *INBOX, *WORKSHOP, *BURN, *PAST, *RUNS, *EVERYWHERE)
BY_ID = {action.id: action for action in TABLE}
