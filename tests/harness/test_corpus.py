"""Corpora: read, hashed, judged as a whole; canaries and the tripwire; what feedback tells."""

from pathlib import Path

import pytest

from factory_tui.domain.events import Satisfaction, VerdictReached
from factory_tui.domain.state import Tally
from factory_tui.harness.corpus import load_corpus, without_seed
from factory_tui.harness.feedback import symptoms
from tests.harness.ledger import TOML, TWIN, ledger
from tests.harness.product import COUNT, ECHO, TOTAL, corpus


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "scenarios" / "tiny"
    folder.mkdir(parents=True)
    for name, text in (("count", COUNT), ("echo", ECHO), ("total", TOTAL)):
        (folder / f"{name}.toml").write_text(text, "utf-8")
    return folder


def said(folder: Path) -> str:
    return "\n".join(str(trouble.problem) for trouble in load_corpus(folder, "tiny").problems)


def test_a_whole_corpus_has_no_problem(folder: Path) -> None:
    read = load_corpus(folder, "tiny")
    assert read.usable
    assert read.problems == ()
    assert [item.name for item in read.scenarios] == ["count", "echo", "total"]


def test_the_hash_changes_with_what_judges_and_not_with_who_reviewed(folder: Path) -> None:
    first = load_corpus(folder, "tiny").hash
    path = folder / "count.toml"
    path.write_text("# a note\n" + COUNT.replace("[draw]", 'reviewed_for = "abc"\n[draw]'), "utf-8")
    assert load_corpus(folder, "tiny").hash == first
    path.write_text(COUNT.replace("status = 200", "status = 201"), "utf-8")
    assert load_corpus(folder, "tiny").hash != first


def test_what_is_missing_in_the_whole_is_named_with_a_remedy(folder: Path) -> None:
    (folder / "total.toml").unlink()
    assert "no scenario is of kind adversarial" in said(folder)
    (folder / "echo.toml").unlink()
    assert "no vault" in said(folder)
    assert not load_corpus(folder, "tiny").usable


def test_a_mistake_in_one_file_is_told_by_its_line(folder: Path) -> None:
    (folder / "echo.toml").write_text(ECHO.replace("status = 201", "statuss = 201"), "utf-8")
    line = ECHO.replace("status = 201", "statuss = 201").splitlines().index("statuss = 201") + 1
    assert f"scenarios/tiny/echo.toml:{line}: " in said(folder)
    assert "Did you mean `status`?" in said(folder)


def test_a_story_that_a_model_judges_has_to_draw(folder: Path) -> None:
    rubric = '\n[judge]\nrubric = "The answer is polite to whoever sent the note."\n'
    (folder / "echo.toml").write_text(
        ECHO.split("[draw]")[0] + "[[act]]\nrun = { command = 'true' }\n" + rubric, "utf-8"
    )
    assert "scenarios/tiny/echo.toml: is judged and draws nothing." in said(folder)
    (folder / "echo.toml").write_text(ECHO + rubric, "utf-8")
    assert "is judged" not in said(folder)


def test_the_twins_that_scenarios_ask_for_are_part_of_what_judges(folder: Path) -> None:
    twins = folder.parent.parent / "twins"
    ledger(twins)
    before = load_corpus(folder, "tiny")
    assert before.twins == (), "nobody asks for it"
    (folder / "echo.toml").write_text(ECHO + '[[twin]]\nname = "ledger"\n', "utf-8")
    asked = load_corpus(folder, "tiny")
    assert (asked.usable, [one.name for one in asked.twins]) == (True, ["ledger"])
    ledger(twins, TWIN + "\n# another")
    assert len({before.hash, asked.hash, load_corpus(folder, "tiny").hash}) == 3
    ledger(twins.parent / "more" / "twins")
    (twins.parent / "more" / "twins" / "ledger").rename(twins / "other")
    (folder / "echo.toml").write_text(ECHO + '[[twin]]\nname = "ledger"\n[[twin]]\nname = "other"\n', "utf-8")
    line = ECHO.count("\n") + 4
    assert f"echo.toml:{line}: twin[1].name: `other` stands for api.ledger.example, as `ledger` does." in said(folder)


def test_a_twin_that_is_not_there_is_told_by_the_line_that_asks_for_it(folder: Path) -> None:
    (folder / "echo.toml").write_text(ECHO + '[[twin]]\nname = "ledgr"\n', "utf-8")
    ledger(folder.parent.parent / "twins")
    line = ECHO.count("\n") + 2
    expected = (
        f"scenarios/tiny/echo.toml:{line}: twin[0].name: there is no twin `ledgr`. Remedy: Did you mean `ledger`?"
    )
    assert expected in said(folder)
    (folder.parent.parent / "twins" / "ledger" / "twin.toml").write_text(TOML.replace("host", "hots"), "utf-8")
    (folder / "echo.toml").write_text(ECHO + '[[twin]]\nname = "ledger"\n', "utf-8")
    assert "twins/ledger/twin.toml:2: " in said(folder)
    assert not load_corpus(folder, "tiny").usable


def test_a_folder_without_a_seed_is_named(folder: Path) -> None:
    (found,) = without_seed(folder.parent, {"other"})
    assert found.file == "scenarios/tiny"
    assert without_seed(folder.parent, {"tiny"}) == []


def test_symptoms_are_the_same_for_the_same_verdicts_and_keep_to_their_budget() -> None:
    read = corpus(a=COUNT, b=COUNT, c=COUNT, v=ECHO)

    def verdict(name: str, satisfied: bool, index: int = 0, near: float = 0.5) -> VerdictReached:
        told = "as wanted" if satisfied else f"then: GET /{index}\n" + "x" * 3000
        which = "vault" if name == "v" else "feedback"
        return VerdictReached(1, 2, name, which, index, satisfied, 1.0, told, near)  # type: ignore[arg-type]

    verdicts = [verdict("a", True), verdict("b", False, 0, 0.1), verdict("b", False, 1, 0.9), verdict("c", False)]
    verdicts.append(verdict("v", False))
    share = Satisfaction(1 / 3, 0.0, 1.0, 1, 3)
    before = {"a": Tally(unsatisfied=1), "b": Tally(satisfied=1), "c": Tally(unsatisfied=1)}
    message = symptoms(read, verdicts, share, Satisfaction(0.62, 0, 1, 5, 8), before=before, budget=3000)
    assert message == symptoms(read, verdicts[::-1], share, Satisfaction(0.62, 0, 1, 5, 8), before=before, budget=3000)
    head, *parts = message.split("\n\n")
    assert head.splitlines() == [
        "feedback satisfaction 0.33 (1 of 3 stories)",
        "vault satisfaction 0.62",
        "satisfied: a",
        "better than before: a",
        "worse than before: b",
    ]
    assert parts[0].startswith("unsatisfied: b (main), near miss 0.90\nstory: given a counter")
    assert "GET /1" in parts[0]
    assert len(message) <= 3200
