"""Reading a scenario file: its shape, and what is wrong with it, by file, line, key and remedy.

Knows nothing of how draws are made, acts are run or answers compared.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

import msgspec

from factory_tui.config.lines import Step
from factory_tui.config.reading import Document, Mistakes, Problem
from factory_tui.harness import hosted
from factory_tui.harness.expressions import Expression, ExpressionError
from factory_tui.harness.keys import NAMES as KEYS
from factory_tui.harness.keys import is_key
from factory_tui.harness.moment import moment
from factory_tui.harness.shapes import (
    Act,
    BytesDraw,
    DateDraw,
    Draw,
    Expect,
    Http,
    IntDraw,
    MoneyDraw,
    Property,
    Scenario,
    ScenarioFile,
    ScreenExpect,
    Seen,
    TableDraw,
    TerminalStep,
    TextDraw,
    Within,
    WordDraw,
)

NAME = re.compile(r"[a-z][a-z0-9_]*")
FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
TEMPLATE = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)\}")
"""A doubled brace, or a name in braces (group 1)."""

Steps = tuple[Step, ...]
Found = tuple[Steps, str, str]
"""Where, what is wrong, and the remedy."""


def parse(source: str | bytes, file: str) -> Scenario:
    """The scenario that a file holds. Raises Mistakes: all of shape, or all of sense."""
    document = Document(source, file)
    shape = document.convert(ScenarioFile)
    name = PurePath(file).stem
    problems = [document.problem(*found) for found in _lint(shape)]
    if not FILE_NAME.fullmatch(name):
        remedy = "Use lower case letters, digits, - and _."
        problems.append(Problem(file, 0, "", f"`{name}` is no name for a scenario.", remedy))
    if problems:
        raise Mistakes(*problems)
    return Scenario(
        name=name,
        kind=shape.kind,
        set=shape.set,
        story=shape.story,
        weight=shape.weight,
        trajectories=shape.trajectories,
        reviewed_for=shape.reviewed_for,
        draw=shape.draw,
        let=shape.let,
        services=tuple(shape.service),
        acts=tuple(shape.act),
        twins=tuple(shape.twin),
        judge=shape.judge,
        clock=shape.clock,
    )


def schema() -> str:
    """The JSON Schema (2020-12) of a scenario file, for editors: shape alone; `parse` says what makes no sense."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A scenario of factory-tui"}
    return json.dumps({**head, **msgspec.json.schema(ScenarioFile)}, indent=2) + "\n"


def _lint(scenario: ScenarioFile) -> Iterator[Found]:
    for name, draw in scenario.draw.items():
        yield from _lint_draw(("draw", name), draw)
    known = set(scenario.draw)
    yield from _lint_let(("let",), scenario.let, known)
    names = [service.name for service in scenario.service]
    if scenario.clock:
        yield from _lint_clock(("clock",), scenario.clock)
        yield from _lint_templates(("clock",), scenario.clock, known)
    twins = [twin.name for twin in scenario.twin]
    yield from hosted.lint(scenario.twin)
    for number, twin in enumerate(scenario.twin):
        yield from _lint_templates(("twin", number), msgspec.to_builtins(twin), known)
    for number, service in enumerate(scenario.service):
        if service.name in names[:number]:
            yield ("service", number, "name"), f"two services are named `{service.name}`.", "Name them apart."
        yield from _lint_templates(("service", number), msgspec.to_builtins(service), known)
    yield from _lint_acts(("act",), scenario.act, known, names, twins)
    every = [inner for act in scenario.act for inner in (act, *(act.property.act if act.property else ()))]
    if not scenario.clock and any(act.clock is not None for act in every):
        yield ("act",), "an act moves a clock that is not set.", "Say above the tables when it begins: clock = ..."


def _lint_acts(
    steps: Steps, acts: Sequence[Act], known: set[str], services: list[str], twins: list[str]
) -> Iterator[Found]:
    """Acts in order; what one captures, those after it know."""
    captured: set[str] = set()
    for number, act in enumerate(acts):
        place = (*steps, number)
        yield from _lint_act(place, act, services)
        if act.twin is not None:
            yield from hosted.lint_act((*place, "twin"), act.twin, twins)
        if act.property is not None:
            yield from _lint_property((*place, "property"), act.property, known, services, twins, captured=captured)
        captured |= set(act.capture)
        known |= set(act.capture)
        yield from _lint_templates(place, {**msgspec.to_builtins(act), "capture": {}, "property": None}, known)


