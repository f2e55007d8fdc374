"""The tools in a real cell: what the model is told, and what happens to the files."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from anthropic.types import ToolBash20250124Param, ToolParam, ToolTextEditor20250728Param
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from factory_tui.agents.conversation import ToolUse
from factory_tui.agents.tools import Result, Toolbox, brief, definitions, truncate
from factory_tui.cells.protocol import Cell, CellError
from factory_tui.domain.live import LiveOutput
from tests.model.endpoint import Notebook

EDITOR = "str_replace_based_edit_tool"
SECRET = "sk-secret-0123"


def redact(text: str) -> str:
    return text.replace(SECRET, "[redacted]")


class Bench:
    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.notes = Notebook()
        self.box = Toolbox(cell, self.notes, redact, live=lambda: redact, timeout=5, limit=2000)
        self._calls = 0

    async def run(self, tool: str, **given: Any) -> Result:
        self._calls += 1
        return await self.box.run(ToolUse(1, f"t{self._calls}", tool, given))

    async def bash(self, command: str) -> Result:
        return await self.run("bash", command=command)

    async def edit(self, command: str, path: str, **given: Any) -> Result:
        return await self.run(EDITOR, command=command, path=path, **given)


@pytest.fixture
def bench(cell: Cell) -> Bench:
    return Bench(cell)


def test_native_definitions_are_the_documented_ones() -> None:
    bash, editor = definitions("native")
    TypeAdapter(ToolBash20250124Param).validate_python(bash, strict=True)
    TypeAdapter(ToolTextEditor20250728Param).validate_python(editor, strict=True)


def test_schema_definitions_have_the_same_names() -> None:
    for tool in definitions("schema"):
        TypeAdapter(ToolParam).validate_python(tool)
    assert [t["name"] for t in definitions("schema")] == [t["name"] for t in definitions("native")]


async def test_a_command_runs_in_the_work_tree_and_tells_its_exit_code(bench: Bench) -> None:
    result = await bench.bash("pwd; echo oops >&2; exit 3")
    assert result.output == f"{bench.cell.work}\n[stderr]\noops\n[exit code 3]"
    assert (result.exit, result.failed) == (3, False)


async def test_a_silent_command_says_so(bench: Bench) -> None:
    assert (await bench.bash("true")).output == "(no output)\n[exit code 0]"


async def test_output_streams_while_the_command_runs(bench: Bench) -> None:
    await bench.bash("printf 'h\\303'; sleep 0.1; printf '\\251\\033[2J'")
    frames = [frame for frame in bench.notes.frames if isinstance(frame, LiveOutput)]
    assert "".join(frame.text for frame in frames) == "hé\ufffd"
    assert {frame.call for frame in frames} == {"t1"}


async def test_a_command_that_takes_too_long_is_stopped(cell: Cell) -> None:
    box = Toolbox(cell, Notebook(), redact, live=lambda: redact, timeout=0.3, limit=2000)
    result = await box.run(ToolUse(1, "t1", "bash", {"command": "echo begun; sleep 60"}))
    assert result.failed
    assert result.output == "begun\n[timed out after 0.3 s; everything it started was killed]"


async def test_a_flood_keeps_head_and_tail_and_says_what_was_cut(bench: Bench) -> None:
    result = await bench.bash("echo first; yes middle | head -c 300000; echo; echo last")
    assert result.output.startswith("first\n")
    assert "\nlast\n" in result.output
    assert len(result.output) < 2200
    assert abs(result.cut - 298_000) < 100
    assert f"[{result.cut} bytes were cut out in all]" in result.output


async def test_hostile_output_and_secrets_never_leave(bench: Bench) -> None:
    result = await bench.bash(f"printf '\\033]0;owned\\007\\342\\200\\256{SECRET}\\377'")
    assert result.output == "\ufffd\ufffd[redacted]\ufffd\n[exit code 0]"


@pytest.mark.parametrize("given", [{}, {"command": ""}, {"command": 3}, {"command": ["ls"]}, {"command": "a\0b"}])
async def test_a_command_that_is_none_is_explained(bench: Bench, given: dict[str, Any]) -> None:
    result = await bench.run("bash", **given)
    assert result.failed
    assert '{"command": "..."}' in result.output


async def test_restart_says_that_every_shell_is_fresh(bench: Bench) -> None:
    result = await bench.run("bash", restart=True)
    assert not result.failed
    assert "fresh shell" in result.output


async def test_an_unknown_tool_names_the_known_ones(bench: Bench) -> None:
    result = await bench.run("web_search", query="x")
    assert result.failed
    assert "bash and str_replace_based_edit_tool" in result.output


async def test_input_that_is_no_json_is_quoted_back(bench: Bench) -> None:
    result = await bench.box.run(ToolUse(1, "t", "bash", {}, invalid='{"command": "ls'))
    assert result.failed
    assert '{"command": "ls' in result.output


async def test_create_view_replace_insert(bench: Bench) -> None:
    made = await bench.edit("create", "src/app.py", file_text="one\ntwo\nthree\n")
    assert made.output == "File created successfully at: src/app.py"
    assert (await bench.edit("view", "src/app.py")).output == "     1\tone\n     2\ttwo\n     3\tthree"
    assert (await bench.edit("view", "src/app.py", view_range=[2, -1])).output == "     2\ttwo\n     3\tthree"
    replaced = await bench.edit("str_replace", "src/app.py", old_str="two\n", new_str="2\n2b\n")
    assert "     3\t2b" in replaced.output
    await bench.edit("insert", f"{bench.cell.work}/src/app.py", insert_line=0, insert_text="zero")
    await bench.edit("insert", "src/app.py", insert_line=5, insert_text="end")
    assert await bench.cell.read("src/app.py") == b"zero\none\n2\n2b\nthree\nend\n"


async def test_inserting_after_a_last_line_without_a_newline_gives_it_one(bench: Bench) -> None:
    await bench.cell.write("f", b"a\x0cb\r\nc")
    await bench.edit("insert", "f", insert_line=2, insert_text="d")
    assert await bench.cell.read("f") == b"a\x0cb\r\nc\nd\n"


async def test_an_edit_keeps_permissions_and_bytes_that_are_no_text(bench: Bench) -> None:
    await bench.cell.write("run.sh", b"#!/bin/sh\necho \xff old\n", 0o755)
    await bench.edit("str_replace", "run.sh", old_str="old", new_str="new")
    assert await bench.cell.read("run.sh") == b"#!/bin/sh\necho \xff new\n"
    assert (await bench.bash("test -x run.sh")).exit == 0


@pytest.mark.parametrize(
    ("text", "old", "said"),
    [
        ("a\nb\n", "c", "does not appear verbatim"),
        ("a\nb\na\n", "a", "occurs 2 times in f, in lines [1, 3]"),
        ("a\n", "", "may not be empty"),
    ],
)
async def test_a_replacement_needs_exactly_one_match(bench: Bench, text: str, old: str, said: str) -> None:
    await bench.cell.write("f", text.encode())
    result = await bench.edit("str_replace", "f", old_str=old, new_str="x")
    assert result.failed
    assert said in result.output
    assert await bench.cell.read("f") == text.encode()


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "/", "x\0y"])
@pytest.mark.parametrize("command", ["view", "create"])
async def test_paths_outside_the_work_tree_are_refused(bench: Bench, path: str, command: str) -> None:
    result = await bench.edit(command, path, file_text="x")
    assert result.failed
    assert "outside the work tree" in result.output


async def test_a_link_does_not_lead_outside(bench: Bench) -> None:
    await bench.bash("ln -s /etc/hostname link")
    assert (await bench.edit("view", "link")).failed
    assert (await bench.edit("str_replace", "link", old_str="a", new_str="b")).failed


async def test_a_folder_is_listed_two_levels_deep(bench: Bench) -> None:
    await bench.bash("mkdir -p a/b/c .git && touch a/x a/b/y a/b/c/z .hidden top")
    listed = (await bench.edit("view", ".")).output.splitlines()[1:]
    assert sorted(listed) == ["a/", "a/b/", "a/x", "top"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"command": "view", "path": "none"}, "cannot be viewed"),
        ({"command": "undo_edit", "path": "f"}, "undo_edit"),
        ({"path": "f"}, "command"),
        ({"command": "create", "path": "g"}, "needs file_text"),
        ({"command": "view", "path": "f", "view_range": [9, 12]}, "has 1 lines"),
        ({"command": "insert", "path": "f", "insert_line": 2, "insert_text": "x"}, "has 1 lines"),
        ({"command": "insert", "path": "f", "insert_line": 1}, "needs insert_line and insert_text"),
        ({"command": "str_replace", "path": "none", "old_str": "x"}, "none"),
    ],
)
async def test_a_wrong_edit_is_explained(bench: Bench, given: dict[str, Any], said: str) -> None:
    await bench.cell.write("f", b"one\n")
    result = await bench.run(EDITOR, **given)
    assert result.failed
    assert said in result.output


async def test_a_command_that_was_begun_is_not_run_again(bench: Bench) -> None:
    await bench.cell.run("echo once >> log; cat log", id="t9", cwd=bench.cell.work)
    result = await bench.box.run(ToolUse(1, "t9", "bash", {"command": "echo once >> log; cat log"}, begun=True))
    assert result.output == "once\n[exit code 0]"


async def test_a_command_that_never_reached_the_cell_is_run(bench: Bench) -> None:
    result = await bench.box.run(ToolUse(1, "t9", "bash", {"command": "echo hi"}, begun=True))
    assert result.output == "hi\n[exit code 0]"


async def test_an_edit_that_may_have_been_made_is_not_made_again(bench: Bench) -> None:
    result = await bench.box.run(ToolUse(1, "t9", EDITOR, {"command": "str_replace", "path": "f"}, begun=True))
    assert result.failed
    assert "lost in a restart" in result.output


async def test_an_id_that_the_model_used_before_still_names_a_new_command(bench: Bench) -> None:
    for step, again in ((1, False), (2, True)):
        use = ToolUse(step, "call_0", "bash", {"command": f"echo {step}"}, again=again)
        assert (await bench.box.run(use)).output == f"{step}\n[exit code 0]"


async def test_cancelled_in_a_command_it_is_killed(bench: Bench) -> None:
    task = asyncio.create_task(bench.bash("echo $$ > pid; exec sleep 60"))
    await until(lambda: bench.cell.read("pid"))
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    pid = int(await bench.cell.read("pid"))
    gone = await bench.cell.run(
        f"for i in $(seq 100); do kill -0 {pid} 2>/dev/null || exit 0; sleep 0.05; done; exit 1"
    )
    assert gone.exit == 0


async def test_a_cell_that_died_is_told_to_the_model_and_to_the_caller(bench: Bench) -> None:
    await bench.cell.close()
    result = await bench.bash("true")
    assert result.failed
    assert result.died


def test_the_trace_shows_one_line() -> None:
    assert brief(ToolUse(1, "t", "bash", {"command": "a\nb\x1b[1m"})) == "a b\ufffd"
    assert brief(ToolUse(1, "t", EDITOR, {"command": "view", "path": "x"})) == "view x"


@given(st.text(max_size=300), st.integers(2, 100))
def test_truncate_keeps_both_ends(text: str, limit: int) -> None:
    short, cut = truncate(text, limit)
    assert short.startswith(text[: limit // 2])
    assert short.endswith(text[-(limit - limit // 2) :]) or cut == 0
    assert (cut == 0) == (len(text) <= limit)


async def until(probe: Callable[[], Any], seconds: float = 5) -> None:
    """Wait until the file has a line."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                if (await probe()).endswith(b"\n"):
                    return
            except CellError:
                pass
            await asyncio.sleep(0.01)
