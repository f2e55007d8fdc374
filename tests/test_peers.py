"""The peers of the benchmark: what stands between them and the twin, and what is said of those that are not there."""

from pathlib import Path

import aiohttp
import pytest

from bench import peers
from factory_tui.twins.messages.playbook import parse
from factory_tui.twins.messages.server import serve
from tests.playbooks import playbook, rule, runs, speaks

HEADERS = {"x-api-key": "none", "anthropic-version": "2023-06-01"}


def _request(text: str, **more: int) -> dict[str, object]:
    return {"model": "any", "max_tokens": 64, "messages": [{"role": "user", "content": text}], **more}


async def test_the_tap_counts_answers_and_keeps_the_first_refusal() -> None:
    book = playbook("steps", rule("stop", "^enough", speaks("That is enough.")), rule("step", "", runs("true")))
    async with (
        serve([parse(book, "here")]) as twin,
        peers.tap(twin.url) as seen,
        aiohttp.ClientSession(headers=HEADERS) as session,
    ):
        for text in ("Go.", "enough"):
            async with session.post(f"{seen.url}/v1/messages?beta=true", json=_request(text)) as answer:
                assert answer.status == 200
                assert (await answer.json())["role"] == "assistant"
        async with session.post(f"{seen.url}/v1/messages", json=_request("Go.", max_tokens=0)) as answer:
            assert answer.status == 400
        async with session.post(f"{seen.url}/v1/nothing", json={}) as answer:
            assert answer.status == 404
    assert len(seen.asked) == len(seen.answered) == 2
    assert seen.stopped == 1
    assert len(seen.overheads()) == 1
    assert "max_tokens" in seen.refused


async def test_an_absent_peer_is_said_and_has_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await peers.measure("image", "http://127.0.0.1:9", {"steps_s_8": 100.0}, tmp_path) == {}
    said = capsys.readouterr().err
    assert "no command 'inspect'" in said
    assert "no command 'mini-extra'" in said


def test_a_loop_that_begins_late_takes_nothing_from_a_peer() -> None:
    steady = [0.1 * step for step in range(100)]
    assert peers.middle_rate([*steady, 60.0, 61.0]) == pytest.approx(10.0)


def test_the_best_peer_is_the_one_that_counts() -> None:
    ours = {"steps_s_8": 200.0, "overhead_ms_p50_1": 5.0}
    theirs = {
        "inspect_ai_steps_s_8": 10.0,
        "mini_swe_agent_steps_s_8": 20.0,
        "inspect_ai_overhead_ms_p50_1": 150.0,
        "mini_swe_agent_overhead_ms_p50_1": 75.0,
    }
    assert peers.beside_best(ours, theirs) == {"times_best_peer_8": 10.0, "times_best_peer_1": 15.0}
