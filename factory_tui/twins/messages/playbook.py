"""Playbooks: ordered rules in TOML that say what the twin answers to a conversation, and faults for tests.

A rule looks at the text of one request and at nothing else; no rule can see how many turns or passes there were.

    seed = "shortlinks"            # what it rehearses, for messages and for the path it is served under
    [demo]                         # optional
    answer = "..."                 # what `factory-tui demo` answers where the run asks and nobody is there
    [[rule]]
    name = "write the server"      # unique
    last = 'regex'                 # found in the last user turn: its texts and tool results, joined by newlines
    earlier = ['regex']            # each found before the last turn: system, texts, tool inputs as JSON, results
    absent = ['regex']             # none found anywhere in the conversation
    system = 'regex'               # found in the system prompt
    stop_reason = "end_turn"       # default: tool_use when a block asks for a tool, else end_turn
    [[rule.block]]                 # none at all: the model answers nothing
    type = "text"
    text = "..."
    [[rule.block]]
    type = "tool_use"
    name = "bash"
    input = { command = "..." }
    input_json = '{"comm'          # optional: streamed in place of `input`, to rehearse a model's broken JSON
    [[fault]]                      # optional; instead of, or in the middle of, an answer; the first that fits
    digest = "any"                 # or the first 12 or more hex digits of the SHA-256 of the request body
    rule = "write the server"      # optional: only where this rule answers
    attempt = 0                    # optional: only this attempt, 0 being the first
    then = 529                     # a status of 400 to 599, "cut" (the connection ends), "slow", or "html"
    retry_after = 7                # optional, with a status: seconds to wait, as the header says them
    at = 120                       # optional, with "cut": after so many bytes of the body; default: half of it
    seconds = 3                    # with "slow": until the answer begins

Regexes are searched with DOTALL and MULTILINE.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

import factory_tui
from factory_tui.twins.messages.faults import Fault
from factory_tui.twins.messages.request import Prompt

BUNDLED = Path(factory_tui.__file__).parent / "rehearsals"
StopReason = Literal["end_turn", "tool_use", "max_tokens", "refusal", "model_context_window_exceeded"]


class PlaybookError(Exception):
    """A playbook that cannot be used; the message names file, line, key and remedy."""


class SayText(Struct, tag="text", forbid_unknown_fields=True, frozen=True):
    """A text block of an answer."""

    text: str


class CallTool(Struct, tag="tool_use", forbid_unknown_fields=True, frozen=True):
    """A tool call of an answer; the twin gives it an id."""

    name: Annotated[str, Meta(min_length=1)]
    input: dict[str, object]
    input_json: str | None = None


class RuleText(Struct, forbid_unknown_fields=True, frozen=True):
    """A rule as written."""

    name: Annotated[str, Meta(min_length=1)]
    last: str
    earlier: list[str] = []
    absent: list[str] = []
    system: str | None = None
    block: list[SayText | CallTool] = []
    stop_reason: StopReason | None = None


class DemoText(Struct, forbid_unknown_fields=True, frozen=True):
    """What the demo says in a person's place."""

    answer: Annotated[str, Meta(min_length=1)]


class PlaybookText(Struct, forbid_unknown_fields=True, frozen=True):
    """A playbook as written."""

    seed: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z")]
    rule: Annotated[list[RuleText], Meta(min_length=1)]
    fault: list[Fault] = []
    demo: DemoText | None = None


@dataclass(frozen=True)
class Answer:
    """What a rule says: content blocks in order and why the model stopped."""

    rule: str
    blocks: Sequence[SayText | CallTool]
    stop_reason: StopReason


@dataclass(frozen=True)
class Unmatched:
    """No rule fits: the nearest one (most conditions met, then order) and which of its conditions failed."""

    seed: str
    nearest: str
    failed: Sequence[str]
    last: str

    def __str__(self) -> str:
        return (
            f"no rule of playbook '{self.seed}' fits this conversation; nearest is rule '{self.nearest}', where "
            f"{'; '.join(self.failed)}. The last user turn begins {self.last[:160]!r}. "
            "Add a rule to the playbook or widen this one."
        )


