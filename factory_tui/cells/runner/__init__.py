"""The runner, a cell's other end, and how it travels: over the stdin of a Python in a cell where nothing is installed.

Its modules use the standard library only and run on Python >= 3.8.
"""

from __future__ import annotations

import json
import marshal
import zlib
from functools import cache
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODULES: Final = (
    "frames",
    "loop",
    "processes",
    "gauge",
    "rights",
    "ahead",
    "keeper",
    "files",
    "command",
    "commands",
    "calls",
    "main",
)
"""In the order in which they need each other."""
TOO_OLD: Final = 78
"""The exit status of a Python that is older: what it would say is lost where nobody listens yet."""
_PACKING: Final = Lock()
"""Bytecode is not written alike twice, so it is written once."""
_LOADER: Final = """
import sys
if sys.version_info < (3, 8):
    sys.exit(78)
import ctypes, json, marshal, os, signal, socket, zlib
def unpacked(size):
    data = b""
    while len(data) < size:
        more = os.read(0, size - len(data))
        if not more:
            sys.exit("the engine ended before it had sent the runner")
        data += more
    return zlib.decompress(data)
_, magic, *sizes, _ = sys.argv
source, compiled = (unpacked(int(size)) for size in sizes)
if getattr(sys.modules.get("_frozen_importlib_external"), "MAGIC_NUMBER", b"").hex() == magic:
    codes = marshal.loads(compiled)
else:
    heard, said = os.pipe()
    if not os.fork():
        for fd in (heard, 0, 1):
            os.close(fd)
        texts = json.loads(source)
        codes = [(name, compile(text, name, "exec", optimize=2)) for name, text in texts.items()]
        with open(said, "wb") as file:
            marshal.dump(codes, file)
        os._exit(0)
    os.close(said)
    with open(heard, "rb") as file:
        codes = marshal.load(file)
    os.wait()
del source, compiled
for name, code in codes:
    module = sys.modules[name] = type(sys)(name)
    exec(code, module.__dict__)
module.main()
"""
"""Puts every module under its own full name, so that imports find it. The modules come over stdin, since whoever starts
the cell copies and checks a long argument many times; what of Python's own takes long to import comes first, while they
are on their way. A Python that reads the engine's bytecode goes by it, which saves a cell a third of its start. Another
compiles, in a process of its own: what a compiler leaves behind would be copied at every fork for as long as the cell
lives. That process holds none of the runner's streams: were the runner killed, whoever waits for their end would wait
for ever.
"""


def _packed() -> tuple[bytes, bytes]:
    """The modules' source, and their bytecode: the same for whoever asks, whose thread may be another."""
    with _PACKING:
        return _pack()


@cache
def _pack() -> tuple[bytes, bytes]:
    here = Path(__file__).parent
    texts = {f"{__name__}.{name}": (here / f"{name}.py").read_text("utf-8") for name in _MODULES}
    codes = [(name, compile(text, name, "exec", optimize=2, dont_inherit=True)) for name, text in texts.items()]
    return zlib.compress(json.dumps(texts).encode()), zlib.compress(marshal.dumps(codes))


def modules() -> bytes:
    """What a runner is to hear first of all."""
    return b"".join(_packed())


def arguments(config: Mapping[str, Any]) -> list[str]:
    """What to give to Python to be the runner, once it has heard its modules.

    ``config`` has ``work`` (the absolute path of the work tree), ``uid`` and ``gid`` of commands (None: the runner's
    own), ``leave`` (whether to kill all and end with its stdin), ``env`` of commands, and maybe ``limits``
    (resource limits of commands by name), ``own`` (folders, each with the user to give it to), ``hide`` (whether to
    shut its memory to others of its user), ``cgroup`` (where the cell's own control group is), and ``annex`` (``work``,
    ``uid`` and ``gid`` of what runs beside the agent).
    """
    sizes = (str(len(data)) for data in _packed())
    return ["-I", "-S", "-u", "-c", _LOADER, MAGIC_NUMBER.hex(), *sizes, json.dumps(config)]
