"""A link whose engine is on another machine: `factory-tui link` at the far end of an ssh of the user's own.

Owns the address and the ssh process. Keys, host keys and the way there are ssh's business; nothing is forwarded.
"""

import asyncio
import re
import shlex
from collections.abc import Sequence
from typing import NamedTuple, Self
from urllib.parse import unquote

from factory_tui.domain.hostile import one_line
from factory_tui.link.client import Link, greet
from factory_tui.link.protocol import LINE_LIMIT, FullState, LinkError, NoAnswer

OPTIONS = (
    *("-T", "-a", "-x"),
    *("-o", "BatchMode=yes"),  # nobody could answer: the console has the terminal
    *("-o", "ClearAllForwardings=yes"),
    *("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"),  # a dead line is noticed within a minute
)
GREETING = 30.0
"""Seconds until the engine there has to say hello: ssh finds its way meanwhile."""
PARTING = 2.0
"""Seconds that ssh may take to end."""
SAID = 4096
"""Bytes of what ssh said last that are kept."""
_PLACE = re.compile(r"(?:([A-Za-z0-9_.][\w.-]*)@)?([A-Za-z0-9_.][\w.-]*)(?::(\d{1,5}))?", re.ASCII)
"""User, host and port; nothing that ssh or a shell could take for something else."""


class Address(NamedTuple):
    """Where an engine is: `ssh://[user@]host[:port]/path/to/workspace`; `/~/path` begins at the user's home."""

    user: str
    host: str
    port: int | None
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises LinkError for what is no such address, and for what ssh could take for an option."""
        if not text.startswith("ssh://"):
            raise _odd(text, "it does not begin with ssh://")
        place, _, rest = text.removeprefix("ssh://").partition("/")
        path = unquote(f"/{rest}").removeprefix("/~/")
        found = _PLACE.fullmatch(place)
        if not found or int(found[3] or 1) not in range(1, 1 << 16):
            raise _odd(text, f"{place!r} is no plain host name; give such a host a name in ~/.ssh/config")
        if not path.strip("/") or not path.isprintable():
            raise _odd(text, "it does not end with the path of a workspace there")
        return cls(found[1] or "", found[2], int(found[3]) if found[3] else None, path)

    def command(self, ssh: Sequence[str], program: Sequence[str]) -> list[str]:
        """What to run here for a link to the engine there."""
        where = [f"{self.user}@{self.host}" if self.user else self.host]
        port = ["-p", str(self.port)] if self.port else []
        # Ours last: of an option that is given twice ssh takes the first.
        return [*ssh, *OPTIONS, *port, "--", *where, shlex.join([*program, "link", f"--workspace={self.path}"])]


def _odd(text: str, why: str) -> LinkError:
    return LinkError(f"{text}: {why}. Remedy: ssh://[user@]host[:port]/path/to/workspace")


class SshLink(Link):
    """A link over an ssh process, which ends with it."""

    def __init__(self, ssh: "_Ssh", begin: FullState) -> None:
        super().__init__(ssh.reader, ssh.writer, begin)
        self._ssh = ssh

    @classmethod
    async def attach(cls, address: Address, ssh: Sequence[str], program: Sequence[str]) -> Self:
        """Attach. Raises NoAnswer, with ssh's last words, when no engine is reached, LinkError when it refuses."""
        command = address.command(ssh, program)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LINE_LIMIT,
                start_new_session=True,  # ctrl+c is the console's, and ssh has no terminal to ask on
            )
        except OSError as fault:
            raise NoAnswer(f"{command[0]} cannot be started: {fault.strerror or fault}") from fault
        running = _Ssh(process)
        try:
            begin = await greet(running.reader, running.writer, address.host, GREETING)
        except NoAnswer as silent:
            raise NoAnswer(f"{address.host}: {await running.end() or silent}") from silent
        except BaseException:
            await running.end()
            raise
        return cls(running, begin)

    async def close(self) -> None:
        """Detach, and see ssh end."""
        await super().close()
        await self._ssh.end()

    async def _parting(self) -> str:
        return await self._ssh.said()


class _Ssh:
    """A process with its three streams; of what it says on the third the last is kept."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # noqa: S101 - asked for
        assert process.stdout is not None  # noqa: S101
        self.reader, self.writer = process.stdout, process.stdin
        self._process = process
        self._last = b""
        self._listening = asyncio.create_task(self._listen(), name="what ssh says")

    async def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101
        while data := await self._process.stderr.read(SAID):
            self._last = (self._last + data)[-SAID:]

    async def said(self) -> str:
        """What it said last, once it has ended; empty when it said nothing."""
        await asyncio.wait([self._listening], timeout=PARTING)
        lines = [said for said in self._last.decode("utf-8", "replace").splitlines() if said.strip()]
        return one_line(" ".join(lines[-2:]), 300) if lines else ""

    async def end(self) -> str:
        """Have it end, by force if need be; what it said last."""
        self.writer.close()
        try:
            async with asyncio.timeout(PARTING):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        said = await self.said()
        self._listening.cancel()
        return said
