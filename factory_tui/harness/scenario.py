"""Reading a scenario file: its shape, and what is wrong with it, by file, line, key and remedy.

Knows nothing of how draws are made, acts are run or answers compared.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

import msgspec

from factory_tui.config.lines import Step
from factory_tui.config.reading import Document, Mistakes, Problem
from factory_tui.harness import hosted
from factory_tui.harness.expressions import Expression, ExpressionError
from factory_tui.harness.shapes import (
    Act,
    BytesDraw,
    DateDraw,
    Draw,
    IntDraw,
    MoneyDraw,
    Scenario,
    ScenarioFile,
    TableDraw,
    TextDraw,
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
    )


def schema() -> str:
    """The JSON Schema (2020-12) of a scenario file, for editors: shape alone; `parse` says what makes no sense."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A scenario of factory-tui"}
    return json.dumps({**head, **msgspec.json.schema(ScenarioFile)}, indent=2) + "\n"


def _lint(scenario: ScenarioFile) -> Iterator[Found]:
    for name, draw in scenario.draw.items():
        yield from _lint_draw(("draw", name), draw)
    yield from _lint_let(scenario)
    known = {*scenario.draw, *scenario.let}
    names = [service.name for service in scenario.service]
    twins = [twin.name for twin in scenario.twin]
    yield from hosted.lint(scenario.twin)
    for number, twin in enumerate(scenario.twin):
        yield from _lint_templates(("twin", number), msgspec.to_builtins(twin), known)
    for number, service in enumerate(scenario.service):
        if service.name in names[:number]:
            yield ("service", number, "name"), f"two services are named `{service.name}`.", "Name them apart."
        yield from _lint_templates(("service", number), msgspec.to_builtins(service), known)
    for number, act in enumerate(scenario.act):
        steps: Steps = ("act", number)
        yield from _lint_act(steps, act, names)
        if act.twin is not None:
            yield from hosted.lint_act((*steps, "twin"), act.twin, twins)
        yield from _lint_expectations(steps, act)
        known |= set(act.capture)
        yield from _lint_templates(steps, {**msgspec.to_builtins(act), "capture": {}}, known)


def _lint_let(scenario: ScenarioFile) -> Iterator[Found]:
    known = set(scenario.draw)
    for name, source in scenario.let.items():
        steps = ("let", name)
        if name in known or not NAME.fullmatch(name):
            yield steps, "the name is drawn already, or not lower case.", "Choose another name."
        try:
            missing = Expression(source).names - known
        except ExpressionError as error:
            yield steps, f"{error}.", "docs/scenarios.md lists the language."
        else:
            if missing:
                yield steps, f"unknown {', '.join(sorted(missing))}.", "Draw it, or compute it in a line above."
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


def _lint_act(steps: Steps, act: Act, services: list[str]) -> Iterator[Found]:
    if sum(part is not None for part in (act.http, act.run, act.wait, act.twin)) != 1:
        yield steps, "an act is exactly one of http, run, wait and twin.", "Split it into acts."
    if act.http is None:
        return
    if act.http.service not in services:
        remedy = f"Declare it under [[service]], or use one of: {', '.join(services) or 'none is declared'}."
        yield (*steps, "http", "service"), f"service `{act.http.service}` is not declared.", remedy
    bodies = (act.http.json is not msgspec.UNSET, bool(act.http.body), bool(act.http.body_base64))
    if sum(bodies) > 1:
        yield (*steps, "http"), "it has two bodies.", "Give one of json, body and body_base64."


def _lint_expectations(steps: Steps, act: Act) -> Iterator[Found]:
    expect = act.expect
    wrong: dict[str, object] = {}
    if act.http is None:
        wrong |= {"status": expect.status, "headers": expect.headers or None, "body": expect.body}
    if act.run is None:
        wrong |= {"exit": expect.exit, "stdout": expect.stdout, "stderr": expect.stderr, "files": expect.files or None}
    if act.wait is not None:
        wrong |= {"json": expect.json or None, "within": expect.within}
    if act.twin is not None:
        wrong |= {"within": expect.within}
    for name, value in wrong.items():
        if value is not None:
            yield (*steps, "expect", name), "it says nothing about this kind of act.", "Move it to its act."
    kind_of = "http" if act.http else "twin" if act.twin else "run"
    allowed = {"http": ("json", "header", "body"), "run": ("json", "stdout"), "twin": ("json",)}[kind_of]
    for name, source in act.capture.items():
        place = (*steps, "capture", name)
        kind, colon, what = source.partition(":")
        if act.wait is not None or not colon or kind not in allowed or not NAME.fullmatch(name):
            yield place, f"cannot capture `{source}`.", f"Use {', '.join(allowed)}, a colon, and what to take."
        elif kind in ("body", "stdout"):
            yield from _lint_regex(place, what)
    yield from _lint_regexes((*steps, "expect"), msgspec.to_builtins(expect))


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
