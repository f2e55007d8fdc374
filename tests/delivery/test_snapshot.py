"""Snapshots: what went in comes out, whatever an agent called it; the same tree is the same commit."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from factory_tui.cells.protocol import Entry, TreeUnfit
from factory_tui.delivery import snapshot
from factory_tui.delivery.git import EMPTY_TREE, DeliveryError
from factory_tui.delivery.snapshot import Changed, Snapshot, Snapshots, refused, write_tree
from tests.delivery.trees import bare, file, folder, link, read_tree


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    return Snapshots(tmp_path / ".factory" / "snapshots.git", ("*.pyc", "__pycache__"))


async def take(snapshots: Snapshots, entries: list[Entry], parent: str = "", at: int = 1_000) -> Snapshot:
    return await snapshots.take(entries, cell="c1", parent=parent, message="Pass 1", at=at)


def git(repo: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(repo), *arguments], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogateescape")


HOSTILE = [
    folder(".git"),
    file(".git/config", b"[core]\nfsmonitor = touch /tmp/owned\n"),
    folder("deep", 0o700),
    folder("deep/.GIT "),
    file("deep/.GIT /HEAD"),
    folder("empty"),
    link("git~1", "/etc/passwd"),
    link("gone", "../../nowhere"),
    file('line\nbreak "quoted" \\', b"\0\xff"),
    file("not-utf8-\udcff\udcfe", b"", 0o600),
    file("run.sh", b"#!/bin/sh\n", 0o755),
    file("shut", b"s", 0o000),
]


async def test_what_git_cannot_hold_comes_back_too(snapshots: Snapshots) -> None:
    snapshot = await take(snapshots, HOSTILE)
    assert bare(await snapshots.entries(snapshot.commit)) == bare(HOSTILE)
    assert (snapshot.files, snapshot.size) == (6, 36 + 1 + 2 + 0 + 10 + 1)


async def test_the_same_tree_parent_message_and_time_are_the_same_commit(snapshots: Snapshots, tmp_path: Path) -> None:
    first = await take(snapshots, HOSTILE)
    assert await take(snapshots, HOSTILE) == first
    assert await take(Snapshots(tmp_path / "other.git"), HOSTILE) == first
    later = await take(snapshots, HOSTILE, at=2_000)
    child = await take(snapshots, HOSTILE, first.commit)
    assert len({first.commit, later.commit, child.commit}) == 3
    assert first.tree == later.tree == child.tree


async def test_neither_ignore_files_nor_attributes_nor_the_users_settings_count(
    snapshots: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text(
        '[core]\nautocrlf = true\n[filter "up"]\nclean = tr a-z A-Z\n[user]\nname = me\n'
    )
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "someone")
    entries = [file(".gitattributes", b"* filter=up text\n"), file(".gitignore", b"*\n"), file("a", b"low\r\n")]
    snapshot = await take(snapshots, entries)
    assert bare(await snapshots.entries(snapshot.commit)) == bare(entries)
    monkeypatch.delenv("GIT_DIR")
    assert git(tmp_path / ".factory" / "snapshots.git", "log", "-1", "--format=%an %cn", snapshot.commit) == (
        "factory-tui factory-tui\n"
    )


async def test_caches_are_left_out(snapshots: Snapshots) -> None:
    entries = [folder("__pycache__"), file("__pycache__/a.pyc"), file("b.pyc"), file("c.py")]
    snapshot = await take(snapshots, entries)
    assert [entry.path for entry in await snapshots.entries(snapshot.commit)] == ["c.py"]
    assert (snapshot.files, snapshot.size) == (1, 1)


async def test_no_files_are_a_snapshot_too(snapshots: Snapshots) -> None:
    snapshot = await take(snapshots, [folder("empty")])
    assert (snapshot.tree, snapshot.files) == (EMPTY_TREE, 0)
    assert bare(await snapshots.entries(snapshot.commit)) == bare([folder("empty")])


async def test_unchanged_files_are_not_read_again_even_after_a_restart(snapshots: Snapshots, tmp_path: Path) -> None:
    first = [file("a", b"1"), file("b", b"22"), file("cache.pyc", b"3"), file("z", b"4")]
    before = await take(snapshots, first)
    restarted = Snapshots(tmp_path / ".factory" / "snapshots.git", ("*.pyc",))
    known = restarted.known("c1")
    assert known == {entry.path: entry.stamp for entry in first}
    again = [*(replace(entry, data=None) for entry in first[:3]), file("z", b"5")]
    after = await take(restarted, again, before.commit)
    kept = {entry.path: entry.data for entry in await restarted.entries(after.commit)}
    assert kept == {"a": b"1", "b": b"22", "z": b"5"}
    assert (after.files, after.size) == (3, 4)


async def test_a_real_tree_is_read_once(snapshots: Snapshots, tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    (root / "old").write_text("old")
    (root / "new").write_text("n")
    first = await take(snapshots, read_tree(root))
    (root / "new").write_text("changed")
    entries = read_tree(root, snapshots.known("c1"))
    assert {entry.path: entry.data for entry in entries} == {"new": b"changed", "old": None}
    second = await take(snapshots, entries, first.commit)
    assert {e.path: e.data for e in await snapshots.entries(second.commit)} == {"new": b"changed", "old": b"old"}


async def test_stamps_are_of_one_cell_and_go_with_it(snapshots: Snapshots) -> None:
    await take(snapshots, [file("a"), file("b")])
    assert snapshots.known("c2") == {}
    snapshots.forget("c1")
    assert snapshots.known("c1") == {}
    with pytest.raises(DeliveryError, match="came without its content"):
        await take(snapshots, [Entry("a", "file")])


async def test_what_was_left_out_has_no_content_to_go_by(snapshots: Snapshots, tmp_path: Path) -> None:
    await take(snapshots, [left_out := file("cache.pyc")])
    keeping = Snapshots(tmp_path / ".factory" / "snapshots.git")
    assert keeping.known("c1") == {}
    with pytest.raises(DeliveryError, match="came without its content"):
        await take(keeping, [replace(left_out, data=None)])


async def test_torn_stamps_mean_that_everything_is_read_anew(snapshots: Snapshots, tmp_path: Path) -> None:
    await take(snapshots, [file("a"), file("b")])
    (stamps,) = (tmp_path / ".factory" / "stamps").iterdir()
    stamps.write_text(stamps.read_text()[:-5])
    assert Snapshots(tmp_path / ".factory" / "snapshots.git").known("c1") == {}


async def test_a_diff_is_unified_and_safe_to_draw(snapshots: Snapshots) -> None:
    first = await take(snapshots, [file("a", b"one\ntwo\n"), file("gone")])
    second = await take(snapshots, [file("a", b"one\n\x1b]0;owned\x07three\n"), file("new", b"n\n")], first.commit)
    diff = await snapshots.diff(first.commit, second.commit)
    assert "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n one\n-two\n+" in diff
    assert "\x1b" not in diff
    assert "deleted file mode 100644" in diff
    assert "+n\n" in await snapshots.diff("", second.commit)
    assert await snapshots.diff(first.commit, first.commit) == ""


async def test_of_a_large_diff_whole_lines_come_up_to_the_limit(snapshots: Snapshots) -> None:
    lines = b"".join(b"line %d\n" % number for number in range(200_000))
    first = await take(snapshots, [file("a", lines)])
    text, cut = await snapshots.diff_head("", first.commit, 5_000)
    assert cut
    assert len(text) <= 5_000
    assert text.endswith("\n")
    assert text == (await snapshots.diff("", first.commit))[: len(text)]
    small = await take(snapshots, [file("a", b"one\n")])
    assert await snapshots.diff_head("", small.commit, 5_000) == (await snapshots.diff("", small.commit), False)


async def test_commits_tell_the_history(snapshots: Snapshots) -> None:
    first = await take(snapshots, [file("a")])
    second = await snapshots.take([file("b")], cell="c1", parent=first.commit, message="Pass 2\n\nüber", at=5_999)
    last = snapshots.commit(second.commit)
    assert (last.name, last.message, last.seconds) == (second.commit, "Pass 2\n\nüber", 5)
    root = snapshots.commit(last.parent)
    assert (root.name, root.message, root.seconds, root.parent) == (first.commit, "Pass 1", 1, "")


@pytest.mark.parametrize(
    "entries",
    [
        [file("../a")],
        [file("/etc/passwd")],
        [file("a//b")],
        [file("a/./b")],
        [file("")],
        [file("a"), file("a")],
        [link("a", "/etc"), file("a/passwd")],
        [file("a" * 4000)],
        [file("a/" * 250 + "b")],
    ],
)
async def test_a_path_that_leads_astray_is_refused(snapshots: Snapshots, entries: list[Entry], tmp_path: Path) -> None:
    with pytest.raises((DeliveryError, TreeUnfit)):
        await take(snapshots, entries)
    with pytest.raises((DeliveryError, TreeUnfit)):
        write_tree(entries, tmp_path)


async def test_without_git_the_remedy_is_told(
    snapshots: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeliveryError, match=r"git is not on this machine.*Remedy: install git"):
        await take(snapshots, [file("a")])


async def test_a_commit_that_is_not_there_is_told(snapshots: Snapshots) -> None:
    await take(snapshots, [file("a")])
    with pytest.raises(DeliveryError, match="git has no object"):
        await snapshots.entries("0" * 40)
    with pytest.raises(DeliveryError, match="git fast-import: fatal: Not a valid commit"):
        await take(snapshots, [file("a")], "1" * 40)


async def test_what_a_power_cut_left_behind_is_no_hindrance(snapshots: Snapshots, tmp_path: Path) -> None:
    first = await take(snapshots, [file("a")])
    repo = tmp_path / ".factory" / "snapshots.git"
    (pack,) = repo.glob("objects/pack/*.pack")
    for leftover in (*repo.glob("objects/pack/pack-*"), *repo.glob("refs/snapshots/*")):
        leftover.unlink()
    pack.with_suffix(".keep").touch()
    (repo / "refs" / "snapshots").mkdir(exist_ok=True)
    assert await take(Snapshots(repo), [file("a")]) == first


async def test_many_runs_take_at_once(snapshots: Snapshots) -> None:
    taken = await asyncio.gather(
        *(snapshots.take([file("a", b"%d" % (n % 3))], cell=f"c{n}", parent="", message="m", at=0) for n in range(12))
    )
    assert len({one.commit for one in taken}) == 3


async def test_many_snapshots_stay_in_few_packs_and_all_of_them_can_be_read(
    snapshots: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "PACKS", 4)
    taken, parent = [], ""
    for number in range(20):
        taken.append((await take(snapshots, [file("a", b"%d" % number), file("b")], parent, number * 1000)).commit)
        parent = taken[-1]
    assert len(list((tmp_path / ".factory" / "snapshots.git" / "objects" / "pack").glob("*.pack"))) <= 5
    read = [{e.path: e.data for e in await snapshots.entries(commit)} for commit in taken]
    assert read == [{"a": b"%d" % number, "b": b"x"} for number in range(20)]
    refs = git(tmp_path / ".factory" / "snapshots.git", "for-each-ref", "--format=%(objectname)")
    assert set(refs.split()) == set(taken)


async def test_packs_that_cannot_be_gathered_cost_no_snapshot(
    snapshots: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(snapshot, "PACKS", 2)
    repo = tmp_path / ".factory" / "snapshots.git"
    for number in range(6):
        if number == 3:
            next((repo / "objects" / "pack").glob("*.pack")).write_bytes(b"torn")
            (repo / "objects" / "pack" / "tmp_pack_cut").write_bytes(b"what git leaves of a pack that found no room")
        await take(snapshots, [file("a", b"%d" % number)], at=number * 1000)
    assert "snapshots stay in 3 packs for now: git repack: " in caplog.text
    assert not list((repo / "objects" / "pack").glob("tmp_*"))


async def test_a_snapshot_that_failed_leaves_nothing_of_itself(snapshots: Snapshots, tmp_path: Path) -> None:
    await take(snapshots, [file("a")])
    with pytest.raises(DeliveryError, match="git fast-import: "):
        await take(snapshots, [file("b", os.urandom(100_000))], "1" * 40)
    repo = tmp_path / ".factory" / "snapshots.git"
    assert not [*repo.glob("fast_import_crash_*"), *repo.glob("objects/pack/tmp_*")]


def test_names_that_git_would_take_for_its_own_are_known() -> None:
    for name in (".git", "a/.GiT/b", "git~1", ".git .", ".g\u200cit", "a\\.git\\config", ".git::$INDEX_ALLOCATION"):
        assert refused(file(name))
    assert refused(link(".gitmodules", "x"))
    for name in (".gitignore", ".gitmodules", "git", ".github/x", "a.git"):
        assert not refused(file(name))


names = st.sampled_from(["a", "b", ".git", "GIT~1", "x y", "é", "\udcff", "\n", '"', "\\", "-", "work", "*.py"])
leaves = st.tuples(st.binary(max_size=8), st.sampled_from([0o644, 0o755, 0o600, 0o4755])) | st.sampled_from(
    ["/etc/passwd", "..", "\udcff"]
)
trees = st.recursive(leaves, lambda inner: st.dictionaries(names, inner, max_size=3), max_leaves=6)


def flatten(tree: object, path: str = "") -> list[Entry]:
    if isinstance(tree, dict):
        below = [one for name, inner in tree.items() for one in flatten(inner, f"{path}/{name}" if path else name)]
        return [folder(path), *below] if path else below
    return [link(path, tree)] if isinstance(tree, str) else [file(path, *tree)]  # type: ignore[misc]


@given(st.dictionaries(names, trees, max_size=4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_tree_comes_back_whole(tmp_path: Path, tree: dict[str, object]) -> None:
    entries = sorted(flatten(tree), key=lambda entry: entry.path)
    snapshots = Snapshots(tmp_path / "snapshots.git")

    async def there_and_back() -> list[Entry]:
        return await snapshots.entries((await take(snapshots, entries)).commit)

    assert bare(asyncio.run(there_and_back())) == bare(entries)


@given(st.lists(st.dictionaries(names, trees, max_size=4), min_size=2, max_size=4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_snapshot_told_by_what_differs_is_the_one_told_whole(tmp_path: Path, turns: list[dict[str, object]]) -> None:
    told = Snapshots(tmp_path / "snapshots.git", ("*.py",))

    async def compare() -> None:
        parent = ""
        for at, tree in enumerate(turns):
            entries = sorted(flatten(tree), key=lambda entry: entry.path)
            known = told.known("c1")
            news = [replace(entry, data=None) if known.get(entry.path) == entry.stamp else entry for entry in entries]
            differing = await take(told, news, parent, at * 1000)
            whole = await told.take(entries, cell=f"none {at}", parent=parent, message="Pass 1", at=at * 1000)
            assert differing == whole
            parent = whole.commit

    told.forget("c1")
    asyncio.run(compare())


def test_a_tree_is_written_as_it_was(tmp_path: Path) -> None:
    root = tmp_path / "out"
    root.mkdir()
    write_tree(HOSTILE, root)
    shown = [entry for entry in HOSTILE if entry.path != "shut" or os.getuid() == 0]
    (root / "shut").chmod(0o600) if os.getuid() else None
    written = {entry[0]: entry for entry in bare(read_tree(root))}
    for entry in bare(shown):
        assert written[entry[0]] == entry


async def test_which_files_changed_is_told_with_their_sizes(snapshots: Snapshots) -> None:
    first = await take(snapshots, [file("kept"), file("old", b"12345"), file("grows", b"1"), *HOSTILE])
    grown = [file("kept"), file("grows", b"123"), file("odd\nname", b"12"), *HOSTILE]
    second = await take(snapshots, grown, first.commit)
    found = await snapshots.changed(first.commit, second.commit)
    assert found == [Changed("grows", 1, 3), Changed("odd\nname", None, 2), Changed("old", 5, None)]
    assert await snapshots.changed("", first.commit) != []
    assert await snapshots.changed(second.commit, second.commit) == []
