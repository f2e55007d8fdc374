"""The text editor tool: view, create, str_replace and insert, on files of a cell's work tree.

Owns what the documented text_editor_20250728 does and says. It cleans and bounds nothing: the toolbox does.
"""

import posixpath
from typing import Literal

import msgspec

from factory_tui.cells.protocol import MIB, Cell, CellDied, CellError, NoEngine

EDITOR = "str_replace_based_edit_tool"
_LARGEST = 4 * MIB
"""Bytes of a file that can be edited."""
_AROUND = 4
"""Lines shown before and after an edit."""
_LIST = """
import os, sys
top = sys.argv[1]
if not os.path.isdir(top):
    sys.exit(3)
for base, folders, files in os.walk(top):
    depth = 0 if base == top else os.path.relpath(base, top).count("/") + 1
    folders[:] = sorted(name for name in folders if not name.startswith("."))
    for name in sorted(folders + files):
        if not name.startswith("."):
            print(os.path.relpath(os.path.join(base, name), top) + ("/" if name in folders else ""))
    if depth == 1:
        folders[:] = []
"""

EDITOR_SCHEMA = {
    "type": "object",
    "properties": {
        "command": {"type": "string", "enum": ["view", "create", "str_replace", "insert"]},
        "path": {"type": "string", "description": "A file or, for view, a folder of the work tree."},
        "view_range": {
            "type": "array",
            "items": {"type": "integer"},
            "description": "For view: first and last line, from 1; -1 is the end of the file.",
        },
        "file_text": {"type": "string", "description": "For create: the whole content of the file."},
        "old_str": {"type": "string", "description": "For str_replace: text that occurs exactly once."},
        "new_str": {"type": "string", "description": "For str_replace: what to put in its place."},
        "insert_line": {"type": "integer", "description": "For insert: the line to insert after; 0 is the beginning."},
        "insert_text": {"type": "string", "description": "For insert: the text."},
    },
    "required": ["command", "path"],
}


class EditError(Exception):
    """An edit that could not be made; the message is for the model."""


class Edit(msgspec.Struct, frozen=True):
    """The tool's input. Keys it does not know are left alone."""

    command: Literal["view", "create", "str_replace", "insert"]
    path: str
    view_range: tuple[int, int] | None = None
    file_text: str | None = None
    old_str: str | None = None
    new_str: str | None = None
    insert_line: int | None = None
    insert_text: str | None = None


async def edit(cell: Cell, wanted: Edit) -> str:
    """Do it; what the model is told. Raises EditError and CellError."""
    path = _inside(cell.work, wanted.path)
    match wanted.command:
        case "view":
            return await _view(cell, path, wanted)
        case "create":
            if wanted.file_text is None:
                raise EditError("create needs file_text.")
            await _write(cell, path, wanted.file_text)
            return f"File created successfully at: {wanted.path}"
        case "str_replace":
            return await _replace(cell, path, wanted)
        case "insert":
            return await _insert(cell, path, wanted)


def _inside(work: str, path: str) -> str:
    """The path relative to the work tree."""
    full = posixpath.normpath(posixpath.join(work, path))
    if "\0" in path or not (full == work or full.startswith(work.rstrip("/") + "/")):
        raise EditError(f"The path {path!r} is outside the work tree {work}.")
    return posixpath.relpath(full, work)


async def _read(cell: Cell, path: str) -> str:
    data = await cell.read(path, _LARGEST + 1)
    if len(data) > _LARGEST:
        raise EditError(f"{path} is larger than {_LARGEST} bytes: use bash.")
    return data.decode("utf-8", "surrogateescape")


async def _write(cell: Cell, path: str, text: str) -> None:
    """Write the file, with the permissions that it had."""
    found = await cell.run(["stat", "-L", "-c", "%a", "--", path], cwd=cell.work, timeout=10)
    mode = found.stdout.strip()
    kept = int(mode, 8) & 0o777 if found.exit == 0 and mode.isdigit() else 0o644
    await cell.write(path, text.encode("utf-8", "surrogateescape"), kept)


async def _view(cell: Cell, path: str, wanted: Edit) -> str:
    try:
        text = await _read(cell, path)
    except (CellDied, NoEngine):
        raise
    except CellError as error:
        listed = await cell.run(["python3", "-I", "-c", _LIST, path], cwd=cell.work, timeout=10)
        if listed.exit != 0:
            raise EditError(f"The path {wanted.path} cannot be viewed: {error}") from error
        names = listed.stdout.decode("utf-8", "replace")
        return f"Files and folders up to 2 levels deep in {wanted.path}, hidden ones left out:\n{names}"
    lines = _lines(text)
    first, last = wanted.view_range or (1, -1)
    last = len(lines) if last == -1 else last
    if not 1 <= first <= max(len(lines), 1) or last < first:
        raise EditError(f"Invalid view_range {list(wanted.view_range or ())}: {wanted.path} has {len(lines)} lines.")
    return _numbered(lines[first - 1 : last], first)


async def _replace(cell: Cell, path: str, wanted: Edit) -> str:
    if not wanted.old_str:
        raise EditError("str_replace needs old_str, which may not be empty.")
    text, new = await _read(cell, path), wanted.new_str or ""
    found = text.count(wanted.old_str)
    if found == 0:
        raise EditError(f"No replacement was performed: old_str does not appear verbatim in {wanted.path}.")
    if found > 1:
        lines = _starts(text, wanted.old_str)
        raise EditError(
            f"No replacement was performed: old_str occurs {found} times in {wanted.path}, in lines {lines}. "
            "Make it unique."
        )
    before, after = text.split(wanted.old_str)
    await _write(cell, path, before + new + after)
    return _edited(wanted.path, before + new + after, before.count("\n"), new.count("\n"))


async def _insert(cell: Cell, path: str, wanted: Edit) -> str:
    new = wanted.insert_text if wanted.insert_text is not None else wanted.new_str
    if wanted.insert_line is None or new is None:
        raise EditError("insert needs insert_line and insert_text.")
    before = await _read(cell, path)
    lines = _lines(before)
    if not 0 <= wanted.insert_line <= len(lines):
        raise EditError(f"Invalid insert_line {wanted.insert_line}: {wanted.path} has {len(lines)} lines.")
    head, tail = lines[: wanted.insert_line], before.split("\n")[wanted.insert_line :]
    added = new if new.endswith("\n") else new + "\n"
    text = "".join(f"{line}\n" for line in head) + added + "\n".join(tail)
    await _write(cell, path, text)
    return _edited(wanted.path, text, wanted.insert_line, added.count("\n") - 1)


def _lines(text: str) -> list[str]:
    """The lines as an editor counts them; other separators than newlines end no line."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _starts(text: str, part: str) -> list[int]:
    """Numbers of the first few lines in which the part begins."""
    found: list[int] = []
    place = text.find(part)
    while place >= 0 and len(found) < 20:
        found.append(text.count("\n", 0, place) + 1)
        place = text.find(part, place + len(part))
    return found


def _edited(path: str, text: str, line: int, added: int) -> str:
    first = max(line - _AROUND, 0)
    shown = text.split("\n")[first : line + added + _AROUND + 1]
    return f"The file {path} has been edited. Around the edit it now reads:\n{_numbered(shown, first + 1)}"


def _numbered(lines: list[str], first: int) -> str:
    return "\n".join(f"{number:6}\t{line}" for number, line in enumerate(lines, first))
