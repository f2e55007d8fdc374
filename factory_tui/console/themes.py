"""The console's themes: a dark one, a light one, and one for colour-blind eyes.

Its state colours are Okabe and Ito's, moved until every two look at least 20 apart (CIELAB) without any one cone.

Names are what `[ui] theme` may say. `styles` is the only place where a role gets its looks.
"""

from rich.style import Style
from textual.theme import Theme

DARK = Theme(
    name="dark",
    primary="#6cb6ff",
    secondary="#8b949e",
    success="#57c27d",
    warning="#e0a94a",
    error="#f0716a",
    accent="#d9a0f5",
    foreground="#d5dbe3",
    background="#0f1318",
    surface="#0f1318",
    panel="#1b222b",
    variables={"frame": "#38424e", "quiet": "#7d8793"},
)
LIGHT = Theme(
    name="light",
    primary="#0a5fb4",
    secondary="#57606a",
    success="#1a7f37",
    warning="#8a5a00",
    error="#c01f2b",
    accent="#7a3fb0",
    foreground="#1f2328",
    background="#fbfbf9",
    surface="#fbfbf9",
    panel="#e9ecef",
    dark=False,
    variables={"frame": "#b9c0c8", "quiet": "#656d76"},
)
COLOUR_BLIND = Theme(
    name="colour-blind",
    primary="#4c91ec",
    secondary="#9aa3ad",
    success="#11e3a2",
    warning="#cd8100",
    error="#e95e56",
    accent="#f0e442",
    foreground="#e6e6e6",
    background="#101214",
    surface="#101214",
    panel="#20262d",
    variables={"frame": "#414a54", "quiet": "#8a939d"},
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT, COLOUR_BLIND)}


def styles(theme: Theme, no_color: bool) -> dict[str, Style]:
    """How each role looks. Without colour, weight says what hue said, since the grey of errors is the dimmest."""
    text, quiet = theme.foreground, theme.variables["quiet"]
    hue = {
        "text": text,
        "strong": text,
        "cursor": text,
        "dim": quiet,
        "idle": quiet,
        "live": theme.secondary,
        "running": theme.primary,
        "title": theme.primary,
        "key": theme.primary,
        "good": theme.success,
        "bad": theme.error,
        "asks": theme.accent,
        "waits": theme.warning,
        "frame": theme.variables["frame"],
        "chosen": theme.primary,
        "label": theme.background,
    }
    found = {role: Style(color=colour, bgcolor=theme.background) for role, colour in hue.items()}
    for role in ("strong", "title", "key", "label", "asks"):
        found[role] += Style(bold=True)
    found["live"] += Style(italic=True)
    found["label"] += Style(bgcolor=theme.warning)
    found["cursor"] += Style(bgcolor=theme.panel)
    found["match"] = Style(color=theme.background, bgcolor=theme.accent, bold=True)
    if no_color:
        plain = Style(color=text)
        found["bad"] += plain + Style(bold=True)
        found["asks"] += plain + Style(reverse=True)
        found["waits"] += plain + Style(italic=True)
        found["idle"] += Style(dim=True)
        found["label"] = Style(color=text, bgcolor=theme.background, bold=True, reverse=True)
        found["cursor"] += Style(underline=True)
        found["match"] = found["label"] + Style(underline=True)
        for role in ("running", "good", "key", "title"):
            found[role] += plain
        found["chosen"] += plain + Style(bold=True)
    return found