@dataclass(frozen=True)
class Rule:
    """A rule with its regexes compiled."""

    answer: Answer
    last: re.Pattern[str]
    earlier: Sequence[re.Pattern[str]]
    absent: Sequence[re.Pattern[str]]
    system: re.Pattern[str] | None

    def fits(self, request: Prompt) -> bool:
        """Say whether every condition holds, cheapest first."""
        return (
            self.last.search(request.last_text) is not None
            and (self.system is None or self.system.search(request.system_text) is not None)
            and all(wanted.search(request.earlier_text) for wanted in self.earlier)
            and not any(self._found(banned, request) for banned in self.absent)
        )

    def judge(self, request: Prompt) -> tuple[int, list[str]]:
        """Return how many conditions hold, and the others in words; `absent` that holds says nothing of nearness."""
        checks = [(self.last.search(request.last_text), f"last = '{self.last.pattern}' is not in the last user turn")]
        if self.system:
            found = self.system.search(request.system_text)
            checks.append((found, f"system = '{self.system.pattern}' is not in the system prompt"))
        for wanted in self.earlier:
            found = wanted.search(request.earlier_text)
            checks.append((found, f"earlier = '{wanted.pattern}' is not before the last turn"))
        failed = [words for found, words in checks if not found]
        present = [banned for banned in self.absent if self._found(banned, request)]
        return len(checks) - len(failed), failed + [f"absent = '{it.pattern}' is in the conversation" for it in present]

    @staticmethod
    def _found(pattern: re.Pattern[str], request: Prompt) -> bool:
        return bool(pattern.search(request.last_text) or pattern.search(request.earlier_text))


@dataclass(frozen=True)
class Playbook:
    """The rules and faults of one seed."""

    seed: str
    rules: Sequence[Rule]
    faults: Sequence[Fault]
    guidance: str = ""
    """What the demo answers when a run of it asks; empty: nothing."""

    def answer(self, request: Prompt) -> Answer | Unmatched:
        """Return the answer of the first rule that fits; the request alone decides."""
        for rule in self.rules:
            if rule.fits(request):
                return rule.answer
        judged = [(rule, *rule.judge(request)) for rule in self.rules]
        nearest, _, failed = max(judged, key=lambda entry: entry[1])
        return Unmatched(self.seed, nearest.answer.rule, failed, request.last_text)


def load_folder(folder: Path) -> dict[str, Playbook]:
    """Every playbook of a folder, by seed.

    Raises:
        PlaybookError: there is no such folder, or as `load`.
    """
    if not folder.is_dir():
        raise PlaybookError(
            f"{folder}: there is no such folder of playbooks. Remedy: write one, as docs/rehearsals.md says"
        )
    return {playbook.seed: playbook for playbook in map(load, sorted(folder.glob("*.toml")))}


def load(path: Path) -> Playbook:
    """Read and check a playbook.

    Raises:
        PlaybookError: it cannot be read or used; the message names file, line where known, key and remedy.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise PlaybookError(
            f"{path}: cannot be read ({error.strerror}). Remedy: check the path and its permissions"
        ) from error
    except UnicodeDecodeError as error:
        raise PlaybookError(f"{path}: not UTF-8 at byte {error.start}. Remedy: save the file as UTF-8") from error
    return parse(text, path.name if not path.is_absolute() else str(path))


def parse(text: str, source: str) -> Playbook:
    """Check the text of a playbook; `source` is its name in messages.

    Raises:
        PlaybookError: as `load`.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = f"{source}:{line[1]}" if line else source
        raise PlaybookError(f"{where}: not valid TOML: {error}. Remedy: correct the syntax there") from error
    try:
        written = msgspec.convert(raw, PlaybookText)
    except msgspec.ValidationError as error:
        raise _mistake(source, text, str(error)) from error
    guidance = written.demo.answer if written.demo else ""
    return Playbook(written.seed, _rules(written, source, text), _faults(written, source, text), guidance)


