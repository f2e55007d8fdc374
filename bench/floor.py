"""The floor: the smallest honest agent loop, in a process of its own that is told what to do by lines on stdin.

The anthropic SDK's `create(stream=True)`, one persistent bash over an exec stream per container, and the conversation
in a list. No journal, no link, no budget, no fence, no resume. It imports nothing of the product.

    open N IMAGE URL HOW   N loops, each with a container that has started     -> []
    go                     each loop until the model stops                     -> [[moment of each step, seconds], ...]
    close                  remove the containers                               -> []

HOW is "shell", or "exec" for a `docker exec` a command, as harnesses do that keep nothing in their containers.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from typing import Any

import anthropic
import docker

from bench.playing import MODEL, TOOL

_SOCKET = "/var/run/docker.sock"


class Shell:
    """One container and one bash in it."""

    def __init__(self, client: docker.DockerClient, container: Any) -> None:
        self._client = client
        self._container = container
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    @classmethod
    async def start(cls, client: docker.DockerClient, image: str) -> "Shell":
        """A container with a bash that waits for commands."""

        def run() -> Any:
            return client.containers.run(
                image, ["sleep", "infinity"], detach=True, network_mode="none", init=True, working_dir="/tmp"
            )

        shell = cls(client, await asyncio.to_thread(run))
        await shell._attach()
        return shell

    async def _attach(self) -> None:
        api = self._client.api
        bash = ["bash", "--norc", "--noprofile"]
        made = await asyncio.to_thread(api.exec_create, self._container.id, bash, stdin=True, workdir="/tmp")
        self._reader, self._writer = await asyncio.open_unix_connection(_SOCKET, limit=1 << 20)
        body = b'{"Detach":false,"Tty":false}'
        head = (
            f"POST /v{api.api_version}/exec/{made['Id']}/start HTTP/1.1\r\nHost: d\r\nContent-Type: application/json",
            f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(body)}\r\n\r\n",
        )
        self._writer.write("\r\n".join(head).encode() + body)
        await self._reader.readuntil(b"\r\n\r\n")

    async def run(self, command: str) -> str:
        """The output of a command, up to a mark that follows it."""
        mark = b"\x1e" + secrets.token_hex(16).encode()
        self._writer.write(b"{ " + command.encode() + b"\n} 2>&1 </dev/null; printf '" + mark + b" %d\\n' $?\n")
        output = bytearray()
        while True:
            head = await self._reader.readexactly(8)
            output += await self._reader.readexactly(int.from_bytes(head[4:], "big"))
            at = output.find(mark)
            if at >= 0 and output.endswith(b"\n"):
                return bytes(output[:at]).decode()

    async def stop(self) -> None:
        """Remove the container."""
        self._writer.close()
        await asyncio.to_thread(self._container.remove, force=True)


class Exec(Shell):
    """One container, and a process of the Docker command line for every command."""

    async def run(self, command: str) -> str:
        """The output of a command."""
        words = ("docker", "exec", "-w", "/tmp", self._container.id, "bash", "-c", command)
        pipe, both = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
        process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=both)
        return (await process.communicate())[0].decode()


class Loop:
    """Ask, run, append; the conversation goes on from one `go` to the next."""

    def __init__(self, model: anthropic.AsyncAnthropic, shell: Shell) -> None:
        self._model = model
        self.shell = shell
        self._said: list[Any] = []

    async def go(self) -> list[float]:
        """The moment of each step."""
        self._said.append({"role": "user", "content": "Go."})
        moments: list[float] = []
        while True:
            blocks = await self._ask()
            self._said.append({"role": "assistant", "content": blocks})
            results = []
            for block in blocks:
                if block["type"] == "tool_use":
                    output = await self.shell.run(block["input"]["command"])
                    result = output or "(no output)"
                    results.append({"type": "tool_result", "tool_use_id": block["id"], "content": result})
            if not results:
                return moments
            self._said.append({"role": "user", "content": results})
            moments.append(time.perf_counter())

    async def _ask(self) -> list[dict[str, Any]]:
        tools: Any = [TOOL]
        stream = await self._model.messages.create(
            model=MODEL, max_tokens=1024, tools=tools, messages=self._said, stream=True
        )
        blocks: list[dict[str, Any]] = []
        given: list[str] = []
        async for event in stream:
            if event.type == "content_block_start":
                kept = event.content_block.model_dump(include={"type", "text", "id", "name", "input"})
                blocks.append(kept)
                given.append("")
            elif event.type == "content_block_delta":
                if event.delta.type == "text_delta":
                    blocks[-1]["text"] += event.delta.text
                elif event.delta.type == "input_json_delta":
                    given[-1] += event.delta.partial_json
            elif event.type == "content_block_stop" and given[-1]:
                blocks[-1]["input"] = json.loads(given[-1])
        return blocks


async def main() -> None:
    """Obey stdin, a line at a time."""
    client = docker.DockerClient(base_url=f"unix:/{_SOCKET}")
    loops: list[Loop] = []
    try:
        while words := (await asyncio.to_thread(sys.stdin.readline)).split():
            answer: list[list[float]] = []
            match words:
                case ["open", count, image, url, how]:
                    # The machine's proxy is no part of the measurement.
                    direct = anthropic.DefaultAsyncHttpxClient(trust_env=False)
                    model = anthropic.AsyncAnthropic(base_url=url, api_key="none", max_retries=2, http_client=direct)
                    kind = {"shell": Shell, "exec": Exec}[how]
                    shells = await asyncio.gather(*(kind.start(client, image) for _ in range(int(count))))
                    loops = [Loop(model, shell) for shell in shells]
                case ["go"]:
                    answer = await asyncio.gather(*(loop.go() for loop in loops))
                case ["close"]:
                    await asyncio.gather(*(loop.shell.stop() for loop in loops))
                    loops = []
            print(json.dumps(answer), flush=True)
    finally:
        await asyncio.gather(*(loop.shell.stop() for loop in loops))


if __name__ == "__main__":
    os.environ.pop("DOCKER_HOST", None)
    asyncio.run(main())
