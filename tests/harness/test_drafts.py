"""What is wrong with drafts, and what becomes of them: never more than a person said."""

from pathlib import Path

import pytest

from factory_tui.config.reading import Mistakes
from factory_tui.harness.corpus import load_corpus
from factory_tui.harness.drafts import LARGEST, MOST, accept, drafted, keep, lint, reject

DRAFT = """kind = "{kind}"
set = "vault" # as the model said
story = "given a thing, when it is used, then it works"
[draw]
word = {{ kind = "word" }}
[[act]]
run = {{ command = "echo {{word}}" }}
"""
EDGE, ODD = DRAFT.format(kind="edge").encode(), DRAFT.format(kind="adversarial").encode()


def said(drafts: dict[str, bytes]) -> str:
    return "\n".join(map(str, lint(drafts)))


def test_drafts_are_looked_at_one_by_one_and_as_a_whole() -> None:
    assert said({"one.toml": EDGE, "two.toml": ODD}) == ""
    assert "no draft is of kind adversarial" in said({"one.toml": EDGE})
    assert "no draft is of kind edge and none of kind adversarial" in said({})
    assert "draft/one.toml:7: act[0].run.command" in said(
        {"one.toml": EDGE.replace(b"{word}", b"{name}"), "two.toml": ODD}
    )
    assert "`Two` is no name" in said({"one.toml": EDGE, "Two.toml": ODD})
    assert "not written yet" in said({"one.toml": EDGE.replace(b"given a thing", b"NOT WRITTEN YET"), "two.toml": ODD})
    assert f"at most {LARGEST}" in said({"one.toml": EDGE + b"#" * LARGEST, "two.toml": ODD})
    assert f"Keep the {MOST}" in said({f"one-{number}.toml": EDGE for number in range(MOST)} | {"two.toml": ODD})


def test_what_is_kept_is_never_over_another_and_the_same_is_kept_once(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_bytes(EDGE)
    assert keep(tmp_path, {"one.toml": ODD, "two.toml": ODD}, "Drafted.") == ["one-2", "two"]
    assert keep(tmp_path, {"one.toml": ODD, "two.toml": ODD}, "Drafted.") == ["one-2", "two"], "after a kill in between"
    assert keep(tmp_path, {"two.toml": EDGE}, "Drafted.") == ["two-2"]
    assert drafted(tmp_path) == ["one-2", "two", "two-2"]
    assert [one.name for one in load_corpus(tmp_path, "seed").scenarios] == ["one"]
    assert (tmp_path / "draft" / "two.toml").read_bytes() == b"# Drafted.\n" + ODD


def test_all_are_accepted_or_none(tmp_path: Path) -> None:
    keep(tmp_path, {"one.toml": EDGE, "two.toml": ODD}, "Drafted.")
    (tmp_path / "two.toml").write_bytes(EDGE)
    with pytest.raises(Mistakes, match="there is a scenario called `two` already"):
        accept(tmp_path, ["one", "two"], "rev", None)
    with pytest.raises(Mistakes, match=r"no such draft[.] Remedy: Name one of: one, two"):
        accept(tmp_path, ["../one"], "rev", None)
    assert drafted(tmp_path) == ["one", "two"]
    accept(tmp_path, ["one"], "rev", "feedback")
    text = (tmp_path / "one.toml").read_text()
    assert 'set = "feedback" # as the model said' in text
    assert 'reviewed_for = "rev"' in text
    keep(tmp_path, {"one.toml": EDGE}, "Drafted.")
    (tmp_path / "draft" / "one-2.toml").rename(tmp_path / "draft" / "one.toml")  # a kill in between leaves both
    accept(tmp_path, ["one"], "rev", "feedback")
    assert (drafted(tmp_path), (tmp_path / "one.toml").read_text()) == (["two"], text)
    with pytest.raises(Mistakes, match="no such draft"):
        reject(tmp_path, ["two", "three"])
    reject(tmp_path, ["two"])
    assert not (tmp_path / "draft").exists()
    assert (tmp_path / "two.toml").read_bytes() == EDGE
