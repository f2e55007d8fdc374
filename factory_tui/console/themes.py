"""The console's themes: a dark one, a light one, and one for colour-blind eyes (Okabe and Ito's palette).

Colours only; which tone means what is in console.tcss. Names are what `[ui] theme` may say.
"""

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
    primary="#56b4e9",
    secondary="#9aa3ad",
    success="#1fbf94",
    warning="#e69f00",
    error="#ff7a3d",
    accent="#f0e442",
    foreground="#e6e6e6",
    background="#101214",
    surface="#101214",
    panel="#20262d",
    variables={"frame": "#414a54", "quiet": "#8a939d"},
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT, COLOUR_BLIND)}
