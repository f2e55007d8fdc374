"""The runner, a cell's other end, and how it travels: as one text for ``python3 -I -S -u -c TEXT CONFIG``.

Its modules use the standard library only and run on Python >= 3.8, in a cell where this package is not installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

MODULES: Final = ("frames", "loop", "processes", "keeper", "files", "commands", "calls", "main")
"""In the order in which they need each other."""

_LOADER: Final = """
import sys
for name, text in {modules!r}.items():
    module = sys.modules[name] = type(sys)(name)
    exec(compile(text, name, "exec"), module.__dict__)
del text
module.main()
"""


def source() -> str:
    """The text: every module under its own full name, so that imports find it, then ``main``. The same every time."""
    here = Path(__file__).parent
    modules = {f"{__name__}.{name}": (here / f"{name}.py").read_text("utf-8") for name in MODULES}
    return _LOADER.format(modules=modules)
