"""The tools of the `messages` agent: bash and the text editor, in a cell.

Owns what the model is told about a tool and about what it did. Every text that leaves here is clean, redacted and
bounded. Formats: the documented tools bash_20250124 and text_editor_20250728.
"""

import codecs
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from factory_tui.agents.conversation import ToolUse
from factory_tui.agents.editor import EDITOR, EDITOR_SCHEMA, Edit, EditError, edit
from factory_tui.cells.protocol import Cell, CellDied, CellError, NoEngine, OnOutput, Outcome, Stream
from factory_tui.domain.events import CellLacked
from factory_tui.domain.hostile import clean, clean_bytes, one_line
from factory_tui.domain.live import LiveOutput
from factory_tui.domain.scribe import Scribe

BASH = "bash"
_BASH_SCHEMA = {
    "type": "object",
    "properties": {
        "command": {"type": "string", "description": "The command, for a fresh bash in the work tree."},
        "restart": {"type": "boolean", "description": "Accepted; every command has a fresh shell anyway."},
    },
}
_LOST = (
    "The result of this command was lost in a restart. It may have run, in whole or in part, or not at all: "
    "look at the work tree before you go on."
)
_LOST_EDIT = "Whether this edit was made was lost in a restart: view the file before you go on."
_RESTARTED = "Every command already runs in a fresh shell that starts in the work tree; nothing had to be restarted."


class Result(msgspec.Struct, frozen=True):
    """What the model is told about one call."""

    output: str
    failed: bool = False
    exit: int | None = None
    seconds: float = 0.0
    cut: int = 0
    """Bytes left out of the middle."""
    died: bool = False
    """Whether the cell ended under it."""


def definitions(form: Literal["native", "schema"]) -> list[dict[str, Any]]:
    """The `tools` of a request: as the models were trained on them, or with schemas for endpoints that know neither."""
    if form == "native":
        return [{"type": "bash_20250124", "name": BASH}, {"type": "text_editor_20250728", "name": EDITOR}]
    bash = "Run a command in a fresh bash in the work tree. Nothing but files is kept between commands."
    editor = "View, create and edit text files of the work tree."
    return [
        {"name": BASH, "description": bash, "input_schema": _BASH_SCHEMA},
        {"name": EDITOR, "description": editor, "input_schema": EDITOR_SCHEMA},
    ]


def truncate(text: str, limit: int) -> tuple[str, int]:
    """The text with its middle cut out, so that about `limit` characters stay; and the bytes that were cut."""
    if len(text) <= limit:
        return text, 0
    head, tail = limit // 2, limit - limit // 2
    cut = len(text[head:-tail].encode("utf-8", "replace"))
    return f"{text[:head]}\n[... {cut} bytes cut out here ...]\n{text[-tail:]}", cut


def brief(use: ToolUse) -> str:
    """One line for the trace."""
    if use.tool == EDITOR:
        return one_line(f"{use.input.get('command', '')} {use.input.get('path', '')}")
    return one_line(str(use.input.get("command", "") or ("restart" if use.input.get("restart") else "")))


Redact = Callable[[str], str]
"""Takes known keys out of a text, or of what follows in one that comes in pieces."""


class Toolbox:
    """The tools in one cell, for one run. `live` gives what redacts one text that comes in pieces."""

    def __init__(
        self, cell: Cell, scribe: Scribe, redact: Redact, *, live: Callable[[], Redact], timeout: float, limit: int
    ) -> None:
        self._cell = cell
        self._live = live
        self._scribe = scribe
        self._redact = redact
        self._timeout = timeout
        self._limit = limit

    async def run(self, use: ToolUse) -> Result:
        """Do what the model asked for; what it got wrong is told to the model, never raised."""
        if use.invalid is not None:
            shown, _ = truncate(use.invalid, 500)
            return self._failure(f"The input of {use.tool} is no JSON object, so nothing was run. Received: {shown}")
        try:
            if use.tool == BASH:
                return await self._bash(use)
            if use.tool == EDITOR:
                return await self._edit(use)
        except NoEngine:
            raise  # it is no outcome of the call, which is made again
        except CellDied as error:
            said = self._failure(f"The cell ended while this ran: {error}")
            return msgspec.structs.replace(said, died=True)
        except CellError as error:
            return self._failure(str(error))
        return self._failure(f"There is no tool {use.tool!r}. The tools are {BASH} and {EDITOR}.")

    async def _bash(self, use: ToolUse) -> Result:
        command = use.input.get("command")
        if use.input.get("restart") and not command:
            return Result(_RESTARTED)
        if not isinstance(command, str) or not command.strip() or "\0" in command:
            return self._failure('bash takes {"command": "..."}: a string that is not empty and has no NUL.')
        name = f"{use.call}.{use.step}" if use.again else use.call
        # One that was begun by an engine that is gone keeps its name: the cell never runs a name twice.
        outcome = await self._cell.run(
            command,
            id=name,
            cwd=self._cell.work,
            timeout=self._timeout,
            # No character is longer, so whatever the cell leaves out lies within what is cut here.
            limit=4 * self._limit,
            on_output=self._shown(use.call),
        )
        if outcome.lost:
            if use.begun and not outcome.stderr:
                return Result(_LOST, failed=True)
            raise CellDied(clean_bytes(outcome.stderr) or "its result is lost")
        if outcome.lacked:
            told = [CellLacked(self._cell.id, lack.what, lack.limit, lack.where) for lack in outcome.lacked]
            await self._scribe.record(*told)
        return self._told(outcome)

    def _told(self, outcome: Outcome) -> Result:
        streams = [clean_bytes(outcome.stdout).rstrip("\n")]
        if outcome.stderr:
            streams.append("[stderr]\n" + clean_bytes(outcome.stderr).rstrip("\n"))
        text = "\n".join(filter(None, streams)) or "(no output)"
        text, cut = truncate(self._redact(text), self._limit)
        cut += outcome.cut
        if outcome.cut:
            text += f"\n[{cut} bytes were cut out in all]"
        if outcome.timed_out:
            end = f"[timed out after {self._timeout:g} s; everything it started was killed]"
        else:
            end = f"[exit code {outcome.exit}]"
        lacked = "".join(f"\n[{lack}]" for lack in outcome.lacked)
        return Result(f"{text}{lacked}\n{end}", outcome.timed_out, outcome.exit, outcome.seconds, cut)

    async def _edit(self, use: ToolUse) -> Result:
        if use.begun and use.input.get("command") in ("str_replace", "insert"):
            return Result(_LOST_EDIT, failed=True)
        try:
            said = await edit(self._cell, msgspec.convert(use.input, Edit))
        except (EditError, msgspec.ValidationError) as error:
            return self._failure(f"{error}")
        text, cut = truncate(self._redact(clean(said)), self._limit)
        return Result(text, cut=cut)

    def _failure(self, text: str) -> Result:
        return Result(truncate(self._redact(clean(text)), self._limit)[0], failed=True)

    def _shown(self, call: str) -> OnOutput:
        decode = {name: codecs.getincrementaldecoder("utf-8")("replace") for name in ("stdout", "stderr")}
        redact = {name: self._live() for name in decode}

        def show(stream: Stream, data: bytes) -> None:
            text = redact[stream](clean(decode[stream].decode(data)))
            if text:
                self._scribe.show(LiveOutput(self._scribe.run, call, stream, text))

        return show
