"""The model that both sides talk to: the Messages API twin in a process of its own, and what it plays.

It asks for the same command at every turn and stops when the command's output says that it is enough: the twin is
stateless, so the count is kept by the work tree, without starting a process for it.
"""

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec

from bench.figures import median, milliseconds

STEPS = 20
"""Steps from one stop of the model to the next."""
COMMAND = f"echo step >> log.txt; mapfile -t l < log.txt; (( ${{#l[@]}} % {STEPS} )) || echo enough"
STOP = "That is enough."
MODEL = "claude-haiku-4-5"
SEED = "steps"
TOOL = {"type": "bash_20250124", "name": "bash"}
_PLAYBOOK = f"""
seed = "{SEED}"
[[rule]]
name = "stop"
last = '^enough'
[[rule.block]]
type = "text"
text = "{STOP}"
[[rule]]
name = "step"
last = ''
[[rule.block]]
type = "tool_use"
name = "bash"
input = {{ command = '''{COMMAND}''' }}
"""
_PATIENCE = 20.0


@asynccontextmanager
async def twin(folder: Path) -> AsyncIterator[str]:
    """The address of a twin that listens while the context lasts."""
    playbook = folder / "steps.toml"
    playbook.write_text(_PLAYBOOK)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    options = ["twin", "messages", "--playbook", str(playbook), "--port", str(port)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "factory_tui", *options, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await _listens(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _listens(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


async def own_time(url: str, turns: int, times: int = 60) -> float:
    """Milliseconds that the twin itself takes to answer a conversation of `turns` steps, by the leanest client."""
    body = msgspec.json.encode(
        {"model": MODEL, "max_tokens": 1024, "tools": [TOOL], "messages": _conversation(turns), "stream": True}
    )
    headers = {"content-type": "application/json", "x-api-key": "none", "anthropic-version": "2023-06-01"}
    taken = []
    async with aiohttp.ClientSession(headers=headers) as session:
        for _ in range(times):
            began = time.perf_counter()
            async with session.post(f"{url}/v1/messages", data=body) as response:
                response.raise_for_status()
                await response.read()
            taken.append(milliseconds(began))
    return median(taken)


def _conversation(turns: int) -> list[dict[str, object]]:
    said: list[dict[str, object]] = [{"role": "user", "content": "Go."}]
    for turn in range(turns):
        use = {"type": "tool_use", "id": f"toolu_{turn:024d}", "name": "bash", "input": {"command": COMMAND}}
        result = {"type": "tool_result", "tool_use_id": f"toolu_{turn:024d}", "content": "(no output)\n[exit code 0]"}
        said += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    return said


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, its threads with it (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory of a process (proc(5), VmRSS), in megabytes of 10^6 bytes."""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("VmRSS")) * 1024 / 1e6