def _lint_property(
    steps: Steps, wanted: Property, known: set[str], services: list[str], twins: list[str], *, captured: set[str]
) -> Iterator[Found]:
    for name, draw in wanted.for_all.items():
        if name in known:
            yield (*steps, "for_all", name), "the name is known already.", "Choose another name."
        yield from _lint_draw((*steps, "for_all", name), draw)
    # what a product said may fail an expression, and so void what it fails: no captures here
    given = {*known, *wanted.for_all} - captured
    yield from _lint_let((*steps, "let"), wanted.let, given)
    within = given | captured
    for number, act in enumerate(wanted.act):
        if act.property is not None:
            yield (*steps, "act", number), "a property is no part of another.", "Give it more inputs instead."
    yield from _lint_acts((*steps, "act"), wanted.act, within, services, twins)


def _lint_let(steps: Steps, let: Mapping[str, str], known: set[str]) -> Iterator[Found]:
    """Computed values in order; each is known to those after it."""
    for name, source in let.items():
        place = (*steps, name)
        if name in known or not NAME.fullmatch(name):
            yield place, "the name is drawn already, or not lower case.", "Choose another name."
        try:
            missing = Expression(source).names - known
        except ExpressionError as error:
            yield place, f"{error}.", "docs/scenarios.md lists the language."
        else:
            if missing:
                yield place, f"unknown {', '.join(sorted(missing))}.", "Draw it, or compute it in a line above."
        known.add(name)


def _lint_draw(steps: Steps, draw: Draw) -> Iterator[Found]:
    if not NAME.fullmatch(str(steps[-1])):
        yield steps, "names are lower case letters, digits and _.", "Rename it."
    if isinstance(draw, MoneyDraw) and not (draw.min.is_finite() and draw.max.is_finite()):
        yield steps, "an amount is not finite.", "Mend min and max."
    elif (
        (isinstance(draw, IntDraw) and draw.min > draw.max)
        or (isinstance(draw, MoneyDraw) and draw.min > draw.max)
        or (isinstance(draw, DateDraw) and draw.min > draw.max)
    ):
        yield steps, "min is above max.", "Swap them."
    if isinstance(draw, WordDraw | TextDraw | BytesDraw) and not 0 <= draw.min <= draw.max <= 10_000:
        yield steps, "lengths must be 0 <= min <= max <= 10000.", "Mend min and max."
    if isinstance(draw, TableDraw):
        if not 0 <= draw.rows[0] <= draw.rows[1] <= 1000:
            yield (*steps, "rows"), "rows are [least, most], at most 1000.", "Mend rows."
        for name, column in draw.columns.items():
            yield from _lint_draw((*steps, "columns", name), column)


KINDS: dict[str, tuple[set[str], tuple[str, ...]]] = {
    "http": ({"status", "headers", "json", "body", "within"}, ("json", "header", "body")),
    "run": ({"exit", "stdout", "stderr", "json", "files", "listing", "within"}, ("json", "stdout")),
    "terminal": ({"exit", "screen", "files", "listing", "within"}, ("screen",)),
    "property": (set(), ()),
    "clock": (set(), ()),
    "twin": ({"json"}, ("json",)),
    "wait": (set(), ()),
}
"""The kinds of acts: which expectations say something about each, and what can be captured from it."""


