"""The one door to a model: reserve, send, read, retry, settle, record.

Owns every connection to an endpoint that speaks the Messages API. It does not know what the answer is for. The SDK
takes 1.2 s to import, so it is loaded with the first call, or by `warm`.
"""

import asyncio
import importlib
import math
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from factory_tui.config.settings import ModelTable
from factory_tui.domain.events import Answered, AnyFact, CallReserved, CallSettled, Purpose
from factory_tui.domain.hostile import clean
from factory_tui.domain.live import LiveText
from factory_tui.domain.money import Ledger, Price, Tokens
from factory_tui.domain.scribe import Clock, Scribe, Sleep
from factory_tui.model.client import Body, client, drain
from factory_tui.model.failures import Failure, ProviderHeld, of_content_type, of_error, of_stream_error
from factory_tui.model.pacing import Closed, Limits, Pace, Turn
from factory_tui.model.request import Bounds, Known, with_breakpoints
from factory_tui.model.stream import Assembly, BrokenStream, events
from factory_tui.policy.budget import Budget, Hold, OverBudget
from factory_tui.policy.credentials import Credentials, NoKey

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

ANSWER_LIMIT = 10_000_000
"""Characters of content after which an answer is not read on."""
_LONGEST_WAIT = 60.0
"""Seconds; who asks us to wait longer has the run held until then."""
_OUTAGE = 60.0
"""Seconds until a run that was held for an endpoint in trouble tries again."""


@dataclass(frozen=True)
class Model:
    """A configured model with its price; `name` is its key under [models]."""

    name: str
    table: ModelTable
    price: Price

    @property
    def id(self) -> str:
        """The name the endpoint knows."""
        return self.table.id or self.name

    @property
    def endpoint(self) -> str:
        """What messages to people call the other end."""
        return self.table.base_url or "the model's endpoint"


@dataclass(frozen=True)
class Answer:
    """A finished message. `content` is the JSON list of its blocks, as received and as journalled."""

    content: str
    stop_reason: str
    tokens: Tokens
    money: Decimal
    seconds: float


@dataclass(frozen=True)
class _Call:
    """What stays the same over the attempts of one call."""

    scribe: Scribe
    model: Model
    ledger: Ledger
    purpose: Purpose
    step: int
    request: bytes
    worst: Decimal
    tokens: int
    """The worst case in tokens."""
    said: Callable[[Answered], AnyFact] | None


@dataclass(frozen=True)
class _Attempt:
    """One try of a call, with the room reserved for it."""

    call: _Call
    number: int
    hold: Hold
    turn: Turn
    reserved: asyncio.Task[None]
    """Writes the reservation; nothing is sent before it is on disk."""
    assembly: Assembly = field(default_factory=lambda: Assembly(ANSWER_LIMIT))
    began: float = field(default_factory=time.monotonic)

    @property
    def sent(self) -> bool:
        """Whether the endpoint may have the request."""
        return self.reserved.done() and not self.reserved.cancelled() and self.reserved.exception() is None


