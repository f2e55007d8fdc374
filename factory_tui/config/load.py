"""Reading config.toml: types first, then what the values mean together.

Owns every check that needs the settings alone. Actions, and keys that collide on a screen, are the console's.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from factory_tui.config.checks import CAP, SHIP_RULE, out_of_bounds, within
from factory_tui.config.presets import presets_of
from factory_tui.config.prices import price_of
from factory_tui.config.reading import Document, Mistakes, Problem, bytes_of, nearest
from factory_tui.config.settings import LADDER, LadderTable, ModelTable, Settings, UiTable
from factory_tui.domain.money import FLOOR_CAPS, RUN_CAPS

RESERVED = ("alias",)
"""Names under [models] that are no models."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY = re.compile(r"[a-z0-9_+]+|\S")
_CELL_BOUNDS = {
    "memory": "64..",
    "cpus": "(0..",
    "pids": "16..",
    "work": "1..",
    "tmp": "1..",
    "inodes": "100..",
    "warm": "0..32",
}
_MODEL_BOUNDS = {
    "window": "1000..",
    "max_tokens": "1..",
    "requests_per_minute": "0..",
    "tokens_per_minute": "0..",
}
_AGENT_BOUNDS = {"command_timeout": "(0..", "output_limit": "200..", "max_steps": "1..", "attempts": "1.."}
_PRICES = ("price_input", "price_output", "price_cache_write", "price_cache_read")


class _Models(msgspec.Struct, frozen=True):
    ladder: LadderTable = LadderTable()


class _Laddered(msgspec.Struct, frozen=True):
    """Of a config.toml, the one table under [models] that is no model."""

    models: _Models = _Models()


def load(path: Path) -> Settings:
    """The settings in the file. Raises Mistakes with every problem that can be told apart."""
    try:
        source = bytes_of(path)
    except FileNotFoundError:
        remedy = "Write one, or make a workspace with one by `factory-tui init`."
        raise Mistakes(Problem(str(path), 0, "", "there is no such file.", remedy)) from None
    except OSError as error:
        remedy = "Make it a file that this user may read."
        raise Mistakes(Problem(str(path), 0, "", f"cannot be read: {error.strerror}.", remedy)) from None
    document = Document(source, path.name)
    reserved = tuple(_reserved(document))
    if reserved:
        raise Mistakes(*reserved)
    _set_aside(document)
    settings = document.convert(Settings)
    problems = tuple(_problems(document, settings))
    if problems:
        raise Mistakes(*problems)
    return settings


def shown_by(path: Path, *, serves: Callable[[], bool], mistake: Callable[[str], str]) -> Settings:
    """The settings that a console needs: how it looks, what it compares with. Raises Mistakes.

    What is wrong with a filter, a `mistake` says: `what. Remedy: what to do`, or nothing.
    Where an engine `serves` by what was good before, a broken file keeps nobody from looking: the floor tells of it.
    """
    try:
        settings = load(path)
        if problems := _filters(path, settings.ui, mistake):
            raise Mistakes(*problems)
        return settings
    except Mistakes:
        if not serves():
            raise
        return Settings()


def _filters(path: Path, ui: UiTable, mistake: Callable[[str], str]) -> list[Problem]:
    told = {name: said for name, one in ui.presets.items() if one.filter and (said := mistake(one.filter))}
    if not told:
        return []
    document = Document(bytes_of(path), path.name)
    parts = {name: said.partition(" Remedy: ") for name, said in told.items()}
    return [document.problem(("ui", "presets", name, "filter"), what, do) for name, (what, _, do) in parts.items()]


def _reserved(document: Document) -> Iterator[Problem]:
    models = document.data.get("models")
    for name in RESERVED:
        if isinstance(models, dict) and name in models:
            yield document.problem(
                ("models", name), "is a reserved name, not a model's.", "Give the model another name."
            )


def _set_aside(document: Document) -> None:
    """Take the ladder from among the models. Raises Mistakes of its own."""
    models = document.data.get("models")
    if isinstance(models, dict) and "ladder" in models:
        document.convert(_Laddered)
        document.data[LADDER] = models.pop("ladder")


