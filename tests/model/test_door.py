"""The door against a real endpoint over HTTP, through the real SDK."""

import asyncio
import json
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from aiohttp import web

from factory_tui.agents.tools import definitions
from factory_tui.config.settings import ModelTable
from factory_tui.domain.events import Answered, AnyFact, CallReserved, CallSettled, Noticed
from factory_tui.domain.hostile import clean
from factory_tui.domain.live import LiveText
from factory_tui.domain.money import Price, Tokens
from factory_tui.model import client as client_module
from factory_tui.model import door as door_module
from factory_tui.model.door import Answer, Door, Model
from factory_tui.model.failures import ProviderHeld
from factory_tui.policy.budget import Budget
from factory_tui.policy.credentials import Credentials
from tests.model.endpoint import Endpoint, Notebook, message, page, status, stream, text, use
from tests.pictures import png
from tests.waiting import until

LARGEST_PICTURE, NATIVE_TOOLS = 4_784, 1_291
"""Tokens that the API counts at most: of one picture, and for its bash and text editor with what it says of tools."""
KEY = "sk-test-0123456789"
PRICE = Price(Decimal(3), Decimal(15), Decimal("3.75"), Decimal("0.30"))
HELLO = [{"role": "user", "content": [text("hello")]}]

WHOLE = message(text("good day"), use("t1", "bash", {"command": "ls"}), stop="tool_use")


class Rig:
    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        table = ModelTable(id="claude-test", base_url=endpoint.url, key_env="K", max_tokens=1000)
        self.model = Model("default", table, PRICE)
        self.budget = Budget()
        self.naps: list[float] = []
        self.woken = asyncio.Event()
        self.woken.set()
        self.asleep = 0
        self.notes = Notebook()
        credentials = Credentials([table], {"K": KEY})
        self.door = Door(
            self.budget,
            credentials,
            now=lambda: 1_000,
            attempts=3,
            sleep=self._nap,
            clock=lambda: sum(self.naps),
            chance=lambda: 1.0,
            timeout=5,
        )

    async def _nap(self, seconds: float) -> None:
        self.asleep += 1
        await self.woken.wait()
        self.asleep -= 1
        self.naps.append(seconds)

    async def call(self, messages: Any = HELLO, **changes: Any) -> Answer:
        given: dict[str, Any] = {
            "model": self.model,
            "ledger": "live",
            "purpose": "agent",
            "step": 1,
            "system": "be good",
            "messages": messages,
        }
        return await self.door.call(self.notes, **(given | changes))

    @property
    def settled(self) -> CallSettled:
        return self.notes.of(CallSettled)[-1]


class SlowNotebook(Notebook):
    """It writes once there is room, or finds that there is none."""

    def __init__(self, fault: Exception | None = None) -> None:
        super().__init__()
        self.asked, self.room = asyncio.Event(), asyncio.Event()
        self._fault = fault

    async def record(self, *facts: AnyFact) -> None:
        self.asked.set()
        await self.room.wait()
        if self._fault:
            raise self._fault
        await super().record(*facts)


@pytest.fixture
async def rig(endpoint: Endpoint) -> AsyncIterator[Rig]:
    rig = Rig(endpoint)
    yield rig
    await rig.door.close()


async def held(call: Awaitable[Answer]) -> ProviderHeld:
    with pytest.raises(ProviderHeld) as caught:
        await call
    return caught.value


async def test_an_answer_is_reserved_streamed_settled_and_journalled(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(text("good day"), input_tokens=200, output_tokens=40))]
    answer = await rig.call()
    assert json.loads(answer.content) == [text("good day")]
    assert answer.tokens == Tokens(input=200, output=40)
    assert answer.money == PRICE.cost(answer.tokens) == rig.budget.spent("shortlinks-1")
    reserved, settled, answered = rig.notes.facts
    assert isinstance(reserved, CallReserved)
    assert isinstance(settled, CallSettled)
    assert settled.outcome == "answered"
    assert settled.released == reserved.money > settled.money
    assert isinstance(answered, Answered)
    assert (answered.content, answered.stop_reason, answered.model) == (answer.content, "end_turn", "claude-test")
    assert rig.notes.frames == [LiveText("shortlinks-1", 1, "good"), LiveText("shortlinks-1", 1, " day")]
    assert [sent.removeprefix("Bearer ") for sent in rig.endpoint.keys] == [KEY]


