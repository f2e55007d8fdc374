"""The floor's presets: the bundled ones, and those of config.toml in their place. Pure."""

from factory_tui.config.settings import PresetTable, UiTable

BUNDLED = {
    "list": PresetTable(key="f2", layout="list"),
    "preview": PresetTable(key="f3", layout="preview"),
    "wall": PresetTable(key="f4", layout="wall"),
}


def presets_of(ui: UiTable) -> dict[str, PresetTable]:
    """Those that have a key, by name, in the order of their keys."""
    taken = {preset.key for preset in ui.presets.values()}
    found = {name: one for name, one in BUNDLED.items() if one.key not in taken and name not in ui.presets}
    return dict(sorted((found | ui.presets).items(), key=lambda pair: pair[1].key))
