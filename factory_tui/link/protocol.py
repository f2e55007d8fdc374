"""The wire: JSON lines over a Unix socket, one object a line, UTF-8, at most LINE_LIMIT bytes.

The first line each way is a Hello, before which a console may lower its rights. Then the engine sends the full state
and what happens after it; a console sends requests, each with an id of its own choosing, and gets exactly one answer
with that id. docs/protocol.md has sessions.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from factory_tui.domain.commands import RANK, Command, Role
from factory_tui.domain.events import Event
from factory_tui.domain.live import LiveCell, LiveFrame
from factory_tui.domain.metadata import without_text
from factory_tui.domain.state import State

PROTOCOL = 2
"""Raised with every change that the other side would not understand."""
LINE_LIMIT = 16 << 20
REQUEST_LIMIT = 1 << 20
"""The same for what a console sends."""
BATCH_LIMIT = 1 << 20
"""Bytes of events after which the next ones go into another line."""


class LinkError(OSError):
    """The two sides cannot talk; the message says why and what to do."""


class NoAnswer(LinkError):  # noqa: N818
    """No engine answers on the socket."""


class Silent(NoAnswer):
    """An engine's socket takes the call, and nothing is said: its process is stopped, or stuck."""


class LinkLost(LinkError):  # noqa: N818
    """The other side went away while an answer was awaited."""


class RefusedError(Exception):
    """A request was refused; the text says why."""


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """Both ways, first: which protocol the sender speaks, and which software it is."""

    protocol: int
    software: str = ""


class Lower(msgspec.Struct, frozen=True, tag="lower", rename={"name": "as"}):
    """From a console, before its Hello and once: take me for somebody else, who may no more than I may.

    Whoever lets others in says this before they can say anything. It comes first, so that an engine which does not know
    it ends the connection instead of going on with more rights.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,32}\Z")]
    role: Role


class FullState(msgspec.Struct, frozen=True, tag="full-state"):
    """From the engine, after Hello: everything at `state.seq`, and who it takes you for."""

    state: State
    now: int
    """The engine's clock, UTC ms: ages are measured by it."""
    actor: str = ""
    role: Role = "viewer"


class EventBatch(msgspec.Struct, frozen=True, tag="events"):
    """From the engine: what was journalled since, in order, without gaps."""

    events: tuple[Event, ...]


class Live(msgspec.Struct, frozen=True, tag="live"):
    """From the engine: a live frame; pieces of one text may have been joined, and any may be left out."""

    frame: LiveFrame


class Skipped(msgspec.Struct, frozen=True, tag="skipped"):
    """From the engine to a slow console: `count` events from seq `from_seq` on were left out; here is the state now.

    What the state does not hold (traces) can be had by a QueryRequest.
    """

    count: int
    state: State
    from_seq: int = 0


class Now(msgspec.Struct, frozen=True, tag="now"):
    """From the engine, every second: its clock, UTC ms."""

    now: int


class CommandRequest(msgspec.Struct, frozen=True, tag="command"):
    """From a console: do this. Who asks is what the socket says, never what the console says.

    With a `key`, a ULID of the console's, the command is done once, however often it is sent: after a lost link, too.
    """

    id: int
    command: Command
    key: str = ""


class QueryRequest(msgspec.Struct, frozen=True, tag="query"):
    """From a console: the newest `limit` events of a run (of all when None) with a seq smaller than `before`.

    Run "" is the floor's own trace; before None: the newest there are. With `after`: the oldest with a greater seq,
    whatever `before` says. With `kinds` (tags of facts): of those alone. With `actor`: what that one did, or with a `!`
    before the name what all others did.
    """

    id: int
    run: str | None
    before: int | None
    limit: int
    after: int | None = None
    kinds: tuple[str, ...] | None = None
    actor: str | None = None


class DiffRequest(msgspec.Struct, frozen=True, tag="diff"):
    """From a console: what changed in a run's output from one pass to another; pass 0 is no output."""

    id: int
    run: str
    before: int
    after: int


