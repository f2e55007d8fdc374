"""The house stands: every floor imports, the engine's side never loads Textual, and what is installed is pinned."""

import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

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
        "todo = list(pkgutil.iter_modules(factory_tui.__path__, 'factory_tui.'))\n"
        "while todo:\n"  # walk_packages would import what is skipped, to look into it
        "    m = todo.pop()\n"
        "    if m.name.startswith(skip): continue\n"
        "    found = importlib.import_module(m.name)\n"
        "    todo += pkgutil.iter_modules(getattr(found, '__path__', ()), m.name + '.')\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('textual', 'rich')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_pin_is_exact_and_hashed_and_names_no_index(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert not re.search(r"://|^\s*-", re.sub(r"^\s+--hash=.*", "", text, flags=re.MULTILINE), re.MULTILINE)
    pins = [
        line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    assert len(pins) > 10
    for pin in pins:
        assert re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[^ ]+( ;[^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", pin), pin


def test_whatever_is_needed_is_pinned() -> None:
    """The names that pyproject.toml asks for, and those of its groups."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = project["dependency-groups"]
    for name, wanted in (
        ("requirements.txt", [*project["project"]["dependencies"], *groups["build"]]),
        ("requirements-dev.txt", [*project["project"]["dependencies"], *groups["build"], *groups["dev"]]),
    ):
        pinned = set(re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        assert {re.split(r"[\[<>=]", one)[0] for one in wanted} <= pinned


def test_programs_that_tests_start_hear_signals_though_whoever_runs_the_tests_does_not() -> None:
    started = "import subprocess, tests.conftest; subprocess.run(['grep', 'SigIgn', '/proc/self/status'])"
    background = ["sh", "-c", 'trap "" HUP INT QUIT; exec "$@"', "sh", sys.executable, "-c", started]
    done = subprocess.run(background, capture_output=True, text=True, check=True, cwd=ROOT)
    ignored = int(done.stdout.split()[1], 16)
    assert not [name for name in ("SIGHUP", "SIGINT", "SIGQUIT") if ignored >> (signal.Signals[name] - 1) & 1]
