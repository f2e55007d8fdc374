"""Shipping: a run's passes as a git repository of its own, and where it came from.

`.factory/shipped/<seed>/<run>/` holds one commit per pass, the last one's files, and provenance.json. That file names
the last commit, so it is in none: it lies beside the files, unseen by git status, and is word for word the message of
the tag `shipped` on that commit, so that a clone carries it too. What it says is docs/provenance.md's.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

import factory_tui
from factory_tui.cells.protocol import Entry
from factory_tui.delivery.folders import digests, remove, replace, sync
from factory_tui.delivery.git import AFRESH, AUTHOR, DeliveryError, Git, change, commit_head
from factory_tui.delivery.snapshot import Snapshots, content, git_mode, refused, write_tree
from factory_tui.domain.state import Pass, Run

FORMAT = 1
PROVENANCE = "provenance.json"
INTERVAL = 0.90


class JournalRange(msgspec.Struct, frozen=True):
    """The events that tell the run's story: first and last seq, and the journal's head hash at the last."""

    first: int
    last: int
    head: str


class Handover(msgspec.Struct, frozen=True):
    """Where the output is, its last commit, and the sha256 of its provenance.json."""

    path: Path
    commit: str
    provenance: str


async def ship(snapshots: Snapshots, run: Run, journal: JournalRange, shipped: Path) -> Handover:
    """Hand over the newest pass of the run below the folder `shipped`. Raises DeliveryError.

    Whole or not at all: a folder that is there is the handover. Asked again, it gives the one that was made, even
    though the journal went on in between; one of another commit, or one that was changed since, is made anew.
    """
    passes = [item for item in run.passes if item.commit]
    if not passes:
        raise DeliveryError(f"{run.id} has no snapshot to ship. Remedy: let a pass end first.")
    folder = shipped / run.seed / run.id
    before = await asyncio.to_thread(_made_before, folder, run, passes[-1])
    if before:
        return before
    return await asyncio.to_thread(_ship, snapshots, run, passes, journal, folder)


def _ship(snapshots: Snapshots, run: Run, passes: list[Pass], journal: JournalRange, folder: Path) -> Handover:
    last = snapshots.read(passes[-1].commit)
    if any(entry.path == PROVENANCE for entry in last):
        message = f"the output has a {PROVENANCE} of its own, which could be taken for the factory's."
        raise DeliveryError(f"{message} Remedy: have it renamed, by the seed or an answer.")
    partial = folder.with_name(f".{run.id}.partial")
    remove(partial)
    try:
        partial.mkdir(parents=True)
        # all of git's work is done before the first of the agent's files is there
        git = Git.make(partial / ".git", partial)
        (partial / ".git" / "info").mkdir(exist_ok=True)
        (partial / ".git" / "info" / "exclude").write_text(f"/{PROVENANCE}\n")
        commits = git.fast_import(_history(snapshots, run, passes))
        provenance = _provenance(run, journal, passes, commits, last)
        git.fast_import(_tag(commits[-1], provenance, snapshots.commit(passes[-1].commit).seconds))
        git.run("read-tree", commits[-1])
        write_tree((entry for entry in last if not refused(entry)), partial)
        with (partial / PROVENANCE).open("xb") as file:
            file.write(provenance)
            file.flush()
            os.fsync(file.fileno())
        sync(partial, partial / ".git")  # the work's files are on disk since they were written
        replace(partial, folder)
    except OSError as error:
        remove(partial)
        message = f"{folder} could not be written: {error.strerror}."
        raise DeliveryError(f"{message} Remedy: free space on its disk, or make it writable.") from error
    return Handover(folder, commits[-1], hashlib.sha256(provenance).hexdigest())


def _history(snapshots: Snapshots, run: Run, passes: list[Pass]) -> Iterator[bytes]:
    """The passes as a fast-import stream, one in memory at a time: what git can hold of each."""
    for mark, item in enumerate(passes, 1):
        message = f"Pass {item.number} of {run.id}\n\n{_line(item)}\nSeed revision: {item.revision}\n"
        parent = f":{mark - 1}" if mark > 1 else ""
        yield commit_head("refs/heads/main", mark, parent, snapshots.commit(item.commit).seconds, message)
        yield AFRESH.encode()
        for entry in snapshots.read(item.commit):
            data = content(entry)
            if data is not None and not refused(entry):
                yield from change(entry.path, git_mode(entry), data)
        yield f"get-mark :{mark}\n".encode()


def _line(item: Pass) -> str:
    if item.vault is None:
        return "Satisfaction: not measured"
    return f"Satisfaction: {item.vault.share:.2f} ({item.vault.low:.2f} to {item.vault.high:.2f})"


def _tag(commit: str, provenance: bytes, seconds: int) -> Iterator[bytes]:
    head = f"tag shipped\nfrom {commit}\ntagger {AUTHOR} {seconds} +0000\ndata {len(provenance)}\n"
    yield head.encode() + provenance + b"\n"


def _provenance(run: Run, journal: JournalRange, passes: list[Pass], commits: list[str], entries: list[Entry]) -> bytes:
    last = passes[-1]
    shipped = [entry for entry in entries if not refused(entry)]
    told: dict[str, Any] = {
        "format": FORMAT,
        "factory_tui": factory_tui.__version__,
        "run": run.id,
        "seed": {"name": run.seed, "revision": last.revision, "owner": run.owner},
        "forked_from": run.forked and {"run": run.forked.run, "pass": run.forked.number, "snapshot": run.forked.commit},
        "corpus": run.corpus,
        "loop": {"name": run.loop, "digest": hashlib.sha256(run.dot.encode()).hexdigest()},
        "model": run.model,
        "ledger": run.ledger,
        "passes": [
            {
                "number": item.number,
                "revision": item.revision,
                "commit": commit,
                "snapshot": item.commit,
                "image": {"name": item.image, "id": item.image_id},
                "feedback": msgspec.to_builtins(item.feedback),
                "vault": msgspec.to_builtins(item.vault),
                "ship_low": item.ship_low,
                "faults": list(item.faults),
            }
            for item, commit in zip(passes, commits, strict=True)
        ],
        "satisfaction": None
        if last.vault is None
        else msgspec.to_builtins(last.vault) | {"interval": INTERVAL, "ship_low": last.ship_low},
        "ship_rule": {"ship_at": run.ship_at, "alpha": run.alpha, "max_passes": run.max_passes},
        "tokens": {key: getattr(run.burn.tokens, key) for key in run.burn.tokens.__struct_fields__},
        "money": str(run.burn.money),
        "journal": msgspec.to_builtins(journal),
        "commit": commits[-1],
        "files": {e.path: hashlib.sha256(e.data or b"").hexdigest() for e in shipped if e.kind == "file"},
        "links": {e.path: e.target for e in shipped if e.kind == "link"},
        "left_out": [e.path for e in entries if e.kind != "dir" and refused(e)],
    }
    return (json.dumps(told, indent=1, sort_keys=True) + "\n").encode()


def _made_before(folder: Path, run: Run, last: Pass) -> Handover | None:
    """The handover of that pass if it stands in the folder, every file as it was written."""
    try:
        provenance = (folder / PROVENANCE).read_bytes()
        told = json.loads(provenance)
        same = told["run"] == run.id and told["passes"][-1]["snapshot"] == last.commit
        if same and digests(folder, (".git", PROVENANCE)) == told["files"]:
            return Handover(folder, told["commit"], hashlib.sha256(provenance).hexdigest())
    except (OSError, ValueError, KeyError, TypeError):  # not ours, torn or tampered with: made anew
        return None
    return None
