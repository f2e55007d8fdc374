"""The action table as Textual bindings."""

from textual.binding import Binding, BindingType

from factory_tui.console.action import Scope
from factory_tui.console.offering import in_scope


def bindings(scope: Scope) -> list[BindingType]:
    """One binding an action, with the action's id, so that `[ui] keymap` can move it."""
    return [
        Binding(",".join(action.keys), f"app.act('{action.id}')", action.verb, show=False, id=action.id)
        for action in in_scope(scope)
        if action.keys
    ]
