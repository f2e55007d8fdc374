"""The self-test finds the holes that a weaker fence has, and lets no live model in behind them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from factory_tui.cells import fence
from factory_tui.cells.choose import choose
from factory_tui.cells.diagnosis import host
from factory_tui.cells.docker import DockerCells, connect
from factory_tui.cells.proof import breach, judge, prove
from factory_tui.cells.protocol import MIB, CellLimits, Labels, NoRuntime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from docker import DockerClient

    from factory_tui.cells.diagnosis import Diagnosis

LIMITS = CellLimits(memory=128 * MIB, pids=64, work_bytes=32 * MIB, work_inodes=2000, tmp_bytes=8 * MIB)
LABELS = Labels("", "", "proof")
NOFILE = {"Name": "nofile", "Soft": 20_000, "Hard": 20_000}


@pytest_asyncio.fixture
async def cells(docker_workspace: str, cell_image: str) -> AsyncIterator[DockerCells]:
    cells = DockerCells(connect(), docker_workspace, cell_image, LIMITS)
    yield cells
    await cells.close()


def holes(found: list[Diagnosis]) -> dict[str, str]:
    return {one.what: one.found for one in found if not one.well}


@pytest.mark.docker
class TestByEngine:
    async def test_the_fence_as_it_is_holds(self, cells: DockerCells) -> None:
        found = await prove(cells)
        assert not holes(found)
        assert len(found) == 15
        assert await breach(cells) == ""
        assert cells.fenced

    @pytest.mark.parametrize(
        ("weaken", "what", "told"),
        [
            ({"security_opt": ["no-new-privileges", "seccomp=unconfined"]}, "system calls", "not filtered; open: io_"),
            ({"security_opt": ["no-new-privileges"]}, "system calls", "open: io_uring, AF_VSOCK"),
            ({"security_opt": []}, "privileges", "a set-user-id program could gain some"),
            ({"cap_add": ["KILL", "SETUID", "SETGID", "NET_RAW"]}, "capabilities", "the cell has number 13"),
            ({"read_only": False}, "root", "can be written: /"),
            ({"network_mode": "host"}, "network", "leads out: "),
            ({"volumes": ["/var/run:/var/run:ro"]}, "host paths", "of the host: /var/run"),
            ({"devices": ["/dev/zero:/dev/disk"]}, "devices", "/dev/disk"),
            ({"pids_limit": -1}, "processes", "max is the limit"),
            ({"mem_limit": 256 * MIB, "memswap_limit": 256 * MIB}, "memory", f"{256 * MIB} is the limit"),
            ({"tmpfs": {"/work": "", "/tmp": ""}}, "disk", "has no such limit: /work has"),
            ({"ulimits": [NOFILE]}, "open files", "20000 open files"),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    async def test_a_weaker_one_is_told(
        self, cells: DockerCells, monkeypatch: pytest.MonkeyPatch, weaken: dict[str, Any], what: str, told: str
    ) -> None:
        whole: Callable[..., dict[str, Any]] = fence.options
        monkeypatch.setattr(fence, "options", lambda *given: whole(*given) | weaken)
        found = holes(await prove(cells))
        assert told in found.get(what, ""), found

    async def test_what_counts_as_unfenced_says_so_of_every_cell(
        self, cells: DockerCells, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole: Callable[..., dict[str, Any]] = fence.options
        monkeypatch.setattr(fence, "options", lambda *given: whole(*given) | {"pids_limit": -1})
        why = await breach(cells)
        assert why.startswith("the fence does not hold, and cells count as UNFENCED: processes: max is the limit")
        cell = await cells.start(LABELS)
        assert not cells.fenced
        assert not cell.fenced
        await cell.close()

    async def test_an_engine_without_seccomp_still_makes_cells_and_the_hole_is_told(
        self, docker_workspace: str, cell_image: str
    ) -> None:
        info = {"SecurityOptions": ["name=apparmor"], "Runtimes": {"runc": {}}}
        cells = DockerCells(connect(), docker_workspace, cell_image, LIMITS, fence.terms(info, ""))
        assert "system calls" in await breach(cells)
        await cells.close()

    async def test_an_image_that_cannot_carry_a_cell_is_told_with_its_remedy(
        self, docker_engine: DockerClient, docker_workspace: str
    ) -> None:
        docker_engine.api.import_image_from_data(bytes(10240), repository="factory-tui-test", tag="empty")
        cells = DockerCells(connect(), docker_workspace, "factory-tui-test:empty", LIMITS)
        (found,) = await prove(cells)
        assert not found.well
        assert "has no python3" in found.found
        assert "[cells] image" in found.remedy
        await cells.close()

    async def test_volumes_of_an_image_are_bounded_space_in_memory(
        self, docker_engine: DockerClient, docker_workspace: str, cell_image: str
    ) -> None:
        ours = {"factory-tui.workspace": docker_workspace}  # should what follows fail, the workspace's end removes it
        made = docker_engine.containers.create(cell_image, ["true"], labels=ours)
        repository, tag = "factory-tui-test", docker_workspace
        made.commit(repository, tag, changes=["VOLUME /data", 'HEALTHCHECK CMD ["touch", "/work/ill"]'])
        made.remove()
        cells = DockerCells(connect(), docker_workspace, f"{repository}:{tag}", LIMITS)
        try:
            assert not holes(await prove(cells))
            cell = await cells.start(LABELS)
            flood = await cell.run("head -c 100000000 /dev/zero > /data/flood")
            assert b"No space left" in flood.stderr
            assert docker_engine.api.inspect_container(cell.id)["Mounts"] == []
            assert "Health" not in docker_engine.api.inspect_container(cell.id)["State"]
            await cell.close()
        finally:
            await cells.close()
            docker_engine.images.remove(f"{repository}:{tag}")

    async def test_a_runtime_that_is_not_there_is_refused_with_those_that_are(
        self, tmp_path: Path, cell_image: str
    ) -> None:
        for kind in ("auto", "docker"):
            with pytest.raises(NoRuntime, match=r'runtime = "runsc" is none of .* runc\. Remedy: install runsc'):
                await choose("w", tmp_path, kind=kind, image=cell_image, runtime="runsc")

    async def test_a_runtime_that_is_there_is_asked_for(
        self, docker_engine: DockerClient, docker_workspace: str, cell_image: str, tmp_path: Path
    ) -> None:
        cells, _ = await choose(docker_workspace, tmp_path, kind="docker", image=cell_image, runtime="runc")
        cell = await cells.start(LABELS)
        assert docker_engine.api.inspect_container(cell.id)["HostConfig"]["Runtime"] == "runc"
        await cell.close()
        await cells.close()


def test_a_kernel_of_its_own_stands_in_for_the_filter() -> None:
    """As gVisor answers: no seccomp, and calls that it serves itself."""
    status = {"Uid": ["30001"], "Gid": ["30001"], "Groups": [], "CapBnd": ["e0"]}
    status |= {name: ["0000000000000000"] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
    seen: dict[str, Any] = {
        "status": status,
        "kernel": "4.4.0",
        "shut": {"ptrace": "done: 0", "io_uring": "ENOSYS"},
        "mounts": [],
        "writable": [],
        "sockets": [],
        "devices": [],
        "spaces": {},
        "interfaces": ["lo"],
        "route": "ENETUNREACH",
        "runner": {},
        "pids": "64",
        "memory": str(128 * MIB),
        "swap": "",
        "cpu": "max 100000",
        "files": 1024,
        "core": 0,
    }
    found = {one.what: one for one in judge(seen, LIMITS, "6.1.0")}
    for what in ("privileges", "system calls", "swap", "processors"):
        assert found[what].well
        assert found[what].instead
    assert not {one.what: one for one in judge(seen, LIMITS, "4.4.0")}["system calls"].well


@pytest.mark.parametrize(
    ("info", "ill", "instead"),
    [
        ({"SecurityOptions": ["name=seccomp,profile=default", "name=rootless"]}, {"limits"}, {"cgroup"}),
        ({"SecurityOptions": ["name=seccomp", "name=rootless"], "CgroupVersion": "2"}, set(), set()),
        ({"SecurityOptions": None}, {"seccomp"}, {"cgroup", "user namespace"}),
        ({"SecurityOptions": ["name=seccomp", "name=apparmor", "name=userns"]}, set(), {"cgroup"}),
        (
            {"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]], "CgroupVersion": "2"},
            {"seccomp"},
            {"storage"},
        ),
    ],
)
def test_what_a_host_cannot_enforce_is_named_with_what_stands_in(
    info: dict[str, Any], ill: set[str], instead: set[str]
) -> None:
    found = list(host({"Runtimes": {"runc": {}}, **info}))
    assert {one.what for one in found if not one.well} == ill
    assert instead <= {one.what for one in found if one.instead}
    first = info.get("CgroupVersion", "1") == "1"
    assert ("sockets" in {one.what for one in found}) == first, "version 1 does not count what they hold"
    assert all(one.remedy for one in found if not one.well)


def test_the_profile_is_a_list_of_what_is_allowed() -> None:
    profile = json.loads(fence.profile())
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    allowed = [name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]]
    plain = {n for rule in profile["syscalls"] if not rule.get("args") for n in rule["names"]}
    assert len(plain) == sum(len(rule["names"]) for rule in profile["syscalls"] if not rule.get("args")), "said twice"
    shut = (
        "ptrace io_uring_setup bpf mount unshare setns keyctl process_vm_readv perf_event_open userfaultfd kexec_load"
    )
    assert not {*shut.split()} & {*allowed}
    assert {"clone", "socket", "socketpair", "personality"}.isdisjoint(plain)