def _rules(written: PlaybookText, source: str, text: str) -> list[Rule]:
    rules: list[Rule] = []
    names: dict[str, int] = {}
    for index, rule in enumerate(written.rule):
        if rule.name in names:
            line = _line(text, f"rule[{index}].name")
            first = _line(text, f"rule[{names[rule.name]}].name")
            raise PlaybookError(
                f"{source}:{line}: rule[{index}].name: '{rule.name}' is taken by the rule at line {first}. "
                "Remedy: give each rule a name of its own"
            )
        names[rule.name] = index

        def compiled(key: str, pattern: str, index: int = index) -> re.Pattern[str]:
            try:
                return re.compile(pattern, re.DOTALL | re.MULTILINE)
            except re.error as error:
                line = _line(text, f"rule[{index}].{key}")
                raise PlaybookError(
                    f"{source}:{line}: rule[{index}].{key}: not a regex: {error}. Remedy: escape the character, or use "
                    "a literal string in single quotes"
                ) from error

        calls = any(isinstance(block, CallTool) for block in rule.block)
        answer = Answer(rule.name, rule.block, rule.stop_reason or ("tool_use" if calls else "end_turn"))
        rules.append(
            Rule(
                answer,
                compiled("last", rule.last),
                [compiled("earlier", pattern) for pattern in rule.earlier],
                [compiled("absent", pattern) for pattern in rule.absent],
                None if rule.system is None else compiled("system", rule.system),
            )
        )
    return rules


def _faults(written: PlaybookText, source: str, text: str) -> list[Fault]:
    names = {rule.name for rule in written.rule}
    for index, fault in enumerate(written.fault):
        if fault.rule is not None and fault.rule not in names:
            line = _line(text, f"fault[{index}].rule")
            raise PlaybookError(
                f"{source}:{line}: fault[{index}].rule: no rule is called '{fault.rule}'. Remedy: name one of the rules"
            )
        if wrong := fault.misplaced():
            line = _line(text, f"fault[{index}].{wrong[0]}")
            raise PlaybookError(
                f"{source}:{line}: fault[{index}].{wrong[0]}: {wrong[1]}. Remedy: add it, or leave it out"
            )
    return written.fault


_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`\Z", re.DOTALL)


def _mistake(source: str, text: str, message: str) -> PlaybookError:
    what, _, path = message.partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    if field := _UNKNOWN.match(what):
        key, what, remedy = f"{key}.{field[1]}".lstrip("."), "unknown key", "remove it or correct its spelling"
    elif field := _MISSING.match(what):
        key, what, remedy = f"{key}.{field[1]}".lstrip("."), "missing", "add it"
    elif key.endswith(".input"):
        remedy = 'write a table, for example input = { command = "..." }'
    else:
        remedy = "correct the value"
    line = _line(text, key)
    return PlaybookError(f"{source}{f':{line}' if line else ''}: {key}: {what}. Remedy: {remedy}")


_HEADER = re.compile(r"\s*\[\[\s*(rule|fault|rule\s*\.\s*block)\s*\]\]")
_OTHER = re.compile(r"\s*\[+\s*([\w-]+)")
_KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*[=.]""")


def _line(text: str, path: str) -> int | None:
    """Return the line, from 1, of a key such as `rule[2].block[0].input`; else of the nearest table above it."""
    table, _, key = path.rpartition("].")
    wanted = f"{table}]" if table else ""
    key = re.split(r"[.\[]", key)[0]
    counts = {"rule": -1, "fault": -1, "block": -1}
    here, best, quote = "", None, ""

    def signs(here: str) -> list[re.Pattern[str]]:
        return [*([_KEY] if here == wanted else []), *([] if table else [_OTHER])]

    for number, line in enumerate(text.splitlines(), 1):
        if quote:
            quote = "" if line.count(quote) % 2 else quote
            continue
        if header := _HEADER.match(line):
            kind = "block" if "block" in header[1] else header[1]
            counts[kind] += 1
            if kind == "rule":
                counts["block"] = -1
            here = f"{kind}[{counts[kind]}]" if kind != "block" else f"rule[{counts['rule']}].block[{counts['block']}]"
            if here in (wanted, path):
                best = number
        elif any((found := sign.match(line)) and found[1] == key for sign in signs(here)):
            return number
        quote = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")
    return best
