"""A scenario file: its shape, and what is wrong with it, by file, line, key and remedy.

Owns the format that docs/scenarios.md describes. Knows nothing of how draws are made, acts are run or answers compared.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from factory_tui.domain.events import ScenarioSet  # noqa: TC001  (msgspec reads it)
from factory_tui.harness.expressions import Expression, ExpressionError

Positive = Annotated[float, msgspec.Meta(gt=0, le=600)]
NAME = re.compile(r"[a-z][a-z0-9_]*")
TEMPLATE = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)\}")


class Mistake(msgspec.Struct, frozen=True):
    """Something a person wrote that cannot be used; line 0: the file as a whole."""

    file: str
    line: int
    key: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        what = f"{self.key}: {self.text}" if self.key else self.text
        return f"{where}: {what}{f' ({self.remedy})' if self.remedy else ''}"


class Mistakes(Exception):  # noqa: N818
    """All mistakes of one file."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table that refuses keys it does not know."""


class _Draw(_Strict, frozen=True, tag_field="kind"):
    """What to draw."""


class IntDraw(_Draw, frozen=True, tag="int"):
    """A whole number, both ends included."""

    min: int = 0
    max: int = 1000


class MoneyDraw(_Draw, frozen=True, tag="money"):
    """A decimal in whole cents."""

    min: Decimal = Decimal("0.01")
    max: Decimal = Decimal("99.99")


class WordDraw(_Draw, frozen=True, tag="word"):
    """Letters a to z."""

    min: int = 4
    max: int = 9


class TextDraw(_Draw, frozen=True, tag="text"):
    """Unicode with quotes, commas and accents."""

    min: int = 1
    max: int = 30
    breaks: bool = False


class ChoiceDraw(_Draw, frozen=True, tag="choice"):
    """One of these."""

    of: Annotated[list[Any], msgspec.Meta(min_length=1)]


class UrlDraw(_Draw, frozen=True, tag="url"):
    """A valid https address."""


class DateDraw(_Draw, frozen=True, tag="date"):
    """A day, as ISO text."""

    min: dt.date = dt.date(2020, 1, 1)
    max: dt.date = dt.date(2029, 12, 31)


class BytesDraw(_Draw, frozen=True, tag="bytes"):
    """Random bytes as base64 text."""

    min: int = 8
    max: int = 64


class TableDraw(_Draw, frozen=True, tag="table"):
    """Rows of drawn columns; `rows` is the least and the most."""

    columns: dict[str, Draw]
    rows: tuple[int, int] = (2, 8)


Draw = IntDraw | MoneyDraw | WordDraw | TextDraw | ChoiceDraw | UrlDraw | DateDraw | BytesDraw | TableDraw


class Ready(_Strict, frozen=True):
    """When a service is up: any HTTP answer to a GET of `path`, or that status."""

    path: str = "/"
    timeout: Positive = 10.0
    status: int | None = None


class Service(_Strict, frozen=True):
    """A long-running process of the product; gets PORT."""

    name: str
    command: str
    ready: Ready = Ready()
    env: dict[str, str] = {}


class Http(_Strict, frozen=True):
    """One HTTP exchange."""

    service: str
    path: str
    method: str = "GET"
    headers: dict[str, str] = {}
    json: Any = msgspec.UNSET
    body: str = ""
    body_base64: str = ""
    timeout: Positive = 10.0


class Command(_Strict, frozen=True):
    """One command, with the files it finds."""

    command: str
    stdin: str = ""
    files: dict[str, str] = {}
    files_base64: dict[str, str] = {}
    env: dict[str, str] = {}
    timeout: Positive = 20.0


class Matcher(_Strict, frozen=True, rename={"not_": "not"}):
    """What a value must be; all that are given must hold. UNSET: not asked for."""

    equals: Any = msgspec.UNSET
    not_: Any = msgspec.UNSET
    any_of: list[Any] | str | msgspec.UnsetType = msgspec.UNSET
    regex: str | msgspec.UnsetType = msgspec.UNSET
    contains: Any = msgspec.UNSET
    excludes: Any = msgspec.UNSET
    type: Literal["string", "number", "integer", "boolean", "array", "object", "null"] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    min: int | float | str | msgspec.UnsetType = msgspec.UNSET
    max: int | float | str | msgspec.UnsetType = msgspec.UNSET
    near: int | float | str | msgspec.UnsetType = msgspec.UNSET
    tolerance: float = 0.0
    absent: bool | msgspec.UnsetType = msgspec.UNSET
    length: int | str | Matcher | msgspec.UnsetType = msgspec.UNSET
    unordered: list[Any] | str | msgspec.UnsetType = msgspec.UNSET


