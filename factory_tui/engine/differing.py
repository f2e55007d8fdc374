"""How two revisions of a seed differ, in words for people and for the agent."""

import difflib

from factory_tui.config.seed import Seed
from factory_tui.domain.hostile import clean

SHOWN = 20_000
"""Characters of a difference, after which it is cut."""


def difference(before: Seed, after: Seed) -> str:
    """A unified diff of the seed's own file and of attachments that are text; of others, that they changed."""
    texts = _diff(before.source, after.source, after.file)
    old = {one.path: one.data for one in before.attachments}
    new = {one.path: one.data for one in after.attachments}
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            texts += _attachment(path, old.get(path), new.get(path))
    whole = clean("\n".join(texts))
    return whole if len(whole) <= SHOWN else f"{whole[:SHOWN]}\n(cut here; {len(whole) - SHOWN} characters more)"


def _attachment(path: str, old: bytes | None, new: bytes | None) -> list[str]:
    try:
        return _diff((old or b"").decode(), (new or b"").decode(), path)
    except UnicodeDecodeError:
        if old is None or new is None:
            return [f"attachment {path}: {'gone' if new is None else 'new'}"]
        return [f"attachment {path}: {len(old)} bytes became {len(new)}"]


def _diff(old: str, new: str, name: str) -> list[str]:
    return list(difflib.unified_diff(old.splitlines(), new.splitlines(), name, name, lineterm=""))
