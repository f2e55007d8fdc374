"""What is kept beside the journal is whole, ours, and no more than is needed."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from factory_tui.config.reading import Mistakes
from factory_tui.domain.events import CorpusRevised, EditMended, EditRefused, Event, SeedRevised
from factory_tui.domain.reducer import fold
from factory_tui.engine.handlers import HANDLERS
from factory_tui.engine.keeping import Shelf
from factory_tui.engine.library import Library
from factory_tui.engine.sources import fit_loop
from tests.engine.greeter import SEED, make


def test_what_is_put_is_had_until_nobody_wants_it(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "revisions")
    shelf.put("seeds", "greeter", "one", {"a": b"1"})
    shelf.put("seeds", "greeter", "two", {"a": b"2"})
    shelf.put("seeds", "other", "one", {})
    assert shelf.get("seeds", "greeter", "two", dict[str, bytes]) == {"a": b"2"}
    assert shelf.get("seeds", "greeter", "two", int) is None
    shelf.prune("seeds", {("greeter", "two")})
    assert shelf.names("seeds") == ["greeter"]
    assert shelf.get("seeds", "greeter", "one", dict[str, bytes]) is None
    assert [path.name for path in (tmp_path / "revisions" / "seeds" / "greeter").iterdir()] == ["two"]


def test_a_link_is_neither_followed_nor_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "revisions").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Mistakes, match="is a symbolic link"):
        Shelf(tmp_path / "revisions")
    shelf = Shelf(tmp_path / "kept")
    secret = tmp_path / "secret"
    secret.write_bytes(b"\x01")
    (tmp_path / "kept" / "seeds" / "greeter").mkdir(parents=True)
    (tmp_path / "kept" / "seeds" / "greeter" / "one").symlink_to(secret)
    assert shelf.get("seeds", "greeter", "one", int) is None
    shelf.put("seeds", "greeter", "one", 2)
    assert (shelf.get("seeds", "greeter", "one", int), secret.read_bytes()) == (2, b"\x01")


async def test_an_engine_that_starts_on_broken_files_has_what_was_good(tmp_path: Path) -> None:
    workspace, _ = make(tmp_path)
    workspace.state.mkdir()
    fit = fit_loop(HANDLERS)
    facts, _ = await Library(workspace, fit).begin(fold([]))
    assert [type(fact) for fact in facts] == [CorpusRevised, SeedRevised]
    as_before = [replace(fact, fixed=("one",)) if isinstance(fact, CorpusRevised) else fact for fact in facts]
    state = fold(Event(seq, str(seq), seq, fact) for seq, fact in enumerate(as_before, 1))
    assert (await Library(workspace, fit).begin(state))[0] == facts[:1], "what is known of it may be from long ago"
    state = fold(Event(seq, str(seq), seq, fact) for seq, fact in enumerate(facts, 1))
    good = workspace.config.read_text()
    workspace.config.write_text("slots =")
    (workspace.seeds / "greeter.md").write_text("")
    (workspace.loops / "factory.dot").write_text("digraph {")
    (workspace.scenarios / "greeter" / "odd.toml").write_text("kind = 3")
    library = Library(workspace, fit)
    refused, _ = await library.begin(state)
    assert {fact.file for fact in refused if isinstance(fact, EditRefused)} == {
        *("config.toml", "seeds/greeter.md", "loops/factory.dot", "scenarios/greeter/odd.toml")
    }
    assert library.settings().owners
    assert library.seed("greeter").revision == state.seeds["greeter"].revision
    assert library.loop("factory").startswith("//") or "digraph" in library.loop("factory")
    assert library.corpus("greeter").hash == state.seeds["greeter"].corpus
    events = (Event(seq, str(seq), seq, fact) for seq, fact in enumerate(refused, state.seq + 1))
    state = fold(events, state)
    workspace.config.write_text(good)
    (workspace.seeds / "greeter.md").write_text(SEED)
    mended, _ = await library.take([("config", ""), ("seeds", "greeter")], state, by_hand=True)
    assert {fact.file for fact in mended if isinstance(fact, EditMended)} == {"config.toml", "seeds/greeter.md"}
    assert len(mended) == 2