Wanted = Matcher | str | int | float | bool | list[Any]
"""A matcher, or the value itself."""


class FileExpect(_Strict, frozen=True):
    """What a file must hold after a command."""

    text: Wanted | None = None
    lines: Matcher | int | str | None = None
    json: dict[str, Wanted] | None = None
    jsonl: list[Any] | str | None = None
    csv: list[Any] | str | None = None
    absent: bool = False


class Expect(_Strict, frozen=True):
    """What an act must give. None: not asked for."""

    status: Matcher | int | list[int] | None = None
    headers: dict[str, Wanted] = {}
    json: dict[str, Wanted] = {}
    body: Wanted | None = None
    exit: Matcher | int | None = None
    stdout: Wanted | None = None
    stderr: Wanted | None = None
    files: dict[str, FileExpect] = {}
    within: Positive | None = None


class Act(_Strict, frozen=True):
    """One thing a user does: exactly one of http, run and wait."""

    name: str = ""
    http: Http | None = None
    run: Command | None = None
    wait: Annotated[float, msgspec.Meta(gt=0, le=30)] | None = None
    repeat: int | str = 1
    capture: dict[str, str] = {}
    expect: Expect = Expect()


class _File(_Strict, frozen=True):
    kind: Literal["main", "edge", "adversarial"]
    set: ScenarioSet
    story: Annotated[str, msgspec.Meta(min_length=10)]
    act: Annotated[list[Act], msgspec.Meta(min_length=1)]
    weight: Annotated[float, msgspec.Meta(ge=0.5, le=5, multiple_of=0.5)] = 1.0
    trajectories: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    reviewed_for: str = ""
    draw: dict[str, Draw] = {}
    let: dict[str, str] = {}
    service: list[Service] = []


class Scenario(msgspec.Struct, frozen=True):
    """One user story, ready to be run. `name` is the file's, without its suffix."""

    name: str
    kind: Literal["main", "edge", "adversarial"]
    set: ScenarioSet
    story: str
    weight: float
    trajectories: int
    reviewed_for: str
    draw: dict[str, Draw]
    let: dict[str, str]
    services: tuple[Service, ...]
    acts: tuple[Act, ...]

    @property
    def drawn(self) -> bool:
        """Whether two trajectories can differ."""
        return bool(self.draw)


def parse(text: str, file: str) -> Scenario:
    """The scenario that a file's text holds. Raises Mistakes, all of them at once where that is possible."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else len(text.splitlines())
        raise Mistakes(Mistake(file, line, "", f"not TOML: {error}", "mend the syntax at that line")) from None
    try:
        shape = msgspec.convert(table, _File)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        key = path.rstrip("`").removeprefix("$").removeprefix(".")
        named = re.search(r"field `(\w+)`", message)
        raise Mistakes(
            Mistake(file, _line(text, named[1] if named else key), key, message, "docs/scenarios.md has every key")
        ) from None
    scenario = Scenario(
        name=Path(file).stem,
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
    )
    mistakes = [
        Mistake(file, _line(text, needle or key), key, problem, remedy)
        for key, needle, problem, remedy in _lint(scenario)
    ]
    if mistakes:
        raise Mistakes(*mistakes)
    return scenario


def _line(text: str, needle: str) -> int:
    """The first line that holds the needle ("name =": that sets it), or a dotted key's last part; 0 when none does."""
    last = re.sub(r"\[[^\]]*\]", "", needle).split(".")[-1]
    for wanted in filter(None, (needle, last)):
        if wanted.endswith(" ="):
            pattern = re.compile(rf"(?<!\w){re.escape(wanted[:-2])}\s*=")
        else:
            pattern = re.compile(re.escape(wanted))
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                return number
    return 0


Found = tuple[str, str, str, str]
"""Key, what to look for to find its line, what is wrong, the remedy."""


def _lint(scenario: Scenario) -> Iterator[Found]:
    known = set(scenario.draw)
    for name, draw in scenario.draw.items():
        yield from _lint_draw(f"draw.{name}", name, draw)
    for name, source in scenario.let.items():
        if name in known or not NAME.fullmatch(name):
            yield f"let.{name}", f"{name} =", "taken already, or not lower case", "choose another name"
        try:
            missing = Expression(source).names - known
        except ExpressionError as error:
            yield f"let.{name}", f"{name} =", str(error), "docs/scenarios.md lists the language"
        else:
            if missing:
                yield (
                    f"let.{name}",
                    f"{name} =",
                    f"unknown {', '.join(sorted(missing))}",
                    "draw it, or compute it above",
                )
        known.add(name)
    names = [service.name for service in scenario.services]
    for service in scenario.services:
        if names.count(service.name) > 1:
            yield "service.name", f'"{service.name}"', f"two services named {service.name!r}", "name them apart"
        yield from _lint_templates(f"service.{service.name}", msgspec.to_builtins(service), known)
    for number, act in enumerate(scenario.acts, 1):
        key = f"act {act.name or number}"
        yield from _lint_act(key, act, names)
        capture = act.capture
        rest = {**msgspec.to_builtins(act), "capture": {}}
        yield from _lint_templates(key, rest, known | set(capture))
        known |= set(capture)


