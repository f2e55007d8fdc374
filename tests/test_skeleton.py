"""The house stands: every floor imports, and the engine's side never loads Textual."""

import subprocess
import sys

HEADLESS = (
    "domain",
    "journal",
    "pipeline",
    "policy",
    "cells",
    "twins",
    "model",
    "agents",
    "harness",
    "delivery",
    "link",
    "engine",
)


def test_headless_floors_do_not_load_textual_or_rich() -> None:
    imports = "; ".join(f"import factory_tui.{name}" for name in HEADLESS)
    code = f"import sys, pkgutil, importlib, factory_tui; {imports}\n" + (
        "skip = ('factory_tui.console', 'factory_tui.cli', 'factory_tui.following', 'factory_tui.__main__')\n"
        "for m in pkgutil.walk_packages(factory_tui.__path__, 'factory_tui.'):\n"
        "    if not m.name.startswith(skip): importlib.import_module(m.name)\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('textual', 'rich')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