async def test_a_key_that_is_cut_in_two_by_the_stream_is_not_shown(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(text(f"{KEY}")))]
    answer = await rig.call()
    shown = "".join(frame.text for frame in rig.notes.frames if isinstance(frame, LiveText))
    assert shown == "[redacted]"
    assert json.loads(answer.content) == [text("[redacted]")]


async def test_the_worst_case_covers_the_requests_bytes_and_all_output(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(text("x")))]
    await rig.call([{"role": "user", "content": [text("y" * 5000)]}])
    [reserved] = rig.notes.of(CallReserved)
    assert reserved.money >= Price(Decimal("3.75"), Decimal(15), Decimal(0), Decimal(0)).cost(Tokens(5000, 1000))
    assert reserved.money < Decimal("0.04")


async def test_the_worst_case_covers_pictures_and_native_tools_whose_bytes_tell_little(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(text("x")))]
    source = {"type": "base64", "media_type": "image/png", "data": b64encode(png(8, 8)).decode()}
    seen = [{"role": "user", "content": [text("hello"), {"type": "image", "source": source}]}]
    await rig.call()
    await rig.call(seen, step=2)
    await rig.call([*seen, {"role": "assistant", "content": [text("x")]}, *seen], step=3)
    await rig.call(tools=definitions("native"), step=4)
    plain, first, again, native = (fact.tokens for fact in rig.notes.of(CallReserved))
    assert min(first - plain, again - plain) > LARGEST_PICTURE
    assert native - plain > NATIVE_TOOLS


async def test_the_next_calls_worst_case_builds_on_what_was_reported(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(text("x"), input_tokens=1000))]
    first = [{"role": "user", "content": [text("y" * 5000)]}]
    await rig.call(first)
    await rig.call([*first, {"role": "assistant", "content": [text("x")]}, *HELLO], step=2)
    big, small = (fact.money for fact in rig.notes.of(CallReserved))
    assert big - small > PRICE.input * 3500 / 1_000_000


async def test_what_one_model_counted_says_nothing_of_another(rig: Rig) -> None:
    """The next rung of a ladder may cut the same bytes into more tokens."""
    rig.endpoint.script = [stream(message(text("x"), input_tokens=10))]
    first = [{"role": "user", "content": [text("y" * 5000)]}]
    await rig.call(first)
    rig.model = Model("next", msgspec.structs.replace(rig.model.table, id="next-1"), PRICE)
    await rig.call(first, step=2)
    before, after = (fact.tokens for fact in rig.notes.of(CallReserved))
    assert after == before


async def test_calls_share_a_connection(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(text("x")))]
    for step in range(1, 5):
        await rig.call(step=step)
    assert len(rig.endpoint.connections) == 1


async def test_an_endpoint_that_never_ends_the_body_of_a_whole_answer_is_not_waited_for(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "LINGER", 0.05)
    rig.endpoint.script = [stream(WHOLE, hang=asyncio.Event())]
    assert len(json.loads((await rig.call()).content)) == 2


@pytest.mark.parametrize("cut", [False, True])
async def test_what_comes_after_a_whole_answer_does_no_harm(rig: Rig, *, cut: bool) -> None:
    rig.endpoint.script = [stream([*WHOLE, {"type": "error", "error": {"type": "api_error"}}], cut=cut)]
    await rig.call()
    assert rig.settled.outcome == "answered"


async def test_a_judges_answer_is_no_part_of_the_conversation(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(text("satisfied")))]
    await rig.call(purpose="judge")
    assert rig.notes.of(Answered) == []
    assert rig.notes.frames == []


