"""The twin as an HTTP server on loopback. It keeps nothing between requests, so any number of runs share one.

Each playbook answers under its seed (`base_url` = `<url>/<seed>`); a single one also without. Any key is taken, as any
model name. `request-id` carries the start of the request's digest, which a fault in a playbook can name.
"""

import asyncio
import hashlib
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
from aiohttp import ClientConnectionError, web
from aiohttp.http_exceptions import ContentEncodingError, TransferEncodingError

from factory_tui.twins.messages.faults import Fault, chosen, read
from factory_tui.twins.messages.playbook import Playbook, PlaybookError, Unmatched, load
from factory_tui.twins.messages.request import Prompt, Request, RequestError, decode, error_body
from factory_tui.twins.messages.stream import events, message, speak
from factory_tui.twins.messages.tokens import count
from factory_tui.twins.messages.validate import check

MAX_BODY = 32 * 1024 * 1024
"""The API's limit for a Messages request, in bytes."""
MODEL = {
    "id": "rehearsal",
    "type": "model",
    "display_name": "Rehearsal (Messages API twin)",
    "created_at": "1970-01-01T00:00:00Z",
    "lifecycle": "active",
    "max_input_tokens": 200_000,
    "max_tokens": 64_000,
}


class PortInUseError(Exception):
    """The port asked for cannot be had; the message names it and the remedy."""