def _problems(document: Document, settings: Settings) -> Iterator[Problem]:
    yield from out_of_bounds(document, settings.engine, {"slots": "1.."}, ("engine",))
    yield from _cells(document, settings)
    for name, model in settings.models.items():
        yield from _model(document, settings, name, model)
    yield from out_of_bounds(document, settings.agent, _AGENT_BOUNDS, ("agent",))
    yield from _named(document, settings, settings.agent.model, ("agent", "model"))
    for index, name in enumerate(settings.ladder.rungs):
        here = ("models", "ladder", "rungs", index)
        yield from _named(document, settings, name, here)
        if name in settings.ladder.rungs[:index]:
            yield document.problem(here, f"`{name}` is a rung already.", "Name each model once, from the cheapest up.")
    yield from _harness(document, settings)
    bounds = dict.fromkeys((*RUN_CAPS, *FLOOR_CAPS, "day_target"), CAP) | {
        "stall_after": "2..",
        "answer_within": "0..525600",
        "expire_after": "0..525600",
    }
    yield from out_of_bounds(document, settings.policy, bounds, ("policy",))
    for name, owner in settings.owners.items():
        yield from out_of_bounds(document, owner, {"day_target": CAP}, ("owners", name))
        if owner.email and "@" not in owner.email:
            yield document.problem(
                ("owners", name, "email"), "is no address.", "Write an address with an @, or nothing."
            )
    for index, pattern in enumerate(settings.ship.exclude):
        if not pattern or "/" in pattern or pattern == "*":
            message = f"`{pattern}` is no pattern of names to leave out."
            yield document.problem(
                ("ship", "exclude", index), message, "Write a name or glob without `/`, such as `*.pyc`."
            )
    yield from _presets(document, settings.ui)
    for action, keys in settings.ui.keymap.items():
        if not all(_KEY.fullmatch(key.strip()) for key in keys.split(",")):
            remedy = "Write keys like `n`, `ctrl+s` or `f1,question_mark`."
            yield document.problem(("ui", "keymap", action), f"`{keys}` are no keys.", remedy)


def _presets(document: Document, ui: UiTable) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for name, preset in ui.presets.items():
        if preset.key in taken:
            message = f"`{preset.key}` is the key of `{taken[preset.key]}` already."
            yield document.problem(("ui", "presets", name, "key"), message, "Give one of them another: f2, f3 or f4.")
        taken.setdefault(preset.key, name)
    known = presets_of(ui)
    if ui.preset != UiTable().preset and ui.preset not in known:
        meant = nearest(ui.preset, known)
        remedy = f"Did you mean `{meant}`?" if meant else f"Use one of {', '.join(known)}."
        yield document.problem(("ui", "preset"), f"no preset is called `{ui.preset}`.", remedy)


def _harness(document: Document, settings: Settings) -> Iterator[Problem]:
    table = settings.harness
    bounds = SHIP_RULE | {"parallel": "1..", "timeout": "(0..", "judge_error": "(0..0.5]", "judge_most": "3..99"}
    yield from out_of_bounds(document, table, bounds, ("harness",))
    if table.judge_most % 2 == 0:
        remedy = "Write an odd number: of an even one no majority is sure."
        yield document.problem(("harness", "judge_most"), f"{table.judge_most} is even.", remedy)
    if table.judge_model:
        yield from _named(document, settings, table.judge_model, ("harness", "judge_model"))


def _named(document: Document, settings: Settings, name: str, here: tuple[str | int, ...]) -> Iterator[Problem]:
    if name not in settings.models:
        meant = nearest(name, settings.models)
        remedy = f"Did you mean `{meant}`?" if meant else f"Add a table [models.{name}]."
        yield document.problem(here, f"no model is called `{name}`.", remedy)


def _cells(document: Document, settings: Settings) -> Iterator[Problem]:
    cells = settings.cells
    yield from out_of_bounds(document, cells, _CELL_BOUNDS, ("cells",))
    if cells.work + cells.tmp >= cells.memory:
        message = f"{cells.memory} MiB do not exceed work and tmp ({cells.work} + {cells.tmp}), which live in memory."
        yield document.problem(("cells", "memory"), message, "Raise memory, or lower work or tmp.")
    if cells.runtime and cells.kind == "process":
        message = "is for containers, and cells are processes."
        yield document.problem(("cells", "runtime"), message, 'Take it out, or set kind = "docker".')
    if not cells.image:
        yield document.problem(("cells", "image"), "is empty.", "Name an image that has python3.")


def _model(document: Document, settings: Settings, name: str, model: ModelTable) -> Iterator[Problem]:
    here = ("models", name)
    yield from out_of_bounds(document, model, _MODEL_BOUNDS, here)
    if model.max_tokens >= model.window:
        message = f"{model.max_tokens} tokens of answer leave no room in a window of {model.window}."
        yield document.problem((*here, "max_tokens"), message, "Lower max_tokens, or set window to what the model has.")
    if not _VARIABLE.fullmatch(model.key_env):
        # the value is not repeated: it may be the key itself
        remedy = 'Write the name, such as key_env = "ANTHROPIC_API_KEY", and put the key in that variable.'
        yield document.problem((*here, "key_env"), "is not the name of an environment variable.", remedy)
    if model.base_url and not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", model.base_url):
        message = "is no address that begins with http:// or https://, without a user or key in it."
        yield document.problem((*here, "base_url"), message, "Write it like https://gateway.example.com.")
    given = [key for key in _PRICES if getattr(model, key) is not None]
    yield from out_of_bounds(document, model, dict.fromkeys(given, "0.."), here)
    if model.price == "unmetered" and given:
        remedy = f'Remove {", ".join(given)}, or price = "unmetered".'
        yield document.problem((*here, "price"), "an unmetered model has no prices.", remedy)
    if all(within(getattr(model, key), "0..") for key in given) and price_of(settings, name) is None:
        message = f"no price is known for `{model.id or name}`, so no cap could hold."
        remedy = 'Set price_input and price_output (dollars per million tokens), or price = "unmetered".'
        yield document.problem(here, message, remedy)