async def test_what_the_model_writes_is_kept_exactly_and_drawn_safely(rig: Rig) -> None:
    odd = {"type": "new_kind", "payload": {"b": [1, None], "a": "\x1b]0;x\x07"}}
    spaced = '{"command" : "printf \'\\u001b[31m\\u202e\'",  "n": 1.50}'
    rig.endpoint.script = [stream(message(text("\x1b[2Jhi\u202e"), odd, use("t1", "bash", spaced), stop="tool_use"))]
    answer = await rig.call()
    assert json.loads(answer.content) == [text("\x1b[2Jhi\u202e"), odd, use("t1", "bash", json.loads(spaced))]
    assert spaced in answer.content
    assert clean(answer.content) == answer.content
    assert all(isinstance(frame, LiveText) and frame.text == clean(frame.text) for frame in rig.notes.frames)


async def test_input_that_is_no_json_is_kept_beside_an_empty_one(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(use("t1", "bash", '{"command": "ls'), stop="tool_use"))]
    [block] = json.loads((await rig.call()).content)
    assert block == use("t1", "bash", {}) | {"invalid_input": '{"command": "ls'}


async def test_lone_surrogates_are_replaced_since_no_request_can_carry_them(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(text("ab\ud800cd")))]
    assert json.loads((await rig.call()).content) == [text("ab\ufffdcd")]


async def test_breakpoints_are_on_the_system_prompt_and_the_last_two_user_messages(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(text("x")))]
    talk = [*HELLO, {"role": "assistant", "content": [text("x")]}] * 2 + HELLO
    await rig.call(talk)
    [sent] = rig.endpoint.sent
    assert sent["system"] == [text("be good") | {"cache_control": {"type": "ephemeral"}}]
    marked = ["cache_control" in message["content"][-1] for message in sent["messages"]]
    assert marked == [False, False, True, False, True]
    assert "cache_control" not in talk[-1]["content"][-1]


@pytest.mark.parametrize("code", [401, 403])
async def test_a_refused_key_is_not_tried_again(rig: Rig, code: int) -> None:
    rig.endpoint.script = [status(code, f"invalid x-api-key {KEY}")]
    error = await held(rig.call())
    assert (error.reason, error.retry_at) == ("credential", None)
    assert "check the key in K" in error.why
    assert KEY not in error.why + rig.settled.why
    assert len(rig.endpoint.sent) == 1
    assert (rig.settled.outcome, rig.settled.money) == ("failed", Decimal(0))


async def test_a_key_that_is_not_set_holds_before_anything_is_sent(rig: Rig) -> None:
    model = Model("default", ModelTable(base_url=rig.endpoint.url, key_env="OTHER"), PRICE)
    error = await held(rig.call(model=model))
    assert error.reason == "credential"
    assert "OTHER is not set" in error.why
    assert rig.notes.facts == []


async def test_a_request_that_no_rule_fits_says_what_the_endpoint_said(rig: Rig) -> None:
    rig.endpoint.script = [status(400, "no rule fits; nearest: write-the-tests")]
    error = await held(rig.call())
    assert (error.reason, error.retry_at) == ("provider", None)
    assert "nearest: write-the-tests" in error.why


async def test_an_unknown_model_says_where_to_mend_it(rig: Rig) -> None:
    rig.endpoint.script = [status(404, "model: claude-test")]
    assert "check id and base_url" in (await held(rig.call())).why


