"""Recorded exchanges of a service, replayed against a twin of it in a real cell; and the command that does it."""

import json
from pathlib import Path
from typing import Any

import pytest

from factory_tui.cells.process import ProcessCells
from factory_tui.config.fidelity import Fidelity
from factory_tui.config.reading import Mistakes
from factory_tui.harness.replaying import measure
from factory_tui.twins.fidelity import Comparison, Recording
from tests.harness.ledger import TOML, TWIN, ledger

HOST = "api.ledger.example"
Exchange = tuple[str, str, Any, int, Any]
PAID: list[Exchange] = [
    ("POST", "/charges", {"amount": 5}, 201, {"id": "ch_real_9", "amount": 5, "host": HOST}),
    ("GET", "/charges", None, 200, {"data": [{"id": "ch_real_9", "amount": 5, "host": HOST}], "count": 1, "at": 7.5}),
    ("POST", "/charges", {"amount": -1}, 402, {"error": {"code": "amount_too_small"}}),
]


def har(*exchanges: Exchange, host: str = HOST) -> str:
    """A recording of these exchanges: method, path, body, status and answer."""
    entries = [
        {
            "startedDateTime": "2026-11-30T10:00:00Z",
            "request": {
                "method": method,
                "url": f"https://{host}{path}",
                "headers": [{"name": "Content-Type", "value": "application/json"}, {"name": ":path", "value": path}],
                **({} if body is None else {"postData": {"mimeType": "application/json", "text": json.dumps(body)}}),
            },
            "response": {
                "status": status,
                "headers": [],
                "content": {"mimeType": "application/json; charset=utf-8", "text": json.dumps(answer)},
            },
        }
        for method, path, body, status, answer in exchanges
    ]
    return json.dumps({"log": {"version": "1.2", "entries": entries}})


def recorded(twins: Path, name: str, text: str) -> None:
    folder = twins / "ledger" / "recordings"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


async def measured(cells: ProcessCells, twins: Path, code: str = TWIN) -> Fidelity:
    twin = ledger(twins, code, TOML.replace('"at"', '"at", "id"'))
    return await measure(cells, "w", twins, twin, "2026-11-30T12:00:00+00:00")


async def test_a_twin_that_answers_as_the_service_did_is_faithful(cells: ProcessCells, tmp_path: Path) -> None:
    ledger(tmp_path)
    recorded(tmp_path, "paid.har", har(*PAID, ("GET", "/x", None, 200, {}), host=HOST))
    recorded(tmp_path, "other.har", har(*PAID, host="elsewhere.example"))
    found = await measured(cells, tmp_path)
    assert (found.matched, found.total, found.skipped) == (3, 4, 3)
    (miss,) = found.misses
    assert (miss.recording, miss.entry, miss.asked) == ("paid.har", 4, "GET /x")
    assert set(miss.why) == {f"{key}: not in the recording" for key in ("data", "count", "at")}


async def test_each_recording_begins_anew_with_data_of_its_own(cells: ProcessCells, tmp_path: Path) -> None:
    ledger(tmp_path)
    seen: Exchange = ("GET", "/charges", None, 200, {"data": [{"id": "ch_real_1", "amount": 3}], "count": 1, "at": 1.5})
    recorded(tmp_path, "a.har", har(*PAID))
    recorded(tmp_path, "b.har", har(seen))
    recorded(tmp_path, "b.data.json", json.dumps({"charges": [{"id": "ch_1", "amount": 3}]}))
    assert (await measured(cells, tmp_path)).share == 1.0


async def test_what_breaks_the_twin_is_a_miss_and_the_next_recording_begins_anew(
    cells: ProcessCells, tmp_path: Path
) -> None:
    ledger(tmp_path)
    recorded(tmp_path, "a.har", har(("GET", "/crash", None, 200, {})))
    recorded(tmp_path, "b.har", har(*PAID))
    found = await measured(cells, tmp_path)
    assert {name: (one.matched, one.total) for name, one in found.recordings.items()} == {
        "a.har": (0, 1),
        "b.har": (3, 3),
    }
    assert found.misses[0].why == ("status 502, recorded 200",)


def test_what_a_twin_nests_without_end_is_a_miss() -> None:
    asked = Recording(1, "h", "GET", "/", (), "", 200, "application/json", b"[]")
    assert Comparison([]).compare(asked, 200, "application/json", b"[" * 100_000) == ("a body that is no JSON",)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.har", "{", "twins/ledger/recordings/a.har: is no HAR: .* Remedy: Export it again as HAR 1.2"),
        ("a.har", '{"log": {}}', "is no HAR: .*entries"),
        ("a.txt", "", "there is no recording"),
    ],
)
async def test_what_is_no_recording_is_told_with_the_remedy(
    cells: ProcessCells, tmp_path: Path, name: str, text: str, said: str
) -> None:
    twins = tmp_path / "twins"
    ledger(twins)
    recorded(twins, name, text)
    with pytest.raises(Mistakes, match=said):
        await measured(cells, twins)
