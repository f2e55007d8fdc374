"""What is installed is all there is: the wheel carries the workspace, the playbooks and the console's style."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from factory_tui import __version__
from factory_tui.config.workspace import BUNDLED

ROOT = Path(__file__).parents[1]
COPY = """
import sys
from pathlib import Path
import factory_tui
from factory_tui.config.workspace import copy_bundled
copy_bundled(Path(sys.argv[1]))
print(factory_tui.__file__)
"""


def pip(*arguments: str | Path) -> None:
    told = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *map(str, arguments)]
    done = subprocess.run(told, capture_output=True, text=True, check=False, env={**os.environ, "PIP_NO_INDEX": "1"})
    assert done.returncode == 0, done.stderr


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with what the wheel brings, and nothing of the repository."""
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    pip("install", "--quiet", "--no-deps", "--no-compile", "--target", tmp_path / "site", wheel)
    return tmp_path / "site"


def files(root: Path, *below: str) -> dict[str, bytes]:
    """Path to contents."""
    found = [path for name in below for path in ((root / name).rglob("*") if (root / name).is_dir() else [root / name])]
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in found
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_wheel_brings_the_workspace_that_the_repository_runs(installed: Path, tmp_path: Path) -> None:
    alone = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    copy = subprocess.run(
        [sys.executable, "-c", COPY, "copy"], cwd=tmp_path, env=alone, capture_output=True, text=True, check=False
    )
    assert copy.returncode == 0, copy.stderr
    assert Path(copy.stdout.strip()).is_relative_to(installed), "it was the repository's"
    assert files(tmp_path / "copy", *BUNDLED) == files(ROOT, *BUNDLED)
    package = files(installed / "factory_tui", ".")
    assert {path: package.get(path) for path in files(ROOT / "factory_tui", ".")} == files(ROOT / "factory_tui", ".")

    def said(*arguments: str) -> str:
        command = [str(installed / "bin" / "factory-tui"), *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return " ".join(done.stdout.split())

    assert said("--version") == f"factory-tui {__version__}"
    assert "a new folder for the demo's workspace" in said("demo", "--help")
    assert f"{installed}/bin/factory-tui new NAME --workspace ours" in said("init", "ours")
    assert "seeds/greeter.md" in said("new", "greeter", "--workspace", "ours")
    assert (tmp_path / "ours" / "loops" / "factory.dot").is_file()