def _lint_draw(key: str, needle: str, draw: Draw) -> Iterator[Found]:
    needle = f"{needle} ="
    if not NAME.fullmatch(key.rsplit(".", 1)[-1]):
        yield key, needle, "names are lower case letters, digits and _", "rename it"
    if isinstance(draw, IntDraw | MoneyDraw | DateDraw) and not draw.min <= draw.max:  # type: ignore[operator]
        yield key, needle, "min is above max", "swap them"
    if isinstance(draw, WordDraw | TextDraw | BytesDraw) and not 0 <= draw.min <= draw.max <= 10_000:
        yield key, needle, "lengths must be 0 <= min <= max <= 10000", "mend min and max"
    if isinstance(draw, TableDraw):
        if not 0 <= draw.rows[0] <= draw.rows[1] <= 1000:
            yield key, needle, "rows must be [least, most], at most 1000", "mend rows"
        for name, column in draw.columns.items():
            yield from _lint_draw(f"{key}.{name}", needle.removesuffix(" ="), column)


def _lint_act(key: str, act: Act, services: list[str]) -> Iterator[Found]:
    needle = f'"{act.name}"' if act.name else "[[act]]"
    if sum(part is not None for part in (act.http, act.run, act.wait)) != 1:
        yield key, needle, "an act is exactly one of http, run and wait", "split it into acts"
        return
    if act.http is not None and act.http.service not in services:
        remedy = f"declare it under [[service]], or use one of: {', '.join(services) or 'none declared'}"
        yield key, f'"{act.http.service}"', f"service {act.http.service!r} is not declared", remedy
    if (
        act.http is not None
        and sum(map(bool, (act.http.body, act.http.body_base64))) + (act.http.json is not msgspec.UNSET) > 1
    ):
        yield key, needle, "two bodies", "give one of json, body and body_base64"
    expect = act.expect
    of_http = {"status": expect.status, "headers": expect.headers or None, "body": expect.body}
    of_run = {"exit": expect.exit, "stdout": expect.stdout, "stderr": expect.stderr, "files": expect.files or None}
    wrong: dict[str, object] = {**({} if act.http else of_http), **({} if act.run else of_run)}
    if act.wait is not None:
        wrong |= {"json": expect.json or None, "within": expect.within, "capture": act.capture or None}
    for name, value in wrong.items():
        if value is not None:
            yield (
                f"{key}.{name}",
                name,
                f"{name} says nothing about this kind of act",
                "move it to the act it belongs to",
            )
    for name, source in act.capture.items():
        kind, colon, what = source.partition(":")
        allowed = ("json", "header", "body") if act.http else ("json", "stdout")
        if not colon or kind not in allowed or not NAME.fullmatch(name):
            yield (
                f"{key}.capture.{name}",
                name,
                f"cannot capture {source!r}",
                f"use {', '.join(allowed)}: and what to take",
            )
        elif kind in ("body", "stdout"):
            yield from _lint_regex(f"{key}.capture.{name}", what)
    for pattern in _regexes(msgspec.to_builtins(expect)):
        yield from _lint_regex(f"{key}.expect", TEMPLATE.sub("x", pattern))


def _lint_regex(key: str, pattern: str) -> Iterator[Found]:
    try:
        re.compile(pattern)
    except re.error as error:
        yield key, pattern, f"not a regex: {error}", "mend the pattern (braces are doubled in templates)"


def _regexes(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "regex" and isinstance(item, str):
                yield item
            else:
                yield from _regexes(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _regexes(item)


def _lint_templates(key: str, value: object, known: set[str]) -> Iterator[Found]:
    if isinstance(value, str):
        for found in TEMPLATE.finditer(value):
            if found[1] and found[1] not in known:
                yield (
                    key,
                    found[0],
                    f"{{{found[1]}}} is not drawn, computed or captured",
                    "mend the name, or double the braces",
                )
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _lint_templates(key, name, known)
            yield from _lint_templates(key, item, known)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _lint_templates(key, item, known)
