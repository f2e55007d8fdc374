"""Every action is reached by its key, by the palette and by the mouse, on every screen that has it."""

import pytest

from factory_tui.console.action import SCREENS, Scope
from factory_tui.console.actions import BY_ID, TABLE
from factory_tui.console.app import ConsoleApp
from factory_tui.console.deeds import DEEDS
from factory_tui.console.offering import in_scope
from factory_tui.console.screens.help import HelpScreen, Keys
from factory_tui.console.screens.palette import Actions
from tests.console import story
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage

STORY = story.tell()


def of(scope: Scope) -> list[str]:
    """The actions of a screen and of everywhere; where both have a key, it is the screen's."""
    here = in_scope(scope)
    taken = {key for action in here for key in action.keys}
    return [action.id for action in (*here, *(one for one in in_scope("everywhere") if not taken & {*one.keys}))]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The actions that were done, which do nothing."""
    found: list[str] = []

    def note(action: str) -> None:
        monkeypatch.setitem(DEEDS, action, lambda _app: found.append(action))

    for action in DEEDS:
        note(action)
    return found


async def go_to(stage: Stage, scope: Scope) -> None:
    if scope != "floor":
        await stage.press(BY_ID[f"go.{scope}"].keys[0])
    assert stage.app.scope == scope


@pytest.mark.parametrize("scope", SCREENS)
async def test_each_key_of_a_screen_does_its_action(scope: Scope, request: pytest.FixtureRequest) -> None:
    async with on_stage(StoryFeed(STORY), (120, 40)) as stage:
        await go_to(stage, scope)
        done: list[str] = request.getfixturevalue("done")
        wanted = [(key, action) for action in of(scope) for key in BY_ID[action].keys]
        await stage.press(*(key for key, _ in wanted))
        assert done == [action for _, action in wanted]


@pytest.mark.parametrize("scope", SCREENS)
async def test_the_palette_and_the_lines_of_the_help_reach_all_of_them(
    scope: Scope, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConsoleApp, "offers", lambda _app, _action: True)
    async with on_stage(StoryFeed(STORY), (120, 40)) as stage:
        await go_to(stage, scope)
        done: list[str] = request.getfixturevalue("done")
        for hit in [hit async for hit in Actions(stage.app.screen).discover()]:
            hit.command()
        everything = {action.id for action in TABLE if {scope, "everywhere"} & {*action.scopes}}
        assert {*done} == everything
        await stage.app.push_screen(HelpScreen(scope))
        lines = {*stage.app.screen.query_one(Keys).actions} - {""}
        assert lines == {action for action in everything if BY_ID[action].keys}
