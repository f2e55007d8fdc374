"""A bridge between the engine's socket and two streams, so that a console can be at the far end of a pipe.

It lowers rights before it copies a byte, if it is told to. It knows nothing of ssh, nor what the lines mean.
"""

import os
import socket
import threading
from pathlib import Path

from factory_tui.link.protocol import Lower, NoAnswer, line

CHUNK = 1 << 16


def bridge(path: Path, lower: Lower | None = None, *, source: int = 0, sink: int = 1) -> None:
    """Copy between the engine behind `path` and two descriptors until either side ends.

    Reads as slowly as the far end does, so that the engine sees a slow console. Raises NoAnswer where no engine is.
    """
    with socket.socket(socket.AF_UNIX) as engine:
        try:
            engine.connect(str(path))
        except OSError as fault:
            why = fault.strerror or fault
            raise NoAnswer(f"{path}: no engine answers ({why}). Remedy: factory-tui starts one") from fault
        if lower:
            engine.sendall(line(lower))
        # A daemon: nothing wakes it from its read once the engine has gone.
        threading.Thread(target=_upwards, args=(source, engine), daemon=True).start()
        try:
            while data := engine.recv(CHUNK):
                _write(sink, data)
        except (BrokenPipeError, ConnectionResetError):
            return  # whoever read has gone


def _upwards(source: int, engine: socket.socket) -> None:
    try:
        while data := os.read(source, CHUNK):
            engine.sendall(data)
        engine.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the engine has gone, which the other direction sees too


def _write(sink: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(sink, rest) :]
