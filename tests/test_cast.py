"""The recorded session: its form, and that it says nothing of the machine it was recorded on."""

import json
import re
import sys
from pathlib import Path

import pytest

from bench.terminal import words
from docs import cast
from factory_tui.demonstrating import SEEDS

ABSOLUTE = re.compile(r"(?<![\w.:/])/(?:home|root|work|Users|usr|opt|var|tmp(?!/demo|/pycache))\b[^\s│]*")


def frames(path: Path) -> tuple[dict[str, object], list[tuple[float, str, str]]]:
    head, *rest = path.read_text(encoding="utf-8").splitlines()
    return json.loads(head), [tuple(json.loads(line)) for line in rest]


def check(path: Path) -> str:
    """What the recording shows in all, once its form is right."""
    head, shown = frames(path)
    assert (head["version"], head["width"], head["height"]) == (2, 120, 40)
    moments = [at for at, _, _ in shown]
    assert moments == sorted(moments)
    assert max(later - sooner for sooner, later in zip([0.0, *moments], moments, strict=False)) <= cast.GAP + 0.001
    assert {kind for _, kind, _ in shown} == {"o"}
    drawn = words("".join(text for _, _, text in shown).encode())
    assert not ABSOLUTE.search(drawn)
    return drawn


def test_what_is_recorded_is_a_cast_that_knows_no_machine(tmp_path: Path) -> None:
    code = "import sys; print('ready', flush=True); print('typed', ascii(sys.stdin.readline()))"
    shown = list(cast.recorded([sys.executable, "-c", code], [("ready", "né\r")], tmp_path))
    out = tmp_path / "a.cast"
    out.write_text("\n".join(cast.cast(shown, "a program", [str(tmp_path)])) + "\n", encoding="utf-8")
    drawn = check(out)
    assert "typed 'n\\xe9\\n'" in drawn
    with pytest.raises(RuntimeError, match="can be read in the recording"):
        cast.cast([(0.1, f"see {tmp_path}/log")], "a program", [str(tmp_path)])


def test_the_demo_as_recorded_ends_with_everything_shipped() -> None:
    drawn = check(cast.OUT)
    assert "REHEARSAL" in drawn
    assert f"{len(SEEDS)} shipped" in drawn
    assert cast.GUIDANCE in drawn or "accepted: answer E-1" in drawn