async def test_retry_after_is_kept_and_refusals_cost_nothing(rig: Rig) -> None:
    rig.endpoint.script = [status(429, headers={"retry-after": "7"}), status(529), stream(message(text("x")))]
    answer = await rig.call()
    assert rig.naps == [7.0, 2.0]
    assert rig.budget.spent("shortlinks-1") == answer.money
    assert [(fact.attempt, fact.outcome) for fact in rig.notes.of(CallSettled)] == [
        (1, "failed"),
        (2, "failed"),
        (3, "answered"),
    ]


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        ("Mon, 30 Nov 2026 12:00:09 GMT", 9.0),
        ("Mon, 30 Nov 2026 13:00:09 +0100", 9.0),
        ("Mon, 30 Nov 2026 11:00:00 GMT", 1.0),  # over: as where nothing was said
        ("soon", 1.0),
        ("Mon, 99 Nov 2026 12:00:09 GMT", 1.0),
        (f"Mon, 30 Nov 2026 {9 * 10**30}:00:09 GMT", 1.0),
    ],
)
async def test_a_wait_that_is_told_by_a_date_counts_from_that_of_the_answer(
    rig: Rig, until: str, seconds: float
) -> None:
    told = {"retry-after": until, "date": "Mon, 30 Nov 2026 12:00:00 GMT"}
    rig.endpoint.script = [status(429, headers=told), stream(WHOLE)]
    await rig.call()
    assert rig.naps == [seconds]


async def test_a_wait_for_ever_ends_at_a_moment_that_can_be_shown(rig: Rig) -> None:
    told = {"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT", "date": "Thu, 01 Jan 1970 00:00:00 GMT"}
    rig.endpoint.script = [status(429, headers=told)]
    error = await held(rig.call())
    assert error.retry_at is not None
    assert datetime.fromtimestamp(error.retry_at / 1000, UTC).year < 9999


async def test_a_long_wait_holds_the_run_until_then(rig: Rig) -> None:
    rig.endpoint.script = [status(429, "daily quota", headers={"retry-after": "3600"})]
    error = await held(rig.call())
    assert (error.reason, error.retry_at) == ("provider", 3_601_000)
    assert len(rig.endpoint.sent) == 1


async def test_an_endpoint_in_trouble_is_tried_as_often_as_allowed_then_the_run_comes_back_by_itself(rig: Rig) -> None:
    rig.endpoint.script = [status(500, "oh")]
    error = await held(rig.call())
    assert len(rig.endpoint.sent) == 3
    assert error.retry_at == 61_000
    assert "tried 3 times" in error.why


async def test_what_one_run_is_told_all_others_heed(rig: Rig) -> None:
    """One is told to wait until tomorrow: the next asks nothing, and is held until then as well."""
    rig.endpoint.script = [status(429, "daily quota", headers={"retry-after": "3600"})]
    await held(rig.call())
    rig.notes = Notebook("other-1")
    error = await held(rig.call())
    assert (error.reason, error.retry_at) == ("provider", 3_601_000)
    assert "daily quota" in error.why
    assert (len(rig.endpoint.sent), rig.notes.facts) == (1, [])


async def test_who_has_the_room_of_a_call_that_was_told_to_wait_heeds_that_too(rig: Rig) -> None:
    rig.budget.enter("shortlinks-1", {"run_cap": Decimal("0.025")})  # one worst case, and no two
    rig.endpoint.script = [status(429, headers={"retry-after": "20"}), stream(WHOLE)]
    rig.woken.clear()
    calls = asyncio.gather(rig.call(step=1), rig.call(step=2))
    await until(lambda: rig.asleep == 2 or len(rig.endpoint.sent) == 2, "both wait")
    assert len(rig.endpoint.sent) == 1
    rig.woken.set()
    await calls
    assert len(rig.endpoint.sent) == 3


async def test_somebody_who_knows_that_the_endpoint_is_back_has_it_asked_at_once(rig: Rig) -> None:
    rig.endpoint.script = [status(429, headers={"retry-after": "3600"}), stream(WHOLE)]
    await held(rig.call())
    rig.door.try_now()
    await rig.call()


async def test_an_endpoint_that_is_not_back_after_an_outage_is_asked_once(rig: Rig) -> None:
    rig.endpoint.script = [status(529)]
    await held(rig.call())
    rig.naps.append(60)
    await held(rig.call())
    assert len(rig.endpoint.sent) == 3 + 1


