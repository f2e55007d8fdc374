"""What the answers of one act must be: exchanges, commands, screens and files, as Checks.

Owns which part of an answer each expectation reads; comparing is `matching`'s.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from typing import TYPE_CHECKING, Any

import msgspec

from factory_tui.harness.draws import render, text
from factory_tui.harness.matching import (
    ABSENT,
    Check,
    NotJson,
    equal,
    load_json,
    look_up,
    match,
    match_json,
    match_text,
    search,
    show,
)
from factory_tui.harness.shapes import Within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_tui.cells.protocol import Exchange, Outcome
    from factory_tui.harness.draws import Inputs
    from factory_tui.harness.screen import Screen
    from factory_tui.harness.shapes import Expect, FileExpect, Seen


def judge_exchange(expect: Expect, answer: Exchange, names: Inputs) -> list[Check]:
    """The checks of an HTTP exchange."""
    checks: list[Check] = []
    if isinstance(expect.status, list):
        met = answer.status in expect.status
        checks.append(Check("status", " or ".join(map(str, expect.status)), str(answer.status), met))
    elif expect.status is not None:
        checks += [_flat(check) for check in match("status", expect.status, answer.status, names)]
    for name, want in expect.headers.items():
        found = [value for key, value in answer.headers if key.lower() == name.lower()]
        checks += match(f"header {name}", want, found[0] if found else ABSENT, names)
    checks += match_json("json", expect.json, answer.body, names)
    if expect.body is not None:
        checks += match_text("body", expect.body, answer.body.decode("utf-8", "replace"), names)
    return checks + _in_time(expect, answer.seconds)


def judge_outcome(expect: Expect, outcome: Outcome, names: Inputs) -> list[Check]:
    """The checks of a command that ended, but for its files."""
    exit_wanted = 0 if expect.exit is None else expect.exit
    checks = [_flat(check) for check in match("exit", exit_wanted, outcome.exit, names)]
    for what, want, data in (("stdout", expect.stdout, outcome.stdout), ("stderr", expect.stderr, outcome.stderr)):
        if want is not None:
            checks += match_text(what, want, data.decode("utf-8", "replace"), names)
    checks += match_json("json of stdout", expect.json, outcome.stdout, names)
    return checks + _in_time(expect, outcome.seconds)


def judge_screen(seen: Seen, screen: Screen, names: Inputs) -> list[Check]:
    """The checks of what a terminal shows."""
    if isinstance(seen, str):
        wanted = text(seen, names)
        met = wanted in screen.text
        return [Check("screen", f"contains {show(wanted)}", "it is there" if met else "it is not", met)]
    checks = list(match("screen", seen.text, screen.text, names)) if seen.text is not None else []
    for number, want in seen.lines.items():
        line = screen.lines[int(number) - (int(number) > 0)] if abs(int(number)) <= screen.rows else ABSENT
        checks += match(f"line {number} of the screen", want, line, names)
    if seen.cursor is not None:
        place = (screen.y + 1, screen.x + 1)
        wanted, observed = (f"line {line}, column {column}" for line, column in (seen.cursor, place))
        checks.append(Check("cursor", wanted, observed, seen.cursor == place))
    return checks


def judge_left(expect: Expect, exit_code: int | None, seconds: float, names: Inputs) -> list[Check]:
    """The checks of a program on a terminal that ended, or was left running."""
    checks: list[Check] = []
    if expect.exit is not None:
        checks += [_flat(check) for check in match("exit", expect.exit, exit_code, names)]
    return checks + _in_time(expect, seconds)


def judge_file(path: str, want: FileExpect, data: bytes, names: Inputs) -> list[Check]:
    """The checks of one file's content."""
    what = f"file {path}"
    content = data.decode("utf-8", "replace")
    lines = [line for line in content.split("\n") if line.strip()]
    checks = [Check(what, "a file", "a file", True)]
    if want.size is not None:
        checks += match(f"size of {path}", want.size, len(data), names)
    if want.sha256 is not None:
        checks += match(f"sha256 of {path}", want.sha256, hashlib.sha256(data).hexdigest(), names)
    if want.text is not None:
        checks += match_text(what, want.text, content, names)
    if want.lines is not None:
        checks += match(f"lines of {path}", want.lines, len(lines), names)
    if want.json is not None:
        checks += match_json(f"json of {path}", want.json, data, names)
    if want.jsonl is not None:
        checks += _documents(path, render(want.jsonl, names), lines)
    if want.csv is not None:
        checks += _rows(path, render(want.csv, names), content)
    return checks


def _documents(path: str, wanted: list[Any], lines: list[str]) -> list[Check]:
    observed: list[Any] = []
    for number, line in enumerate(lines, 1):
        try:
            observed.append(load_json(line))
        except NotJson as error:
            return [Check(f"line {number} of {path}", "a JSON document", str(error), False)]
    return _each(path, wanted, observed)


def _rows(path: str, wanted: list[Any], content: str) -> list[Check]:
    try:
        observed: list[Any] = [dict(row) for row in csv.DictReader(io.StringIO(content, newline=""), strict=True)]
    except csv.Error as error:
        return [Check(f"csv of {path}", "rows", str(error), False)]
    return _each(path, wanted, observed)


def _each(path: str, wanted: list[Any], observed: list[Any]) -> list[Check]:
    checks = list(match(f"documents in {path}", len(wanted), len(observed), {}))
    for number, (want, got) in enumerate(zip(wanted, observed, strict=False), 1):
        checks.append(equal(f"document {number} of {path}", want, got))
    return checks


def captured(source: str, sources: dict[str, bytes], answer: Exchange) -> Any:
    """What a capture takes from an answer, or ABSENT."""
    kind, _, what = source.partition(":")
    if kind == "header":
        return next((value for name, value in answer.headers if name.lower() == what.lower()), ABSENT)
    if kind == "json":
        try:
            return look_up(load_json(sources[kind]), what)
        except NotJson:
            return ABSENT
    found = search(what, sources[kind].decode("utf-8", "replace"))
    return ABSENT if found is None else found[1 if found.re.groups else 0]


def _in_time(expect: Expect, seconds: float) -> list[Check]:
    if expect.within is None or isinstance(expect.within, Within):
        return []
    met = seconds <= expect.within
    return [Check("time", f"within {expect.within:g} s", f"{seconds:.2f} s", met, 0.0 if met else 0.5)]


def judge_times(expect: Expect, took: Sequence[float]) -> list[Check]:
    """The checks of how long an act took over all of its repetitions: the nearest rank."""
    if not isinstance(expect.within, Within) or not took:
        return []
    checks = []
    for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0)):
        most: float | None = getattr(expect.within, name)
        if most is not None:
            seconds = sorted(took)[math.ceil(share * len(took)) - 1]
            met, wanted = seconds <= most, f"within {most:g} s"
            checks.append(Check(f"{name} of {len(took)} times", wanted, f"{seconds:.2f} s", met, 0.0 if met else 0.5))
    return checks


def _flat(check: Check) -> Check:
    """A status or exit code is right or wrong, never nearly right."""
    return check if check.met else msgspec.structs.replace(check, distance=1.0)
