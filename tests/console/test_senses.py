"""What the screens say to whoever sees no colours, or fewer: by glyph, word and weight, and in which colours."""

from collections.abc import Awaitable, Callable
from functools import partial
from itertools import combinations
from math import dist

import pytest
from rich.color import Color
from rich.style import Style
from textual.theme import Theme

from factory_tui.console.themes import COLOUR_BLIND, THEMES
from factory_tui.domain import events as e
from factory_tui.domain.events import Event
from tests import snap
from tests.console import story, tales
from tests.console.feeds import StoryFeed
from tests.console.stage import Stage, on_stage
from tests.waiting import until

SIZES = [(80, 24), (120, 40), (200, 60)]
WEIGHTS = ("bold", "italic", "dim", "underline", "reverse")
MARKS = {
    (): " ",
    ("bold",): "b",
    ("italic",): "i",
    ("dim",): "d",
    ("underline",): "u",
    ("reverse",): "r",
    ("bold", "reverse"): "R",
    ("bold", "underline"): "B",
    ("italic", "underline"): "I",
    ("dim", "underline"): "D",
    ("bold", "underline", "reverse"): "U",
}
"""What stands under a character, by how it looks."""


def _mark(style: Style | None) -> str:
    if style is None:
        return " "
    for colour in (style.color, style.bgcolor):
        assert colour is None or colour.is_default, f"a colour under NO_COLOR: {style}"
    return MARKS[tuple(weight for weight in WEIGHTS if getattr(style, weight))]


def weighed(stage: Stage) -> str:
    """The screen in front; under each line that has weights, a letter of MARKS a cell."""
    said = list[str]()
    for strip in stage.app.screen._compositor.render_strips():
        said.append(f" {strip.text}".rstrip())
        marks = "".join(_mark(part.style) * part.cell_length for part in strip).rstrip()
        said += [f"~{marks}"] if marks else []
    return "\n".join(said) + "\n"


async def _drawn(stage: Stage, text: str) -> None:
    """Until what was asked of the journal is on the screen."""

    def there() -> bool:
        stage.app.draw()
        return text in snap.text_of(stage.app)

    await until(there, f"{text!r} is drawn")
    await stage.settle()


async def _floor(stage: Stage) -> None:
    if stage.app.size.width > 100:
        await _drawn(stage, "E-7 was answered by policy")


async def _run(stage: Stage) -> None:
    await stage.press("down", "enter")
    await until(lambda: bool(stage.app.mirror.trace("shortlinks-1").lines), "its trace is read")
    await stage.press("tab")


async def _inbox(stage: Stage) -> None:
    await stage.press("3", "down")
    if stage.app.size.width > 100:
        await until(lambda: len(stage.app.mirror.around) == 2, "what was done around both is read")
        await stage.settle()


async def _workshop(stage: Stage) -> None:
    await stage.press("4")
    await until(lambda: len(stage.app.mirror.past.revisions) == 3, "revisions are read")
    await stage.press("tab", "tab")


async def _burn(stage: Stage) -> None:
    await stage.press("5")
    await until(lambda: stage.app.mirror.read, "the journal is read")
    await stage.settle()


async def _journal(stage: Stage) -> None:
    await stage.press("6")
    await until(lambda: stage.app.mirror.ledger.newest, "acts are read")
    await stage.press("down")
    await until(lambda: " reading" not in snap.text_of(stage.app), "the event and the timeline are read")
    await stage.settle()


async def _past(stage: Stage) -> None:
    await stage.press("h")
    await until(lambda: stage.app.then is not None, "the past is there")
    await until(lambda: bool(stage.app.mirror.trace(stage.app.chosen).lines), "its trace is read")
    await stage.settle()


PLACES: dict[str, tuple[Callable[[], list[Event]], Callable[[Stage], Awaitable[None]]]] = {
    "floor": (story.triage, _floor),
    "run": (partial(story.until, e.VerdictReached, "shortlinks-1", 45), _run),
    "inbox": (story.triage, _inbox),
    "workshop": (tales.benched, _workshop),
    "burn": (tales.burned, _burn),
    "journal": (story.triage, _journal),
    "past": (story.triage, _past),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("place", PLACES)
async def test_without_colour_each_screen_says_by_weight_what_it_says_by_hue(
    place: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    tell, go = PLACES[place]
    async with on_stage(StoryFeed(tell()), size) as stage:
        await go(stage)
        snap.compare(weighed(stage), f"console/no-color/{place}-{size[0]}x{size[1]}")


EYES = {
    "all cones": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""What eyes make of linear red, green and blue (Machado, Oliveira and Fernandes, 2009, severity 1)."""
Triple = tuple[float, ...]


def _linear(colour: str) -> Triple:
    shares = (part / 255 for part in Color.parse(colour).get_truecolor())
    return tuple(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)


def _weighted(rows: tuple[Triple, ...], colour: Triple) -> Triple:
    return tuple(sum(weight * part for weight, part in zip(row, colour, strict=True)) for row in rows)


def contrast(one: str, other: str) -> float:
    """Of WCAG 2: 4.5 is what text needs."""
    dark, bright = sorted(_weighted(((0.2126, 0.7152, 0.0722),), _linear(colour))[0] for colour in (one, other))
    return (bright + 0.05) / (dark + 0.05)


def seen(colour: str, eyes: str) -> Triple:
    """In CIELAB: as far apart as they look."""
    linear = tuple(min(1.0, max(0.0, part)) for part in _weighted(EYES[eyes], _linear(colour)))
    space = ((0.4339, 0.3762, 0.1899), (0.2126, 0.7152, 0.0722), (0.0177, 0.1095, 0.8728))  # sRGB to XYZ over D65
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in _weighted(space, linear))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def of_states(theme: Theme) -> dict[str, str]:
    """The colour of each tone that says a state."""
    named = ("primary", "success", "error", "accent", "warning")
    return {name: str(getattr(theme, name)) for name in named} | {"quiet": theme.variables["quiet"]}


@pytest.mark.parametrize("eyes", EYES)
def test_no_two_states_look_alike_to_colour_blind_eyes(eyes: str) -> None:
    for one, other in combinations(of_states(COLOUR_BLIND).items(), 2):
        apart = dist(seen(one[1], eyes), seen(other[1], eyes))
        assert apart >= 20, f"{one} and {other} are {apart:.1f} apart to eyes with {eyes}"


@pytest.mark.parametrize("theme", THEMES)
def test_every_state_can_be_read_on_its_background(theme: str) -> None:
    for name, colour in of_states(THEMES[theme]).items():
        assert contrast(colour, str(THEMES[theme].background)) >= 4.5, name
    for name, colour in of_states(COLOUR_BLIND).items():
        assert contrast(colour, str(COLOUR_BLIND.panel)) >= 4.5, f"{name}, under the cursor"