async def test_calls_of_a_minute_are_as_many_as_configured(rig: Rig) -> None:
    table = msgspec.structs.replace(rig.model.table, requests_per_minute=2)
    rig.model = Model("default", table, PRICE)
    rig.endpoint.script = [stream(WHOLE)]
    for step in range(1, 6):
        await rig.call(step=step)
    assert sum(rig.naps) == 120


async def test_tokens_of_a_minute_are_what_answers_took(rig: Rig) -> None:
    table = msgspec.structs.replace(rig.model.table, tokens_per_minute=1500)
    rig.model = Model("default", table, PRICE)
    rig.endpoint.script = [stream(message(text("x"), input_tokens=350, output_tokens=10))]
    await rig.call(step=1)
    assert rig.naps == []
    await rig.call(step=2)
    assert sum(rig.naps) == 60  # 360 taken, and at most 1000 and a byte each of what is asked


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("events", [0, 1, 3, 6, len(WHOLE) - 1])
async def test_a_stream_that_ends_early_is_paid_and_tried_again(rig: Rig, events: int, *, cut: bool) -> None:
    rig.endpoint.script = [stream(WHOLE[:events], cut=cut), stream(WHOLE)]
    answer = await rig.call()
    assert len(json.loads(answer.content)) == 2
    lost, paid = rig.notes.of(CallSettled)
    assert (lost.outcome, lost.money) == ("failed", lost.released)
    assert paid.outcome == "answered"
    assert len(rig.notes.of(Answered)) == 1


async def test_a_stream_that_always_ends_early_names_the_remedy(rig: Rig) -> None:
    rig.endpoint.script = [stream(WHOLE[:3])]
    error = await held(rig.call())
    assert error.reason == "provider"
    assert "ended before the answer did" in error.why
    assert "check that base_url" in error.why


async def test_an_overloaded_stream_is_tried_again(rig: Rig) -> None:
    broken = [*WHOLE[:3], {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}]
    rig.endpoint.script = [stream(broken), stream(WHOLE)]
    await rig.call()
    assert rig.notes.of(CallSettled)[0].money > 0


@pytest.mark.parametrize("code", [200, 404, 405])
async def test_a_web_page_is_called_one(rig: Rig, code: int) -> None:
    rig.endpoint.script = [page(code)]
    error = await held(rig.call())
    assert error.reason == "provider"
    assert "web page" in error.why
    assert "check base_url" in error.why
    assert len(rig.endpoint.sent) == 1


@pytest.mark.parametrize("line", ["data: <html>", "data: [1]", 'data: {"type": "content_block_delta", "index": 9}'])
async def test_events_that_are_none_are_shown(rig: Rig, line: str) -> None:
    async def reply(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=f"event: x\n{line}\n\n".encode(), content_type="text/event-stream")

    rig.endpoint.script = [reply]
    error = await held(rig.call())
    assert "the stream holds" in error.why
    assert line[6:12] in error.why


async def test_nobody_there_is_said_with_the_address(rig: Rig) -> None:
    table = ModelTable(base_url="http://127.0.0.1:1", key_env="")
    error = await held(rig.call(model=Model("default", table, PRICE)))
    assert "no connection to http://127.0.0.1:1" in error.why
    assert error.retry_at is not None
    assert rig.budget.spent("shortlinks-1") == 0  # else an outage would use up the cap


async def test_a_connection_that_is_not_made_in_time_costs_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "CONNECT", 0.2)
    full = socket.create_server(("127.0.0.1", 0), backlog=0)  # takes one connection, and the next waits for ever
    port = full.getsockname()[1]
    table = ModelTable(base_url=f"http://127.0.0.1:{port}", key_env="")
    with full, socket.create_connection(("127.0.0.1", port)):
        error = await held(rig.call(model=Model("default", table, PRICE)))
    assert "did not answer in time" in error.why
    assert rig.budget.spent("shortlinks-1") == 0


