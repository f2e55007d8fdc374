"""Finds its output there already, and leaves it."""

import pathlib
import shutil
import sys

if __name__ == "__main__":
    made = pathlib.Path(__file__).parent / "out"
    if not pathlib.Path(sys.argv[2]).exists():
        shutil.copytree(made, sys.argv[2])
