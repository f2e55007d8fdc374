"""Saves in all the ways that programs save, replayed as file operations on a workspace that an engine watches."""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from factory_tui.domain.events import Event, SeedRevised
from tests.engine.floor import Floor
from tests.engine.greeter import make

FRONT = '+++\nowner = "demo"\n+++\n'
ROUNDS = 4
SEEDS = 5
Save = Callable[[Path, bytes], None]


def vim_by_rename(path: Path, data: bytes) -> None:
    swap, backup = path.with_name(f".{path.name}.swp"), path.with_name(f"{path.name}~")
    swap.write_bytes(b"b0VIM")
    path.rename(backup)
    path.write_bytes(data)
    backup.unlink()
    swap.unlink()


def vim_in_place(path: Path, data: bytes) -> None:
    backup = path.with_name(f"{path.name}~")
    backup.write_bytes(path.read_bytes())
    path.write_bytes(data)
    backup.unlink()


def code_in_place(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        file.truncate(0)
        file.flush()
        time.sleep(0.02)
        file.write(data)


def code_truncates_first(path: Path, data: bytes) -> None:
    os.truncate(path, 0)
    time.sleep(0.05)
    path.write_bytes(data)


def atomically(path: Path, data: bytes) -> None:
    fresh = path.with_name(f"{path.name}.tmp")
    with fresh.open("wb") as file:
        file.write(data)
        os.fsync(file.fileno())
    fresh.replace(path)


def nano(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)


def git_checkout(path: Path, data: bytes) -> None:
    path.unlink()
    time.sleep(0.02)
    path.write_bytes(data)


def sed(path: Path, data: bytes) -> None:
    fresh = path.with_name(f"sed{path.stem}{path.parent.name}")
    fresh.write_bytes(data)
    fresh.rename(path)


def slowly(path: Path, data: bytes) -> None:
    third = len(data) // 3
    with path.open("wb", buffering=0) as file:
        for piece in (data[:third], data[third : 2 * third], data[2 * third :]):
            file.write(piece)
            time.sleep(0.25)


def in_two_goes(path: Path, data: bytes) -> None:
    half = len(FRONT) + 20
    path.write_bytes(data[:half])
    time.sleep(0.04)
    with path.open("ab") as file:
        file.write(data[half:])


WAYS: tuple[Save, ...] = (
    *(vim_by_rename, vim_in_place, code_in_place, code_truncates_first, atomically),
    *(nano, git_checkout, sed, slowly, in_two_goes),
)


def content(seed: str, number: int) -> bytes:
    """Every beginning of it is a seed too, so that a half one would count."""
    return (FRONT + "".join(f"Line {line} of text {number} of {seed}.\n" for line in range(40))).encode()


def revision(data: bytes) -> str:
    return hashlib.sha256(hashlib.sha256(data).digest()).hexdigest()[:12]


async def test_every_final_content_is_seen_and_no_half_one_ever(tmp_path: Path) -> None:
    await save_in_every_way(tmp_path)


@pytest.mark.chaos
async def test_every_final_content_is_seen_within_a_second(tmp_path: Path) -> None:
    late = await save_in_every_way(tmp_path)
    assert max(late)[0] < 1.0, sorted(late)[-5:]


async def save_in_every_way(tmp_path: Path) -> list[tuple[float, str]]:
    """200 saves; how late each was seen, in seconds, and how it was saved."""
    workspace, playbooks = make(tmp_path)
    names = [f"s{number}" for number in range(SEEDS)]
    files = {
        name: workspace.seeds / (f"{name}.md" if number % 2 else f"{name}/seed.md") for number, name in enumerate(names)
    }
    whole: dict[str, list[str]] = {name: [] for name in names}
    late: list[tuple[float, str]] = []
    async with Floor(workspace, playbooks) as floor:

        async def write(name: str) -> None:
            path = files[name]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content(name, 0))
            whole[name].append(revision(content(name, 0)))
            await seen(name, time.time(), "new")
            for number in range(1, ROUNDS * len(WAYS) + 1):
                save, data = WAYS[number % len(WAYS)], content(name, number)
                whole[name].append(revision(data))
                await asyncio.get_running_loop().run_in_executor(writers, save, path, data)
                await seen(name, time.time(), save.__name__)

        async def seen(name: str, closed: float, way: str) -> None:
            wanted = whole[name][-1]
            while wanted not in found(name):
                async with changed:
                    await changed.wait()
            late.append((found(name)[wanted].at / 1000 - closed, way))

        def found(name: str) -> dict[str, Event]:
            facts = ((event, event.fact) for event in floor.events)
            return {
                fact.revision: event for event, fact in facts if isinstance(fact, SeedRevised) and fact.seed == name
            }

        async def follow() -> None:
            while True:
                count = len(floor.events)
                await floor.until(lambda _: len(floor.events) > count)  # noqa: B023 -- used at once
                async with changed:
                    changed.notify_all()

        changed, writers = asyncio.Condition(), ThreadPoolExecutor(SEEDS)
        follower = asyncio.create_task(follow())
        try:
            await asyncio.gather(*(write(name) for name in names))
        finally:
            follower.cancel()
            writers.shutdown()
        for name in names:
            assert list(found(name)) == whole[name]
        assert len(late) == SEEDS * (ROUNDS * len(WAYS) + 1)
    return late
