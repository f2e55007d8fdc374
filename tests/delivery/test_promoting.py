"""Promotion to twins/: what a run handed over, in the place of an older one, and nothing that people made is lost."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from factory_tui.cells.protocol import Entry
from factory_tui.delivery.git import DeliveryError
from factory_tui.delivery.promoting import promote
from factory_tui.delivery.ship import Handover, ship
from factory_tui.delivery.snapshot import Snapshots
from tests.delivery.test_ship import JOURNAL, a_run
from tests.delivery.trees import file, folder, link

TOML = b'host = "api.shop.example"\ncommand = "python3 twin.py"\ndocument = "twin.py"\n'
FIRST = [file("old.py"), file("old.pyc"), file("twin.py", b"first"), file("twin.toml", TOML)]
SECOND = [folder("empty"), link("passwd", "/etc/passwd"), folder("pkg"), file("pkg/run.sh", b"#!", 0o755), *FIRST[2:]]


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    return tmp_path / "twins" / "shop"


async def handed_over(tmp_path: Path, *trees: list[Entry]) -> Handover:
    snapshots = Snapshots(tmp_path / f"{len(trees)}.git")
    return await ship(snapshots, await a_run(snapshots, *trees), JOURNAL, tmp_path / "shipped" / str(len(trees)))


def found(twin: Path) -> dict[str, bytes]:
    return {str(path.relative_to(twin)): path.read_bytes() for path in twin.rglob("*") if path.is_file()}


@contextmanager
def elsewhere(twin: Path) -> Iterator[None]:
    """The folder is a link to where it really lies, and still is in the end."""
    twin.symlink_to(twin.rename(twin.parent.parent / "elsewhere"))
    yield
    assert twin.is_symlink()


async def test_a_twin_has_the_files_that_were_shipped_and_their_provenance(tmp_path: Path, twin: Path) -> None:
    made = await handed_over(tmp_path, SECOND)
    await promote(made, twin)
    assert set(found(twin)) == {"pkg/run.sh", "provenance.json", "twin.py", "twin.toml"}, "no git, no link out of it"
    assert (twin / "provenance.json").read_bytes() == (made.path / "provenance.json").read_bytes()
    assert os.access(twin / "pkg" / "run.sh", os.X_OK)
    assert [path.name for path in twin.parent.iterdir()] == ["shop"]


async def test_a_better_one_takes_its_place_and_recordings_stay(tmp_path: Path, twin: Path) -> None:
    await promote(await handed_over(tmp_path, FIRST), twin)
    (twin / "recordings").mkdir()
    (twin / "recordings" / "monday.har").write_text("{}")
    (twin / "fidelity.json").write_text("{}")
    (twin / "__pycache__").mkdir()
    (twin / "__pycache__" / "twin.cpython-311.pyc").touch()
    for _ in ("once", "and again, by an engine that died before it could say so"):
        await promote(await handed_over(tmp_path, FIRST, SECOND), twin)
        assert set(found(twin)) == {"pkg/run.sh", "provenance.json", "recordings/monday.har", "twin.py", "twin.toml"}


async def test_runs_that_end_at_the_same_moment_leave_one_of_their_twins_whole(tmp_path: Path, twin: Path) -> None:
    trees = [[file(f"{index}.py", name) for index in range(40)] for name in (b"one", b"other")]
    made = [await handed_over(tmp_path / f"{at}", [*tree, *FIRST[2:]]) for at, tree in enumerate(trees)]
    await asyncio.gather(*(promote(one, twin) for one in made))
    files = found(twin)
    assert len({data for path, data in files.items() if path[0].isdigit()}) == 1
    assert files["provenance.json"] in [found(one.path)["provenance.json"] for one in made]


async def test_a_folder_that_lies_elsewhere_is_not_replaced(tmp_path: Path, twin: Path) -> None:
    await promote(await handed_over(tmp_path, FIRST), twin)
    with elsewhere(twin), pytest.raises(DeliveryError, match="twins/shop was written or changed by hand"):
        await promote(await handed_over(tmp_path, FIRST, SECOND), twin)


@pytest.mark.parametrize("by_hand", ["changed", "added", "removed", "all of it"])
async def test_what_somebody_did_by_hand_is_not_replaced(tmp_path: Path, twin: Path, by_hand: str) -> None:
    await promote(await handed_over(tmp_path, FIRST), twin)
    match by_hand:
        case "changed":
            (twin / "twin.py").write_text("mine")
        case "added":
            (twin / "notes.txt").write_text("mine")
        case "removed":
            (twin / "old.py").unlink()
        case _:
            (twin / "provenance.json").unlink()
    before = found(twin)
    with pytest.raises(DeliveryError, match=r"twins/shop was written or changed by hand.*Remedy: move it away"):
        await promote(await handed_over(tmp_path, FIRST, SECOND), twin)
    assert found(twin) == before


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ([file("twin.py")], "has no twin.toml"),
        ([*FIRST, folder("recordings"), file("recordings/a.har")], "has recordings of its own"),
        ([file("fidelity.json"), *FIRST], "has fidelity.json of its own"),
        (
            [file("twin.toml", TOML)],
            r"no twin that could be .* Remedy: .* twins/shop/twin.toml:3: .* no file `twin.py`",
        ),
    ],
)
async def test_an_output_that_cannot_be_a_twin_is_refused(
    tmp_path: Path, twin: Path, tree: list[Entry], told: str
) -> None:
    with pytest.raises(DeliveryError, match=told):
        await promote(await handed_over(tmp_path, tree), twin)
    assert not twin.parent.exists() or not list(twin.parent.iterdir())


@pytest.mark.parametrize("dies_at", [1, 2])
async def test_an_engine_that_dies_half_way_loses_neither(
    tmp_path: Path, twin: Path, dies_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await promote(await handed_over(tmp_path, FIRST), twin)
    (twin / "recordings").mkdir()
    (twin / "recordings" / "monday.har").write_text("{}")
    made = await handed_over(tmp_path, FIRST, SECOND)
    rename, renamed = Path.rename, 0

    class PowerCut(BaseException):
        pass

    def dying(path: Path, target: Path) -> Path:
        nonlocal renamed
        renamed += 1
        if renamed == dies_at:
            raise PowerCut
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dying)
        with pytest.raises(PowerCut):
            await promote(made, twin)
    await promote(made, twin)
    assert set(found(twin)) == {"pkg/run.sh", "provenance.json", "recordings/monday.har", "twin.py", "twin.toml"}
    assert json.loads((twin / "provenance.json").read_bytes())["commit"] == made.commit
    assert [path.name for path in twin.parent.iterdir()] == ["shop"]