@pytest.mark.parametrize("url", ["http://[::1", "nonsense", "http://\x00"])
async def test_an_address_that_is_none_is_said_to_be(rig: Rig, url: str) -> None:
    table = ModelTable(base_url=url, key_env="")
    assert (await held(rig.call(model=Model("default", table, PRICE)))).reason == "provider"


async def test_an_endless_answer_is_not_read_to_its_end(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(text("x" * (door_module.ANSWER_LIMIT + 10))))]
    error = await held(rig.call())
    assert error.reason == "provider"
    assert "longer than" in error.why
    assert len(rig.endpoint.sent) == 1


async def test_an_answer_without_usage_costs_its_worst_case(rig: Rig) -> None:
    events = message(text("x"))
    del events[-2]["usage"]
    rig.endpoint.script = [stream(events)]
    answer = await rig.call()
    assert answer.money == rig.notes.of(CallReserved)[0].money


async def test_a_warning_is_journalled_in_one_breath_with_the_call_that_brought_it_about(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(text("x"), output_tokens=900))]
    rig.budget.enter("shortlinks-1", {"run_cap": Decimal("0.017")})
    money = (await rig.call(max_tokens=900)).money
    *_, answered, said = rig.notes.facts
    assert isinstance(answered, Answered)
    assert isinstance(said, Noticed)
    assert f"${money} of $0.017 spent (run_cap)" in said.text


async def test_a_call_over_the_cap_is_never_sent(rig: Rig) -> None:
    rig.budget.enter("shortlinks-1", {"run_cap": Decimal("0.001")})
    error = await held(rig.call())
    assert error.reason == "budget"
    assert "raise the cap" in error.why
    assert (rig.endpoint.sent, rig.notes.facts) == ([], [])


async def test_a_call_over_the_cap_takes_nothing_of_the_minute(rig: Rig) -> None:
    table = msgspec.structs.replace(rig.model.table, requests_per_minute=1)
    rig.model = Model("default", table, PRICE)
    rig.endpoint.script = [stream(WHOLE)]
    rig.budget.enter("shortlinks-1", {"run_cap": Decimal("0.001")})
    await held(rig.call())
    rig.budget.enter("shortlinks-1", {"run_cap": Decimal(1)})
    await rig.call()
    assert rig.naps == []


async def test_a_request_waits_for_its_reservation_to_be_on_disk(rig: Rig) -> None:
    rig.notes = notes = SlowNotebook()
    rig.endpoint.script = [stream(WHOLE)]
    task = asyncio.create_task(rig.call())
    await notes.asked.wait()
    rig.notes = Notebook("another")
    await rig.call()  # there and back
    assert (len(rig.endpoint.sent), notes.facts) == (1, [])
    notes.room.set()
    await task
    assert (len(rig.endpoint.sent), len(notes.of(CallReserved))) == (2, 1)


async def test_a_connection_that_is_lost_before_the_answer_is_paid(rig: Rig) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    rig.endpoint.script = [hang_up, stream(WHOLE)]
    await rig.call()
    lost, _ = rig.notes.of(CallSettled)
    assert (lost.outcome, lost.money) == ("failed", lost.released)
    assert lost.money > 0


async def test_cancelled_before_that_it_is_never_sent_and_costs_nothing(rig: Rig) -> None:
    rig.notes = notes = SlowNotebook()
    task = asyncio.create_task(rig.call())
    await notes.asked.wait()
    task.cancel()
    notes.room.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (rig.endpoint.sent, rig.settled.outcome, rig.settled.money) == ([], "cancelled", Decimal(0))
    assert [type(fact) for fact in notes.facts] == [CallReserved, CallSettled]