class Twin:
    """One listening twin; `playbooks` by seed may grow while it serves."""

    def __init__(self, playbooks: Iterable[Playbook], *, pace: float = 0.0) -> None:
        self.playbooks: dict[str, Playbook] = {}
        for playbook in playbooks:
            if playbook.seed in self.playbooks:
                raise PlaybookError(f"two playbooks rehearse seed '{playbook.seed}'; serve one of them")
            self.playbooks[playbook.seed] = playbook
        self.pace = pace
        self.url = ""
        self._runner: web.ServerRunner | None = None

    def base_url(self, seed: str) -> str:
        """Return what an SDK client takes as `base_url` to be answered by this seed's playbook."""
        return f"{self.url}/{seed}"

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one.

        Raises:
            PortInUseError: another process listens there, or the port is not ours to take.
        """
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.2)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError as error:
            await runner.cleanup()
            raise PortInUseError(
                f"port {port} on 127.0.0.1 cannot be had ({error.strerror}); "
                "choose another with --port, or --port 0 for a free one"
            ) from error
        self._runner = runner
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening; answers under way end at once."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        digest = hashlib.sha256(request.raw_path.encode("utf-8", "surrogateescape")).hexdigest()
        try:
            playbook, endpoint = self._route(request)
            _check_headers(request)
            if request.method in ("GET", "HEAD"):
                return _models(endpoint, digest)
            body = await _body(request)
            digest = hashlib.sha256(body).hexdigest()
            if endpoint == "v1/messages/count_tokens":
                prompt = decode(body, Prompt)
                check(prompt)
                return _json({"input_tokens": count(prompt)}, digest)
            return await self._answer(request, playbook, body, digest)
        except RequestError as rejected:
            return _error(rejected.status, rejected.message, digest)

    def _route(self, request: web.BaseRequest) -> tuple[Playbook, str]:
        seed, _, endpoint = request.path.strip("/").rpartition("v1/")
        seed, endpoint = seed.strip("/"), f"v1/{endpoint}"
        posts = endpoint in ("v1/messages", "v1/messages/count_tokens")
        gets = endpoint == "v1/models" or endpoint.startswith("v1/models/")
        playbook = self.playbooks.get(seed)
        if playbook is None and not seed and len(self.playbooks) == 1:
            playbook = next(iter(self.playbooks.values()))
        if playbook is None or not (posts or gets):
            seeds = ", ".join(f"/{name}" for name in self.playbooks)
            raise RequestError(404, f"Not found: {request.path}. This twin serves v1/messages under {seeds}")
        if request.method not in (("POST",) if posts else ("GET", "HEAD")):
            raise RequestError(405, "Method Not Allowed")
        return playbook, endpoint

    async def _answer(self, http: web.BaseRequest, playbook: Playbook, body: bytes, digest: str) -> web.StreamResponse:
        request = decode(body, Request)
        check(request)
        answer = playbook.answer(request)
        rule = None if isinstance(answer, Unmatched) else answer.rule
        fault = chosen(playbook.faults, digest, _attempt(http), rule) if playbook.faults else None
        if fault is not None and isinstance(fault.then, int):
            return _refused(fault, fault.then, playbook.seed, digest)
        if fault is not None and fault.then == "html":
            return web.Response(text="<html><body>A page, not an API</body></html>", content_type="text/html")
        if isinstance(answer, Unmatched):
            raise RequestError(400, str(answer))
        if fault is not None and fault.seconds:
            await asyncio.sleep(fault.seconds)
        spoken = speak(answer, request)
        whole = message(spoken, request, digest)
        if request.stream:
            return await self._stream(http, list(events(spoken, whole, paced=self.pace > 0)), digest, fault)
        raw = msgspec.json.encode(whole)
        if fault is not None and (cut := fault.cut(len(raw))) is not None:
            return await _send(http, [raw[:cut]], "application/json", digest, cut=True)
        return _json(whole, digest)

    async def _stream(
        self, http: web.BaseRequest, parts: list[tuple[bytes, int]], digest: str, fault: Fault | None
    ) -> web.StreamResponse:
        cut = fault.cut(sum(len(part) for part, _ in parts)) if fault is not None else None
        if cut is not None:
            parts = list(_begun(parts, cut))
        if self.pace <= 0:
            body = b"".join(part for part, _ in parts)
            return await _send(http, [body], "text/event-stream", digest, cut=cut is not None)

        async def paced() -> AsyncIterator[bytes]:
            for part, characters in parts:
                await asyncio.sleep(characters / self.pace)
                yield part

        return await _send(http, paced(), "text/event-stream", digest, cut=cut is not None)


def _begun(parts: Iterable[tuple[bytes, int]], size: int) -> Iterator[tuple[bytes, int]]:
    """The first `size` bytes of the parts."""
    for part, characters in parts:
        if size <= 0:
            return
        yield part[:size], characters
        size -= len(part)


async def _send(
    http: web.BaseRequest, parts: AsyncIterator[bytes] | list[bytes], kind: str, digest: str, *, cut: bool
) -> web.StreamResponse:
    """Send parts as they come; `cut` ends the connection without the end of the body."""
    response = web.StreamResponse(headers={"Content-Type": f"{kind}; charset=utf-8", **_headers(digest)})
    response.enable_chunked_encoding()
    try:
        await response.prepare(http)
        if isinstance(parts, list):
            for part in parts:
                await response.write(part)
        else:
            async for part in parts:
                await response.write(part)
        if not cut:
            await response.write_eof()
        elif http.transport is not None:
            http.transport.close()
    except (ConnectionError, ClientConnectionError):
        return response  # the client hung up, which is its right: the connection is gone and nothing is kept
    return response


def _check_headers(request: web.BaseRequest) -> None:
    bearer = request.headers.get("authorization", "").removeprefix("Bearer").strip()
    if not request.headers.get("x-api-key", "").strip() and not bearer:
        raise RequestError(401, "x-api-key header is required")
    if not request.headers.get("anthropic-version"):
        raise RequestError(400, "anthropic-version: header is required")


def _attempt(request: web.BaseRequest) -> int:
    given = request.headers.get("x-factory-attempt") or request.headers.get("x-stainless-retry-count") or "0"
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise RequestError(400, "x-factory-attempt: must be a number, 0 for the first attempt")
    return int(given)


async def _body(request: web.BaseRequest) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.content.iter_any():
            size += len(part)
            if size > MAX_BODY:
                raise RequestError(413, f"Request exceeds the maximum size of {MAX_BODY} bytes")
            parts.append(part)
    except (ContentEncodingError, TransferEncodingError, web.RequestPayloadError) as error:
        raise RequestError(400, f"The request body cannot be read: {error}") from error
    return b"".join(parts)


def _headers(digest: str) -> dict[str, str]:
    return {"request-id": f"req_{digest[:24]}", "cache-control": "no-cache"}


def _json(value: object, digest: str) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", headers=_headers(digest))


def _error(status: int, text: str, digest: str) -> web.Response:
    body = error_body(status, text, f"req_{digest[:24]}")
    return web.Response(status=status, body=body, content_type="application/json", headers=_headers(digest))


def _refused(fault: Fault, status: int, seed: str, digest: str) -> web.Response:
    response = _error(status, f"scripted fault {status} of playbook '{seed}'", digest)
    if fault.retry_after is not None:
        response.headers["retry-after"] = f"{fault.retry_after:g}"
    return response


def _models(endpoint: str, digest: str) -> web.Response:
    name = endpoint.removeprefix("v1/models").strip("/")
    if name:
        return _json({**MODEL, "id": name}, digest)
    return _json({"data": [MODEL], "has_more": False, "first_id": MODEL["id"], "last_id": MODEL["id"]}, digest)


@asynccontextmanager
async def serve(playbooks: Iterable[Playbook], port: int = 0, pace: float = 0.0) -> AsyncIterator[Twin]:
    """Serve playbooks while the context lasts; `pace` is characters a second of a stream, 0 for at once.

    Raises:
        PortInUseError: the port cannot be had.
        PlaybookError: two playbooks share a seed.
    """
    twin = Twin(playbooks, pace=pace)
    await twin.start(port)
    try:
        yield twin
    finally:
        await twin.close()


def run_alone(playbook: Path, port: int, faults: Sequence[str] = ()) -> None:
    """Serve one playbook until SIGINT or SIGTERM: `factory-tui twin messages`. `faults` go before its own.

    Raises:
        SystemExit: the playbook or the port cannot be used; the message says why, the code is 1.
    """

    async def until_stopped(book: Playbook) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with serve([book], port) as twin:
            sys.stdout.write(
                f"Messages API twin: {twin.url} (base_url; any key), {len(book.rules)} rules of '{book.seed}'.\n"
                "An edit of the playbook needs a restart. Ctrl-C stops it.\n"
            )
            sys.stdout.flush()
            await stop.wait()

    try:
        book = load(playbook)
        asyncio.run(until_stopped(replace(book, faults=[*map(read, faults), *book.faults])))
    except (PlaybookError, PortInUseError, ValueError) as error:
        raise SystemExit(str(error)) from error
