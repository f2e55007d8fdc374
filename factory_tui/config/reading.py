"""Reading TOML that people write, into a struct, with every mistake at its line.

Owns the wording of mistakes of syntax and of type. It knows no particular file: settings, seeds, scenarios and
playbooks all come through here.
"""

import copy
import errno
import re
import stat
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from factory_tui.config.lines import Step, dotted, places
from factory_tui.domain.decoding import prepared

T = TypeVar("T")

_WORDS = {
    "object": "a table",
    "array": "a list",
    "str": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "decimal": "an amount",
    "null": "nothing",
}
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<key>key in )?\$?(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+)\]|(?P<any>\[\.\.\.\])")
_SYNTAX = re.compile(r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.DOTALL)


class Problem(msgspec.Struct, frozen=True):
    """One mistake that a person made, and what to do about it. Line 0: the file as a whole."""

    file: str
    line: int
    key: str
    message: str
    remedy: str

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def what(self) -> str:
        """Key and message."""
        return f"{self.key}: {self.message}" if self.key else self.message

    def __str__(self) -> str:
        return f"{self.where}: {self.what} Remedy: {self.remedy}"


class Mistakes(Exception):  # noqa: N818 -- it is what it carries
    """Everything that is wrong with what was read, never empty."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, or nothing."""
    found = get_close_matches(name.lower(), list(known), 1, 0.6)
    return found[0] if found else ""


class Document:
    """A TOML text that parsed: its data, and the place of every key. Raises Mistakes for UTF-8 and syntax."""

    def __init__(self, source: str | bytes, file: str, first_line: int = 1) -> None:
        self.file = file
        text = source if isinstance(source, str) else as_text(source, file, first_line)
        text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
            self.root = places(text, first_line)
        except (ValueError, RecursionError) as error:  # the latter: brackets in brackets, hundreds deep
            raise Mistakes(_syntax(str(error), text, file, first_line)) from None

    def problem(self, steps: tuple[Step, ...], message: str, remedy: str) -> Problem:
        """A mistake at the key that the steps lead to; for a key left to its default, at the nearest table."""
        return Problem(self.file, self.root.find(steps).line, dotted(steps), message, remedy)

    def convert(self, kind: type[T]) -> T:
        """The data as `kind`, strictly. Raises Mistakes with every mistake of type that can be told apart."""
        prepared(kind)
        data, problems, gone = copy.deepcopy(self.data), [], set[tuple[Step, ...]]()
        while True:
            error = _refusal(data, kind)
            if error is None:
                break
            steps, what, missing = _locate(error, data, kind)
            problem = self.problem(steps, *_explain(what, steps, missing, data, kind))
            if not missing or steps not in gone:
                problems.append(problem)
            if missing or not _prune(data, steps):
                break
            gone.add(steps)
        if problems:
            raise Mistakes(*problems)
        return msgspec.convert(self.data, kind, strict=True)


def decode(source: str | bytes, kind: type[T], file: str, first_line: int = 1) -> T:
    """TOML as `kind`. Raises Mistakes that name `file` and lines, the first of which is `first_line`."""
    return Document(source, file, first_line).convert(kind)