class Door:
    """One for the engine; runs share its connections, its budget and, for each endpoint and key, its pace."""

    def __init__(
        self,
        budget: Budget,
        credentials: Credentials,
        *,
        now: Clock,
        attempts: int = 5,
        timeout: float = 600.0,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._budget = budget
        self._credentials = credentials
        self._now = now
        self._attempts = attempts
        self._timeout = timeout
        self._sleep = sleep
        self._clock = clock
        self._chance = chance
        self._paces: dict[tuple[str, str], Pace] = {}
        self._clients: dict[tuple[str, str], AsyncAnthropic] = {}
        self._bounds = Bounds()
        self._loaded = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def warm(self) -> None:
        """Load the SDK without stopping the event loop."""
        if not self._loaded:
            await asyncio.to_thread(importlib.import_module, "anthropic")
            self._loaded = True

    async def close(self) -> None:
        """Close every connection, once what goes on is over."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        for opened in self._clients.values():
            await opened.close()
        self._clients.clear()

    async def call(
        self,
        scribe: Scribe,
        *,
        model: Model,
        ledger: Ledger,
        purpose: Purpose,
        step: int,
        system: str,
        messages: Sequence[dict[str, Any]],
        tools: Sequence[dict[str, Any]] = (),
        tool: str = "",
        max_tokens: int = 0,
        known: Known | None = None,
        said: Callable[[Answered], AnyFact] | None = None,
    ) -> Answer:
        """One answer of the model, after as many attempts as it takes.

        `messages` are as the API wants them, without cache breakpoints. `tool` is the one that the model has to call.
        `max_tokens` 0 takes the model's. `known`: the first of the messages and what the model counted for them, for
        whoever has that from the journal. `step` is unique among the run's calls in flight. For purpose `agent` the
        answer is journalled as `Answered` in one breath with its settlement; or what `said` makes of it, for any
        purpose. Raises ProviderHeld. Cancelled at any moment, it closes the stream and settles.
        """
        await self.warm()
        key = self._key(model)
        limit = max_tokens or model.table.max_tokens
        body = self._bounds.body(system, tools, messages)
        talk = f"{model.id} {scribe.run} {'agent' if purpose == 'summary' else purpose}"  # a summary is its end
        if known is not None:
            self._bounds.recall(talk, system, tools, known)
        worst = Tokens(cache_write=self._bounds.worst(talk, body), output=limit)
        dearest = max(model.price.input, model.price.cache_write, model.price.cache_read)
        price = Price(dearest, model.price.output, dearest, dearest)
        said_to = with_breakpoints(system, messages, tools, tool)
        request = said_to | {"model": model.id, "max_tokens": limit, "stream": True}
        call = _Call(
            scribe, model, ledger, purpose, step, msgspec.json.encode(request), price.cost(worst), worst.total, said
        )
        pace, limits = self._pace(model, key)
        for attempt in range(1, self._attempts + 1):
            try:
                async with pace.turn(scribe.run, call.tokens, limits) as turn:
                    answered = await self._attempt(call, attempt, key, turn)
                if isinstance(answered, Answer):
                    self._bounds.learn(talk, body, answered.tokens)
                    return answered
            except Closed as closed:
                raise ProviderHeld("provider", closed.why, self._at(closed.seconds)) from closed
            await self._sleep(answered)
        raise AssertionError("the last attempt either answers or raises")

    def try_now(self) -> None:
        """Somebody says that endpoints in trouble are back: the next call finds out."""
        for pace in self._paces.values():
            pace.try_now()

    def _pace(self, model: Model, key: str) -> tuple[Pace, Limits]:
        table = model.table
        new = Pace(clock=self._clock, sleep=self._sleep, chance=self._chance)
        pace = self._paces.setdefault((table.base_url, key), new)
        return pace, Limits(table.requests_per_minute, table.tokens_per_minute)

    def _key(self, model: Model) -> str:
        try:
            return self._credentials.key(model.table)
        except NoKey as error:
            raise ProviderHeld("credential", f"model {model.name}: {error}") from error

    def _wait(self, failure: Failure, attempt: int, turn: Turn) -> float | None:
        """Seconds before the next attempt; None when there shall be none. The others learn of it too."""
        if not failure.again:
            turn.taken()  # it answered: no trouble of the endpoint's
            return None
        backoff = min(2.0 ** (attempt - 1), 30.0) * (0.5 + self._chance() / 2)
        wait = max(backoff, failure.after or 0.0)
        last = attempt == self._attempts or turn.last or (failure.after or 0) > _LONGEST_WAIT
        turn.refused(max(wait, _OUTAGE) if last else wait, failure.why, everybody=failure.general, given_up=last)
        return None if last else wait

    def _held(self, failure: Failure, attempt: int) -> ProviderHeld:
        why = failure.why if attempt == 1 else f"{failure.why} (tried {attempt} times)"
        later = self._at(max(failure.after or 0.0, _OUTAGE)) if failure.again else None
        return ProviderHeld(failure.reason, why, later)

    def _at(self, seconds: float) -> int:
        return self._now() + math.ceil(seconds * 1000)

    async def _attempt(self, call: _Call, number: int, key: str, turn: Turn) -> Answer | float:
        try:
            room = self._budget.reserve(call.scribe.run, call.ledger, call.worst, call.tokens, call.step)
            hold = await turn.once(room, lambda hold: self._budget.settle(hold, Decimal(0)))
        except OverBudget as error:
            why = f"{error}; raise the cap, or stop the run"
            raise ProviderHeld("budget", why, error.retry_at, error.cap) from error
        reserved = CallReserved(call.step, number, call.model.id, call.purpose, hold.money, hold.tokens)
        attempt = _Attempt(call, number, hold, turn, self._begin(call.scribe.record(reserved)))
        try:
            end = await self._tried(attempt, key)
        except asyncio.CancelledError:
            await self._close(attempt, Failure("cancelled", free=not attempt.sent), "cancelled")
            raise
        except Exception:  # the reservation was not written, so nothing was sent
            self._budget.settle(hold, Decimal(0))
            raise
        if isinstance(end, Exception):
            known = of_error(end, call.model.endpoint, call.model.table.key_env)
            if known is None:
                await self._close(attempt, Failure(f"a fault of the engine: {type(end).__name__}"), "failed")
                raise end
            end = known
        if isinstance(end, Failure):
            failure = replace(end, why=self._safe(end.why))
            wait = self._wait(failure, number, turn)  # the others learn of it before they have its room
            await self._close(attempt, failure, "failed")
            if wait is None:
                raise self._held(failure, number)
            return wait
        answer = await self._answered(attempt)
        await end
        return answer

    async def _tried(self, attempt: _Attempt, key: str) -> "Failure | Exception | asyncio.Task[None]":
        """How it ends, as `_stream` says or by what was raised there. Raises what kept its reservation off the disk."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._stream(attempt, key)
        except Exception as error:  # told apart by the caller, once the reservation is there
            await asyncio.shield(attempt.reserved)
            return error

    async def _answered(self, attempt: _Attempt) -> Answer:
        call, assembly = attempt.call, attempt.assembly
        content = self._credentials.redact(assembly.content())
        settled = self._settle(attempt, None, "answered")
        answered = Answered(call.step, call.model.id, content, assembly.stop_reason, settled.seconds)
        said: list[AnyFact] = [answered] if call.purpose == "agent" else []
        if call.said:
            said = [call.said(answered)]
        await self._surely(call.scribe.record(settled, *said, *self._budget.warnings()))
        return Answer(content, assembly.stop_reason, settled.tokens, settled.money, settled.seconds)

    async def _close(self, attempt: _Attempt, failure: Failure, outcome: Literal["failed", "cancelled"]) -> None:
        settled = self._settle(attempt, failure, outcome)
        await self._surely(attempt.call.scribe.record(settled, *self._budget.warnings()))

    def _settle(
        self, attempt: _Attempt, failure: Failure | None, outcome: Literal["answered", "failed", "cancelled"]
    ) -> CallSettled:
        """Give the room back; what has no final usage is taken to have cost its worst case."""
        call, hold, assembly = attempt.call, attempt.hold, attempt.assembly
        if failure is None and assembly.final_usage:
            money, tokens = call.model.price.cost(assembly.tokens), assembly.tokens.total
        elif failure is not None and failure.free:
            money, tokens = Decimal(0), 0
        else:
            money, tokens = hold.money, max(hold.tokens, assembly.tokens.total)
        self._budget.settle(hold, money, tokens)
        attempt.turn.used(tokens)
        why = failure.why if failure else "" if assembly.final_usage else "the endpoint did not say what it used"
        return CallSettled(
            call.step,
            attempt.number,
            assembly.tokens,
            money,
            hold.money,
            time.monotonic() - attempt.began,
            outcome,
            why,
            call.purpose,
            max(0, tokens - assembly.tokens.total),
            self._budget.day,
        )

    async def _stream(self, attempt: _Attempt, key: str) -> "Failure | asyncio.Task[None]":
        """Read one answer into the attempt's assembly, and return what still reads the end of its body; or a failure,
        where the endpoint speaks, but not an answer.
        """
        import anthropic  # noqa: PLC0415 - loaded by `warm`

        call, assembly = attempt.call, attempt.assembly
        # Encoded already: `messages.create` would first copy the conversation, block by block.
        stream = await self._client(call.model.table.base_url, key).post(
            "/v1/messages",
            content=Body(call.request, attempt.reserved),
            cast_to=object,
            stream=True,
            stream_cls=anthropic.AsyncStream[Any],
            options={
                "headers": {
                    # By which the SDK tells its own retries; ours count the same.
                    "x-stainless-retry-count": str(attempt.number - 1),
                    "content-length": str(len(call.request)),
                }
            },
        )
        attempt.turn.taken()
        endpoint, run, agent = call.model.endpoint, call.scribe.run, call.purpose == "agent"
        redact = self.live()
        async with AsyncExitStack() as opened:
            opened.push_async_callback(stream.close)
            kind = stream.response.headers.get("content-type", "")
            chunks = stream.response.aiter_bytes()
            if not kind.startswith("text/event-stream"):
                return of_content_type(kind, await anext(chunks, b""), endpoint)
            async with aclosing(events(chunks, ANSWER_LIMIT)) as parts:
                async for event in parts:
                    text = assembly.feed(event)
                    if text and agent and (shown := redact(text)):
                        call.scribe.show(LiveText(run, call.step, clean(shown)))
                    if assembly.error is not None:
                        return of_stream_error(assembly.error, endpoint, call.model.table.key_env)
                    if assembly.done:
                        break
            if assembly.done:
                return self._begin(drain(chunks, opened.pop_all()))
        raise BrokenStream("the stream ended before the answer did")

    def _client(self, base_url: str, key: str) -> "AsyncAnthropic":
        known = self._clients.get((base_url, key)) or client(base_url, key, self._timeout)
        return self._clients.setdefault((base_url, key), known)

    def live(self) -> Callable[[str], str]:
        """A redaction of one text that comes in pieces; see `Credentials.live`."""
        return self._credentials.live()

    def _safe(self, text: str) -> str:
        return clean(self._credentials.redact(text))

    async def _surely(self, recording: Coroutine[Any, Any, None]) -> None:
        """Record to the end, however often the task is cancelled meanwhile: what comes after finds it on disk."""
        task = self._begin(recording)
        cancelled: asyncio.CancelledError | None = None
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled from task.exception()
        await task

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """What goes on whoever is cancelled, and is over before the door is closed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