async def test_a_call_whose_reservation_cannot_be_written_is_never_sent(rig: Rig) -> None:
    rig.notes = notes = SlowNotebook(OSError("the disk is full"))
    task = asyncio.create_task(rig.call())
    await notes.asked.wait()
    notes.room.set()
    with pytest.raises(OSError, match="the disk is full"):
        await task
    assert (rig.endpoint.sent, notes.facts, rig.budget.spent("shortlinks-1")) == ([], [], Decimal(0))
    rig.budget.enter("shortlinks-1", {"run_cap": Decimal(1)})
    rig.notes, rig.endpoint.script = Notebook(), [stream(WHOLE)]
    await rig.call()  # and its room was given back


async def test_cancelled_in_the_stream_it_hangs_up_and_pays_the_worst_case(rig: Rig) -> None:
    streaming = asyncio.Event()
    rig.endpoint.script = [stream(WHOLE[:3], hang=streaming)]
    task = asyncio.create_task(rig.call())
    await streaming.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (rig.settled.outcome, rig.settled.money) == ("cancelled", rig.settled.released)
    await asyncio.wait_for(rig.endpoint.gone.wait(), 5)


async def test_cancelled_at_any_step_every_reservation_is_settled(rig: Rig) -> None:
    """Cancel after each number of turns of the event loop, until a call gets through."""
    rig.endpoint.script = [stream(WHOLE)]
    await rig.door.warm()
    turns, through = 0, False
    while not through:
        turns += 1
        rig.notes.facts.clear()
        before = rig.budget.spent("shortlinks-1")
        task = asyncio.create_task(rig.call())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert len(rig.notes.of(CallReserved)) == len(rig.notes.of(CallSettled))
        paid = sum((fact.money for fact in rig.notes.of(CallSettled)), Decimal(0))
        assert rig.budget.spent("shortlinks-1") - before == paid
        through = not task.cancelled()
        assert turns < 1000
    just = rig.budget.spent("shortlinks-1") + rig.notes.of(CallReserved)[0].money
    rig.budget.enter("shortlinks-1", {"run_cap": just})
    await rig.call()


class Slow(Notebook):
    """Takes its time to write."""

    def __init__(self) -> None:
        super().__init__()
        self.writing, self.written = asyncio.Event(), asyncio.Event()

    async def record(self, *facts: AnyFact) -> None:
        if self.of(CallReserved):
            self.writing.set()
            await self.written.wait()
        await super().record(*facts)


async def test_cancelled_again_while_it_settles_it_is_over_once_that_is_written(rig: Rig) -> None:
    """As a connection being made does, whose own task group is cancelled too."""
    rig.notes = slow = Slow()
    full = socket.create_server(("127.0.0.1", 0), backlog=0)  # takes one connection, and the next waits for ever
    port = full.getsockname()[1]
    with full, socket.create_connection(("127.0.0.1", port)):
        rig.model = Model(
            "default", msgspec.structs.replace(rig.model.table, base_url=f"http://127.0.0.1:{port}"), PRICE
        )
        task = asyncio.create_task(rig.call())
        await until(lambda: bool(slow.of(CallReserved)), "it connects")
        task.cancel()
        await slow.writing.wait()
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        slow.written.set()
        await asyncio.wait([task])
    assert task.cancelled()
    assert rig.settled.outcome == "cancelled"


async def test_many_callers_never_pass_the_cap(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(text("x"), input_tokens=100, output_tokens=900))]
    cap = Decimal("0.08")
    rig.budget.enter("shortlinks-1", {"run_cap": cap})
    done = await asyncio.gather(*(rig.call(step=step) for step in range(20)), return_exceptions=True)
    answered = [item for item in done if isinstance(item, Answer)]
    assert 0 < len(answered) < 20
    assert sum((item.money for item in answered), Decimal(0)) <= cap
    assert all(isinstance(item, (Answer, ProviderHeld)) for item in done)


async def test_a_key_that_the_model_repeats_is_not_journalled(rig: Rig) -> None:
    rig.endpoint.script = [stream(message(text(f"the key is {KEY}")))]
    assert KEY not in (await rig.call()).content
    assert KEY not in str(rig.notes.facts)