def bytes_of(path: Path) -> bytes:
    """What a regular file holds. Raises OSError, of a pipe or a device too: reading those may never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    return path.read_bytes()


def as_text(source: bytes, file: str, first_line: int = 1) -> str:
    """Bytes as text. Raises Mistakes with the line of the first byte that is not UTF-8."""
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as error:
        line = first_line + source.count(b"\n", 0, error.start)
        column = error.start - source.rfind(b"\n", 0, error.start)
        message = f"byte {column} of the line, 0x{source[error.start]:02x}, is not UTF-8."
        raise Mistakes(Problem(file, line, "", message, "Save the file as UTF-8.")) from None


def _syntax(error: str, text: str, file: str, first_line: int) -> Problem:
    found = _SYNTAX.match(error)
    line, what = first_line, error
    if found and found["line"]:
        line += int(found["line"]) - 1
        what = f"{found['what']}, at column {found['column']}"
    elif found:
        line += max(len(text.splitlines()), 1) - 1
        what = f"{found['what']}, at the end of the text"
    remedy = "Mend the TOML there; text needs quotes, and each key stands once."
    return Problem(file, line, "", f"not TOML: {what}.", remedy)


def _refusal(data: Any, kind: Any) -> str | None:
    try:
        msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        return str(error)
    return None


def _locate(error: str, data: Any, kind: Any) -> tuple[tuple[Step, ...], str, bool]:
    """The steps to what msgspec refused, what it said, and whether the key there is missing."""
    found = _AT.match(error)
    what, path = (found["what"], found["path"] or "") if found else (error, "")
    steps: tuple[Step, ...] = ()
    for step in _STEP.finditer(path):
        if step["any"]:
            steps += (_culprit(error, data, kind, steps),)
        else:
            steps += (int(step["index"]) if step["index"] else step["name"],)
    if unknown := re.search(r"unknown field `(.*)`$", what, re.DOTALL):
        return (*steps, unknown[1]), what, False
    if lacking := re.search(r"missing required field `(.*)`$", what, re.DOTALL):
        return (*steps, lacking[1]), what, True
    return steps, what, False


def _culprit(error: str, data: Any, kind: Any, steps: tuple[Step, ...]) -> str:
    """Which key of a table with free names the error means: the first that is refused alike when it stands alone."""
    table = _at(data, steps)
    for name in table:
        alone = _with(data, steps, {name: table[name]})
        if _refusal(alone, kind) == error:
            return str(name)
    return str(next(iter(table)))


def _explain(what: str, steps: tuple[Step, ...], missing: bool, data: Any, kind: Any) -> tuple[str, str]:
    """Message and remedy in the reader's words."""
    last = str(steps[-1]) if steps else ""
    if missing:
        return f"the key `{last}` is missing.", f"Add `{last} = ...` here."
    if what.startswith("Object contains unknown field"):
        known = [name for node in _types(kind, steps[:-1], data) for name in _fields(node)]
        meant = nearest(last, known)
        remedy = f"Did you mean `{meant}`?" if meant else f"Remove it; known here: {', '.join(known) or 'none'}."
        return f"unknown key `{last}`.", remedy
    if what.startswith(("Invalid enum value", "Invalid value")):
        allowed = [str(value) for node in _types(kind, steps, data) for value in _values(node)]
        allowed = allowed or [
            str(node.tag) for node in _types(kind, steps[:-1], data) if isinstance(node, inspect.StructType)
        ]
        meant = nearest(str(_at(data, steps)), allowed)
        remedy = f"Did you mean `{meant}`?" if meant else "Use one of these."
        return f"`{_at(data, steps)}` is not one of {', '.join(allowed)}.", remedy
    if wrong := re.match(r"Expected `(.*?)`, got `(.*?)`", what):
        expected = " or ".join(_WORDS.get(word, word) for word in wrong[1].split(" | ") if word != "null")
        return f"expected {expected}, found {_found(_at(data, steps))}.", f"Write {expected}."
    return f"{_found(_at(data, steps))} does not fit: {what[0].lower()}{what[1:]}.", "Write a value that fits."


def _found(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    words = {str: "the text", int: "the whole number", float: "the number"}
    return f"{words.get(type(value), 'the date or time')} {str(value)[:60]!r}".replace("'", "`")


def _types(kind: Any, steps: tuple[Step, ...], data: Any) -> list[inspect.Type]:
    """The types that may stand where the steps lead; of a tagged union, the one that the data's tag chose."""
    nodes = _open(inspect.type_info(kind), data)
    for step in steps:
        data = _at(data, (step,)) if isinstance(data, list | dict) and _has(data, step) else None
        inner: list[inspect.Type] = []
        for node in nodes:
            if isinstance(node, inspect.StructType):
                inner += [field.type for field in node.fields if field.encode_name == step]
            elif isinstance(node, inspect.DictType):
                inner.append(node.value_type)
            elif isinstance(node, inspect.ListType | inspect.VarTupleType):
                inner.append(node.item_type)
        nodes = [opened for node in inner for opened in _open(node, data)]
    return nodes


def _open(node: inspect.Type, data: Any) -> list[inspect.Type]:
    if not isinstance(node, inspect.UnionType):
        return [node]
    tagged = [
        one
        for one in node.types
        if isinstance(one, inspect.StructType)
        and isinstance(data, dict)
        and one.tag
        and data.get(one.tag_field) == one.tag
    ]
    return list(tagged or node.types)


def _fields(node: inspect.Type) -> list[str]:
    if not isinstance(node, inspect.StructType):
        return []
    return [field.encode_name for field in node.fields]


def _values(node: inspect.Type) -> list[Any]:
    if isinstance(node, inspect.LiteralType):
        return list(node.values)
    return [member.value for member in node.cls] if isinstance(node, inspect.EnumType) else []


def _has(data: Any, step: Step) -> bool:
    return isinstance(step, int) and step < len(data) if isinstance(data, list) else step in data


def _at(data: Any, steps: tuple[Step, ...]) -> Any:
    for step in steps:
        data = data[step]
    return data


def _with(data: Any, steps: tuple[Step, ...], value: Any) -> Any:
    """A copy of the data with another value where the steps lead."""
    if not steps:
        return value
    twin = copy.copy(data)
    twin[steps[0]] = _with(data[steps[0]], steps[1:], value)
    return twin


def _prune(data: Any, steps: tuple[Step, ...]) -> bool:
    """Take what was refused out of its table, so that the next mistake shows; a list's item cannot go alone."""
    while steps and isinstance(steps[-1], int):
        steps = steps[:-1]
    if not steps:
        return False
    del _at(data, steps[:-1])[steps[-1]]
    return True
