"""What can be said of a twin, from what was found when it was last compared."""

from pathlib import Path

from factory_tui.config.fidelity import Fidelity, Recorded, digests, drifted, standing, write_fidelity
from factory_tui.config.twin import Twin
from tests.harness.ledger import TWIN, ledger


def kept(twins: Path, twin: Twin, matched: dict[str, tuple[int, int]], before: Fidelity | None = None) -> Fidelity:
    """As a check keeps what it found of the recordings that are there."""
    now = {name: Recorded(digest, *matched[name]) for name, digest in digests(twins, twin.name).items()}
    found = Fidelity(twin.digest, "2026-11-30T12:00:00+00:00", now, drift=drifted(before, now))
    write_fidelity(twins, twin.name, found)
    return found


def test_newer_recordings_that_disagree_are_drift_until_the_twin_follows(tmp_path: Path) -> None:
    twin = ledger(tmp_path)
    recordings = tmp_path / "ledger" / "recordings"
    recordings.mkdir()
    assert standing(tmp_path, twin).lamp == "unrecorded"
    (recordings / "paid.har").write_text("2026")
    assert standing(tmp_path, twin).lamp == "unchecked"
    first = kept(tmp_path, twin, {"paid.har": (20, 20)})
    assert standing(tmp_path, twin).lamp == "faithful"
    (recordings / "later.har").write_text("2027")
    assert "recordings changed since 2026-11-30" in standing(tmp_path, twin).why
    found = kept(tmp_path, twin, {"paid.har": (20, 20), "later.har": (2, 3)}, first)
    again = kept(tmp_path, twin, {"paid.har": (20, 20), "later.har": (2, 3)}, found)
    assert found.drift == again.drift == ("later.har",), "it stays so, however often it is looked at"
    now = standing(tmp_path, twin)
    assert (now.lamp, "22 of 23 recorded exchanges match (96%)" in now.why) == ("drift", True)
    follows = ledger(tmp_path, TWIN + "# it follows")
    assert "it changed since 2026-11-30" in standing(tmp_path, follows).why
    assert kept(tmp_path, follows, {"paid.har": (20, 20), "later.har": (3, 3)}, again).drift == ()
    assert standing(tmp_path, follows).lamp == "faithful"


def test_a_twin_that_matches_too_little_at_first_is_unfaithful_and_no_drift(tmp_path: Path) -> None:
    twin = ledger(tmp_path)
    (tmp_path / "ledger" / "recordings").mkdir()
    (tmp_path / "ledger" / "recordings" / "paid.har").write_text("2026")
    kept(tmp_path, twin, {"paid.har": (18, 20)})
    assert standing(tmp_path, twin).lamp == "unfaithful"
