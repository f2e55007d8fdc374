"""The twin as a process of its own."""

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import anthropic
import pytest

from factory_tui.twins.messages.server import Twin
from tests.twins.messages.conftest import SHORTLINKS, Connect

ENTRY = (
    "import sys; from pathlib import Path; from factory_tui.twins.messages.server import run_alone; "
    "run_alone(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])"
)


async def start(playbook: Path, port: int = 0, *faults: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", ENTRY, str(playbook), str(port), *faults, stdout=PIPE, stderr=PIPE
    )


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    path = tmp_path / "shortlinks.toml"
    path.write_text(SHORTLINKS)
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_prints_its_address_and_serves_until_a_signal(
    playbook: Path, connect: Connect, number: signal.Signals
) -> None:
    process = await start(playbook)
    assert process.stdout
    said = (await process.stdout.readline()).decode()
    url = re.search(r"http://127\.0\.0\.1:\d+", said)
    assert url
    answer = await connect(url[0]).messages.create(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "Hello"}]
    )
    assert answer.stop_reason == "end_turn"
    process.send_signal(number)
    rest, errors = await process.communicate()
    assert b"restart" in rest
    assert (process.returncode, errors) == (0, b"")


async def test_a_port_in_use_is_a_message_with_a_remedy(playbook: Path, twin: Twin) -> None:
    process = await start(playbook, int(twin.url.rpartition(":")[2]))
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"--port 0" in errors
    assert b"Traceback" not in errors


async def test_faults_may_be_given_to_it(playbook: Path, connect: Connect) -> None:
    process = await start(playbook, 0, "then = 529, attempt = 0", "then = 429, retry_after = 3")
    assert process.stdout
    url = re.search(r"http://127\.0\.0\.1:\d+", (await process.stdout.readline()).decode())
    assert url
    for attempt, error in (("0", anthropic.OverloadedError), ("1", anthropic.RateLimitError)):
        with pytest.raises(error):
            await connect(url[0]).messages.create(
                model="m",
                max_tokens=9,
                messages=[{"role": "user", "content": "Hello"}],
                extra_headers={"x-factory-attempt": attempt},
            )
    process.terminate()
    await process.wait()


@pytest.mark.parametrize("fault", ["then = 200", "then", "then = 'slow'", "then = 429, at = 3"])
async def test_a_fault_that_is_none_is_a_message_with_a_remedy(playbook: Path, fault: str) -> None:
    process = await start(playbook, 0, fault)
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert fault.encode() in errors
    assert b"Remedy:" in errors
    assert b"Traceback" not in errors


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.toml"
    path.write_text("seed = 's'\nrule = 3")
    return path


async def test_a_bad_playbook_is_a_message_with_a_line(broken: Path) -> None:
    process = await start(broken)
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"broken.toml:2: rule" in errors
    assert b"Traceback" not in errors