def _lint_act(steps: Steps, act: Act, services: list[str]) -> Iterator[Found]:
    kinds = [kind for kind in KINDS if getattr(act, kind) is not None]
    if len(kinds) != 1:
        yield steps, f"an act is exactly one of {', '.join(KINDS)}.", "Split it into acts."
        return
    expectations, captures = KINDS[kinds[0]]
    for field in msgspec.structs.fields(Expect):
        if field.name not in expectations and getattr(act.expect, field.name) not in (None, {}):
            yield (*steps, "expect", field.name), "it says nothing about this kind of act.", "Move it to its act."
    if isinstance(act.expect.within, Within) and act.terminal is not None:
        yield (*steps, "expect", "within"), "a program on a terminal is timed as a whole.", "Give seconds."
    for name, source in act.capture.items():
        yield from _lint_capture((*steps, "capture", name), source, captures)
    yield from _lint_regexes((*steps, "expect"), msgspec.to_builtins(act.expect))
    if act.clock is not None:
        yield from _lint_clock((*steps, "clock"), act.clock)
    if act.http is not None:
        yield from _lint_http((*steps, "http"), act.http, services)
    if act.terminal is not None:
        for number, step in enumerate(act.terminal.steps):
            yield from _lint_step((*steps, "terminal", "steps", number), step)
    yield from _lint_seen((*steps, "expect", "screen"), act.expect.screen)


def _lint_http(steps: Steps, http: Http, services: list[str]) -> Iterator[Found]:
    if http.service not in services:
        others = f", or use one of: {', '.join(services)}" if services else ""
        remedy = f"Declare it under [[service]]{others}."
        yield (*steps, "service"), f"service `{http.service}` is not declared.", remedy
    if sum((http.json is not msgspec.UNSET, bool(http.body), bool(http.body_base64))) > 1:
        yield steps, "it has two bodies.", "Give one of json, body and body_base64."


def _lint_clock(steps: Steps, said: str) -> Iterator[Found]:
    try:
        if not TEMPLATE.search(said):
            moment(said, 0.0)
    except ValueError:
        remedy = "Say an instant with its zone, 2024-02-29T23:59:30Z, or how far on, `+ 90 min` (s, min, h, d)."
        yield steps, f"`{said}` is no time.", remedy


def _lint_step(steps: Steps, step: TerminalStep) -> Iterator[Found]:
    for name in [step.press] if isinstance(step.press, str) else step.press:
        if name and not TEMPLATE.search(name) and not is_key(name):
            yield (*steps, "press"), f"there is no key `{name}`.", f"Use one of: {', '.join(sorted(KEYS))}."
    yield from _lint_seen((*steps, "until"), step.until)
    yield from _lint_regexes((*steps, "until"), msgspec.to_builtins(step.until))


def _lint_seen(steps: Steps, seen: Seen | None) -> Iterator[Found]:
    for number in seen.lines if isinstance(seen, ScreenExpect) else ():
        if not re.fullmatch("-?[1-9][0-9]{0,2}", number):
            yield (*steps, "lines", number), f"`{number}` is no line.", 'Count from "1", or from the last by "-1".'


def _lint_capture(steps: Steps, source: str, allowed: tuple[str, ...]) -> Iterator[Found]:
    kind, colon, what = source.partition(":")
    if not colon or kind not in allowed or not NAME.fullmatch(str(steps[-1])):
        remedy = f"Use {', '.join(allowed)}, a colon, and what to take." if allowed else "Take it from another act."
        yield steps, f"cannot capture `{source}`.", remedy
    elif kind not in ("json", "header"):
        yield from _lint_regex(steps, what)


def _lint_regexes(steps: Steps, value: object) -> Iterator[Found]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "regex" and isinstance(item, str):
                yield from _lint_regex(
                    (*steps, key), TEMPLATE.sub(lambda found: found[0][0] if not found[1] else "x", item)
                )
            else:
                yield from _lint_regexes((*steps, key), item)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _lint_regexes((*steps, number), item)


def _lint_regex(steps: Steps, pattern: str) -> Iterator[Found]:
    try:
        re.compile(pattern)
    except re.error as error:
        yield steps, f"not a regex: {error}.", "Mend the pattern; braces are doubled in templates."


def _lint_templates(steps: Steps, value: object, known: set[str]) -> Iterator[Found]:
    if isinstance(value, str):
        for found in TEMPLATE.finditer(value):
            if found[1] and found[1] not in known:
                message = f"{{{found[1]}}} is not drawn, computed or captured before."
                yield steps, message, "Mend the name, or double the braces."
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _lint_templates((*steps, name), name, known)
            yield from _lint_templates((*steps, name), item, known)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _lint_templates((*steps, number), item, known)
