"""Make the reference pages from the code that they describe: `python docs/make.py`, or `--check` that they are current.

A page is a function here that returns its text; add one to PAGES. Types and defaults come from the structs, prose from
the docstrings in the source, read with ast.
"""

import argparse
import ast
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import msgspec  # noqa: E402
from msgspec import inspect  # noqa: E402

from factory_tui.config import seed, settings  # noqa: E402
from factory_tui.config.prices import BUNDLED  # noqa: E402
from factory_tui.console import action, actions, offering  # noqa: E402
from factory_tui.domain import events, metadata  # noqa: E402
from factory_tui.harness import scenario  # noqa: E402

NOTE = "<!-- Made by docs/make.py from the code; edit that, then run `make docs`. -->\n"


def configuration() -> str:
    """docs/configuration.md."""
    prose = docstrings(settings.__file__)
    parts = [
        NOTE,
        "# Configuration\n",
        "`config.toml` in the workspace's folder. Every table and key may be left out.",
        "A key that is not listed here is a mistake, told with its line.\n",
    ]
    for field in msgspec.structs.fields(settings.Settings):
        table, heading = field.type, f"[{field.encode_name}]"
        if get_origin(table) is dict:
            table, heading = table.__args__[1], f"[{field.name}.NAME]"
        head = _without_head(prose[table.__name__])
        parts += [f"## `{heading}`\n", *([head] if head else []), *_rows(table, prose)]
        for inner in msgspec.structs.fields(table):
            if get_origin(inner.type) is dict and isinstance(one := inner.type.__args__[1], type(table)):
                parts += [
                    f"## `[{field.name}.{inner.name}.NAME]`\n",
                    _without_head(prose[one.__name__]),
                    *_rows(one, prose),
                ]
    front = docstrings(seed.__file__)
    parts += [
        "## A seed's front matter\n",
        "`seeds/<name>.md`, or `seeds/<name>/seed.md` with attachments beside it, begins with TOML between two",
        "lines `+++`; the prose follows. Names are small letters, digits, `-` and `_`.\n",
        *_rows(seed.FrontMatter, front),
        "## Bundled prices\n",
        "Dollars per million tokens, for models whose table sets none. Where the published price varies, the",
        "dearer figure stands.\n",
        "| model | input | output | cache write | cache read | source |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    parts += [
        f"| `{name}` | {one.input} | {one.output} | {one.cache_write} | {one.cache_read} | {one.source} |"
        for name, one in BUNDLED.items()
    ]
    return "\n".join(parts) + "\n"


def keys() -> str:
    """docs/keys.md."""
    parts = [
        NOTE,
        "# Keys\n",
        "One table is behind the keys, the key bar, `?` and the palette (`:`). `[ui] keymap` in config.toml moves an",
        'action to other keys, by its id: `"run.new" = "n,f2"`.\n',
    ]
    asks = ("", "yes or no", "its name")
    for scope in ("everywhere", *action.SCREENS):
        parts += [f"## {scope.capitalize()}\n", "| keys | does | id | role | asks |", "| --- | --- | --- | --- | --- |"]
        parts += [
            f"| {' '.join(f'`{offering.shown(key)}`' for key in one.keys) or 'palette'} | {one.text} | `{one.id}` "
            f"| {one.least} | {asks[one.tier]} |".replace("|  |", "| |")
            for one in actions.TABLE
            if scope in one.scopes
        ]
        parts.append("")
    return "\n".join(parts)


def event_pages() -> str:
    """docs/events.md."""
    parts = [
        NOTE,
        "# Events\n",
        f"Every fact the factory records, schema {events.SCHEMA}: a closed set. `factory-tui --json` prints them, one",
        "JSON object a line: `seq` is the order, `at` UTC milliseconds, `run` the run (none: the floor), `actor` who,",
        "and `fact` the fact with its name under `fact`. A key at its default is left out. Keys in italics hold text:",
        "what an agent, a model or a person wrote; a metadata-only viewer gets them empty.\n",
    ]
    for fact in get_args(events.AnyFact):
        kind = inspect.type_info(fact)
        if not isinstance(kind, inspect.StructType):
            raise TypeError(fact)
        prose = docstrings(str(sys.modules[fact.__module__].__file__))
        parts += [f"## `{kind.tag}`\n", prose[fact.__name__] + "\n"]
        text = metadata.text_fields(fact)
        for field in kind.fields:
            name = f"*`{field.name}`*" if field.name in text else f"`{field.name}`"
            parts.append(f"- {name} {prose.get(f'{fact.__name__}.{field.name}', '')}".rstrip())
        parts += [""] if kind.fields else []
    return "\n".join(parts)


PAGES: dict[str, Callable[[], str]] = {
    "docs/configuration.md": configuration,
    "docs/keys.md": keys,
    "docs/events.md": event_pages,
    "docs/scenario.schema.json": scenario.schema,
}


@cache
def docstrings(file: str) -> dict[str, str]:
    """Prose by `Class` and `Class.field` of a module; a field's is the string that follows it."""
    found = {}
    for node in ast.parse(Path(file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = ast.get_docstring(node) or ""
            for before, after in zip(node.body, node.body[1:], strict=False):
                if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name):
                    match after:
                        case ast.Expr(value=ast.Constant(value=str(text))):
                            found[f"{node.name}.{before.target.id}"] = " ".join(text.split())
    return found


def _without_head(prose: str) -> str:
    """A table's prose without the heading it repeats: "`[cells]`: where ..." -> "Where ..."."""
    text = " ".join(prose.split())
    if text.startswith("`["):
        text = text.partition("`")[2].partition("`")[2].lstrip(":. ")
    return text[:1].upper() + text[1:] + "\n" if text else ""


def _rows(table: Any, prose: dict[str, str]) -> list[str]:
    rows = ["| key | type | default | |", "| --- | --- | --- | --- |"]
    kind = inspect.type_info(table)
    if not isinstance(kind, inspect.StructType):
        raise TypeError(table)
    for field in kind.fields:
        text = prose.get(f"{table.__name__}.{field.name}", "")
        rows.append(f"| `{field.name}` | {_kind(field.type)} | {_default(field)} | {text} |".replace("|  |", "| |"))
    return [*rows, ""]


def _kind(node: inspect.Type) -> str:
    match node:
        case inspect.LiteralType():
            return " or ".join(f'`"{value}"`' for value in node.values)
        case inspect.UnionType():
            return " or ".join(_kind(one) for one in node.types if not isinstance(one, inspect.NoneType))
        case inspect.DictType():
            return f"table of {_kind(node.value_type)}"
        case inspect.VarTupleType() | inspect.ListType():
            return f"list of {_kind(node.item_type)}"
    words = {"Str": "text", "Int": "whole number", "Float": "number", "Bool": "true or false"}
    words |= {"Decimal": "amount", "Struct": "table"}
    return words[type(node).__name__.removesuffix("Type")]


def _default(field: inspect.Field) -> str:
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    match value:
        case None:
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case str():
            return f'`"{value}"`'
        case tuple():
            return "`[" + ", ".join(f'"{one}"' for one in value) + "]`"
        case dict():
            return "empty"
    return f"`{value}`"


def main() -> int:
    """Write the pages, or check them; the exit code is 1 when one is not current."""
    parser = argparse.ArgumentParser(description="Make the reference pages from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is not current")
    check = parser.parse_args().check
    stale = []
    for name, page in PAGES.items():
        path, text = ROOT / name, page()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        sys.stdout.write(f"{name} is not current. Remedy: make docs\n" if check else f"wrote {name}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
