"""A recorded session of the demo: `python docs/cast.py [OUT]` writes docs/demo.cast, in the form of asciinema v2.

It runs the real command in a terminal of 120x40, in a folder whose path says nothing about this machine, presses the
keys of `KEYS` when the screen is ready for them, and keeps what came and when; gaps are cut to a second. Play it with
`asciinema play docs/demo.cast`. Form: https://docs.asciinema.org/manual/asciicast/v2/ (read 2026-07).
"""

import argparse
import codecs
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.terminal import Terminal, words  # noqa: E402
from factory_tui.demonstrating import SEEDS  # noqa: E402
from factory_tui.twins.messages.playbook import BUNDLED, load_folder  # noqa: E402

OUT = ROOT / "docs" / "demo.cast"
PLACE = Path("/tmp/demo")  # noqa: S108 - it is in the picture, and has to look the same everywhere
SIZE = (120, 40)
GAP = 1.0
"""Seconds that nothing may happen for, at most."""
PATIENCE = 480.0
GUIDANCE = load_folder(BUNDLED)["ledger"].guidance
KEYS: tuple[tuple[str, str], ...] = (
    ("verdict", "\r"),
    ("not satisfied", "1"),
    ("in inbox", "3"),
    ("E-1", "a"),
    ("Answer E-1", GUIDANCE),
    (GUIDANCE[-5:], "\r"),
    ("accepted", "1"),
    (f"{len(SEEDS)} shipped", "5"),
    ("rates are of", "q"),
)
"""What has to come on the screen, then a moment to read it, then what is typed."""
READ = 2.0
"""Seconds to read before a key."""
TYPING = 0.05
"""Seconds from one letter to the next."""


def recorded(command: Sequence[str], keys: Sequence[tuple[str, str]], cwd: Path) -> Iterator[tuple[float, str]]:
    """What the program draws until it ends, with the seconds since it was started. Raises RuntimeError if it hangs."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    began = time.monotonic()
    left, drawn, typing, due = list(keys), b"", "", 0.0
    with Terminal(command, SIZE, cwd) as terminal:
        while True:
            more = terminal.read(0.02)
            now = time.monotonic() - began
            if more:
                yield now, decode(more)
                drawn += more
            elif terminal.program.poll() is not None:
                if left:
                    raise RuntimeError(f"it ended before {left[0][0]!r} came: {words(drawn)[-400:]!r}")
                return
            if typing and now >= due:
                terminal.type(typing[0].encode())
                typing, due = typing[1:], now + TYPING
            elif left and more and not typing and left[0][0] in words(drawn):
                typing, due = left.pop(0)[1], now + READ
                drawn = b""
            if now > PATIENCE:
                raise RuntimeError(f"it does not end; waiting for {left[:1]}, the end of it: {words(drawn)[-400:]!r}")


def cast(shown: Iterable[tuple[float, str]], command: str, secrets: Sequence[str]) -> list[str]:
    """The lines of the file. Raises RuntimeError for a text of `secrets` in it."""
    header = {"version": 2, "width": SIZE[0], "height": SIZE[1], "command": command, "title": "factory-tui demo"}
    lines = [json.dumps({**header, "env": {"TERM": "xterm-256color"}})]
    at = last = 0.0
    for moment, text in shown:
        at += min(moment - last, GAP)
        last = moment
        lines.append(json.dumps([round(at, 3), "o", text], ensure_ascii=False))
    whole = words("".join(json.loads(line)[2] for line in lines[1:]).encode())
    for secret in secrets:
        if secret and secret in whole:
            raise RuntimeError(f"{secret!r} can be read in the recording")
    return lines


def main() -> None:
    """Record, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=OUT)
    out = parser.parse_args().out.resolve()
    PLACE.mkdir()  # somebody else's is not overwritten
    with tempfile.TemporaryDirectory(prefix="cast") as home:
        bin_folder = Path(home) / "bin"
        bin_folder.mkdir()
        program = bin_folder / "factory-tui"
        program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m factory_tui "$@"\n')
        program.chmod(0o755)
        for name in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
            os.environ[name] = home
        for name in ("ANTHROPIC_API_KEY", "NO_COLOR"):
            os.environ.pop(name, None)
        os.environ["PATH"] = f"{bin_folder}:{os.environ['PATH']}"
        try:
            lines = cast(
                recorded(["factory-tui", "demo"], KEYS, PLACE), "factory-tui demo", [str(ROOT), sys.prefix, home]
            )
        finally:
            stop = [str(program), "engine", "stop", "--workspace", str(PLACE / "factory-demo")]
            subprocess.run(stop, capture_output=True, check=False)  # where it did not get to its end
            shutil.rmtree(PLACE)
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(
        f"{out}: {len(lines) - 1} frames, {json.loads(lines[-1])[0]:.0f} s, {out.stat().st_size >> 10} KiB\n"
    )


if __name__ == "__main__":
    main()