class WatchRequest(msgspec.Struct, frozen=True, tag="watch"):
    """From a console: tell me live what the cells of this run use (None: of all), instead of what I asked for before.

    Run "" ends it. One that has not moved is not told again.
    """

    id: int
    run: str | None


class StateRequest(msgspec.Struct, frozen=True, tag="state"):
    """From a console: the full state as of event `seq`; where that is None, as of the time `at`, UTC ms.

    The three requests that look back are answered when their answer is there, other answers before them. One of the
    same kind that still waits is refused then: the newest is what is looked at.
    """

    id: int
    seq: int | None = None
    at: int | None = None


class TimelineRequest(msgspec.Struct, frozen=True, tag="timeline"):
    """From a console: how many events came when, in so many spans of a time; None: of the first, of the last event."""

    id: int
    spans: int
    begin: int | None = None
    end: int | None = None


class ChainRequest(msgspec.Struct, frozen=True, tag="chain"):
    """From a console: what the newest walk of the journal's chain came to; with `walk`: walk it first.

    With `of`, the hash of that event's row as well.
    """

    id: int
    walk: bool = False
    of: int | None = None


class Accepted(msgspec.Struct, frozen=True, tag="accepted"):
    """The command is in the journal and takes effect."""

    id: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The request was not done, and why. Id 0: a line that was no request, or the connection itself."""

    id: int
    reason: str


class Rows(msgspec.Struct, frozen=True, tag="rows"):
    """The answer to a query, in order of seq. Fewer than asked for may come; none means that there are no more."""

    id: int
    events: tuple[Event, ...]


class Changes(msgspec.Struct, frozen=True, tag="changes"):
    """The answer to a DiffRequest: a unified diff, safe to draw; `cut` when its end is left out."""

    id: int
    text: str
    cut: bool


class Watched(msgspec.Struct, frozen=True, tag="watched"):
    """The answer to a WatchRequest: the cells that are up, as they were last looked at."""

    id: int
    cells: tuple[LiveCell, ...]


class StateThen(msgspec.Struct, frozen=True, tag="state-then"):
    """The answer to a StateRequest: `state.seq` says as of which event."""

    id: int
    state: State


class Timeline(msgspec.Struct, frozen=True, tag="timeline"):
    """The answer to a TimelineRequest: span n holds the events after `seqs[n]`, up to `seqs[n + 1]`."""

    id: int
    begin: int
    end: int
    seqs: tuple[int, ...]


class Chain(msgspec.Struct, frozen=True, tag="chain"):
    """The answer to a ChainRequest: up to `seq` of `newest` events every one was what was written, at `at`, UTC ms.

    `why`: what is wrong with the one after it. `at` None: nobody walked it yet.
    """

    id: int
    newest: int
    seq: int = 0
    at: int | None = None
    why: str = ""
    hash: str = ""
    """Of the row that was asked for, 64 hexadecimal digits; empty: there is none."""


BackRequest = StateRequest | TimelineRequest | ChainRequest
"""What looks back."""
PromptRequest = CommandRequest | QueryRequest | DiffRequest | WatchRequest
"""What is answered in turn."""
Request = PromptRequest | BackRequest
Answer = Accepted | Refused | Rows | Changes | Watched | StateThen | Timeline | Chain
Message = FullState | EventBatch | Live | Skipped | Now
"""What a console sees happen."""

_encode = msgspec.json.Encoder().encode
_hello: msgspec.json.Decoder[Hello | Lower | Refused] = msgspec.json.Decoder(Hello | Lower | Refused)
_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_from_engine: msgspec.json.Decoder[Message | Answer] = msgspec.json.Decoder(Message | Answer)


class _Identified(msgspec.Struct):
    id: int = 0


def line(message: Hello | Lower | Message | Request | Answer) -> bytes:
    """One message as it goes over the wire."""
    return _encode(message) + b"\n"


def encode_events(events: Sequence[Event]) -> Iterator[tuple[int, int, bytes]]:
    """Event batches as lines, each with the seq of its first event and how many it holds.

    An event too long for a line goes without its text: it can be read in the journal.
    """
    parts: list[bytes] = []
    first = size = 0
    for event in events:
        body = _bounded(event)
        if parts and size + len(body) > BATCH_LIMIT:
            yield first, len(parts), _batch(parts)
            parts, size = [], 0
        if not parts:
            first = event.seq
        parts.append(body)
        size += len(body)
    if parts:
        yield first, len(parts), _batch(parts)


def rows(request: QueryRequest, events: Sequence[Event]) -> bytes:
    """The answer to a query as a line: of the events those that fit, from the end that was asked for."""
    parts: list[bytes] = []
    size = 0
    forward = request.after is not None
    for event in events if forward else reversed(events):
        body = _bounded(event)
        size += len(body) + 1
        if parts and size > LINE_LIMIT // 2:
            break
        parts.append(body)
    return b'{"type":"rows","id":%d,"events":[%s]}\n' % (request.id, b",".join(parts if forward else reversed(parts)))


def state_then(request: StateRequest, encoded: bytes) -> bytes:
    """The answer to a request for a state that is encoded already, as a line. Raises RefusedError for one too long."""
    if len(encoded) > LINE_LIMIT - 1024:
        raise RefusedError("the state then is too long for a line. Remedy: factory-tui journal state, on its machine")
    return b'{"type":"state-then","id":%d,"state":%s}\n' % (request.id, encoded)


def _bounded(event: Event) -> bytes:
    body = _encode(event)
    return body if len(body) < LINE_LIMIT - 1024 else _encode(without_text(event))


def _batch(parts: Sequence[bytes]) -> bytes:
    return b'{"type":"events","events":[%s]}\n' % b",".join(parts)


def decode_hello(data: bytes, other: str) -> Hello | Lower:
    """A line before anything else of the other side (named for messages): its Hello, or the Lower before it.

    Raises LinkError when it does not speak this protocol.
    """
    try:
        hello = _hello.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise LinkError(f"the {other} does not speak factory-tui's protocol: {fault}") from fault
    if isinstance(hello, Refused):
        raise LinkError(hello.reason)
    if isinstance(hello, Lower):
        return hello
    if hello.protocol != PROTOCOL:
        raise LinkError(
            f"the {other} ({hello.software}) speaks protocol {hello.protocol}, this side {PROTOCOL}. "
            "Remedy: factory-tui engine stop, then start it with the same version as the console"
        )
    return hello


def lowered(role: Role, asked: Lower) -> tuple[str, Role]:
    """The actor and role that a peer of this role has from then on. Raises LinkError for more rights than it has."""
    if RANK[asked.role] > RANK[role]:
        raise LinkError(f"a {role} cannot become {asked.role}: rights are only lowered")
    return asked.name, asked.role


def decode_request(data: bytes) -> Request | Refused:
    """A console's line; what is no request comes back as its refusal."""
    try:
        return _requests.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        reason = f"not a request: {fault}"
    try:
        return Refused(msgspec.json.decode(data, type=_Identified).id, reason)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Refused(0, reason)


def decode_from_engine(data: bytes) -> Message | Answer:
    """The engine's line. Raises LinkError when it is none."""
    try:
        return _from_engine.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise LinkError(f"the engine sent a line that is no message: {fault}") from fault


async def read_line(reader: asyncio.StreamReader, other: str) -> bytes:
    """The other side's next line; empty at the end of the stream, in the middle of a line too.

    Raises LinkError for a line over the reader's limit.
    """
    try:
        data = await reader.readline()
    except ValueError:
        raise LinkError(f"the {other} sent a line that is too long; the connection is closed") from None
    return data if data.endswith(b"\n") else b""
