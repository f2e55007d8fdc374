"""Rights on the wire: lowered once, before hello, and never raised; and no line whatever breaks the decoder."""

import asyncio
import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from factory_tui.domain.commands import RANK, EmergencyStop, Role, Thaw
from factory_tui.link.client import Link
from factory_tui.link.protocol import (
    PROTOCOL,
    CommandRequest,
    Hello,
    LinkError,
    Lower,
    QueryRequest,
    Refused,
    RefusedError,
    decode_hello,
    decode_request,
    line,
    lowered,
)
from tests.link.conftest import DEADLINE, SmallEngine

ROLES: tuple[Role, ...] = get_args(Role)
HELLO = line(Hello(PROTOCOL))


async def said(engine: SmallEngine, sent: bytes) -> list[dict[str, Any]]:
    """All that the engine answers until it ends the connection."""
    reader, writer = await asyncio.open_unix_connection(str(engine.path))
    writer.write(sent)
    async with asyncio.timeout(DEADLINE):
        answers = [json.loads(data) for data in (await reader.read()).splitlines()]
    writer.close()
    return answers


async def test_whoever_is_lowered_is_somebody_else_with_fewer_rights(engine: SmallEngine) -> None:
    ana = await Link.connect(engine.path, Lower("ana", "operator"))
    assert (ana.actor, ana.role) == ("ana", "operator")
    await ana.command(EmergencyStop())
    assert engine.commands == [("ana", "operator", EmergencyStop())]
    with pytest.raises(RefusedError, match="an operator may not thaw; ask an admin"):
        await ana.command(Thaw())
    await ana.close()


@pytest.mark.parametrize("second", [Lower("ana", "viewer"), Lower("ada", "admin")])
async def test_rights_are_lowered_once(engine: SmallEngine, second: Lower) -> None:
    (_hello, refused) = await said(engine, line(Lower("ana", "viewer")) + line(second) + HELLO)
    assert refused == {"type": "refused", "id": 0, "reason": "ana was lowered already: once is all"}


@pytest.mark.parametrize(
    "sent",
    [
        {"as": "", "role": "viewer"},
        {"as": "Ana", "role": "viewer"},
        {"as": "ana\n", "role": "viewer"},
        {"as": "a" * 33, "role": "viewer"},
        {"as": "ana ", "role": "viewer"},
        {"as": "ana"},
        {"role": "viewer"},
        {"as": "ana", "role": "root"},
        {"as": "ana", "role": None},
    ],
)
async def test_a_wrong_name_or_role_ends_the_connection(engine: SmallEngine, sent: dict[str, Any]) -> None:
    asked = json.dumps({"type": "lower", **sent}).encode() + b"\n"
    (_hello, refused) = await said(engine, asked + HELLO)
    assert "does not speak factory-tui's protocol" in refused["reason"]
    assert engine.server.consoles == 0


@pytest.mark.parametrize("has", ROLES)
@pytest.mark.parametrize("asks", ROLES)
def test_rights_go_down_only(has: Role, asks: Role) -> None:
    if RANK[asks] > RANK[has]:
        with pytest.raises(LinkError, match=f"a {has} cannot become {asks}: rights are only lowered"):
            lowered(has, Lower("ana", asks))
    else:
        assert lowered(has, Lower("ana", asks)) == ("ana", asks)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
LIKE = st.fixed_dictionaries(
    {"type": st.sampled_from(["lower", "hello", "command", "query", "full-state", "?"])},
    optional=dict.fromkeys(("as", "role", "protocol", "id", "command", "run", "before", "limit", "after"), ANY),
)
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
LINES = st.binary(max_size=80) | LIKE.map(msgspec.json.encode)


@UNHURRIED
@given(LINES)
@example(b"[" * 5_000)
def test_any_line_is_a_request_or_its_refusal(data: bytes) -> None:
    request = decode_request(data)
    assert isinstance(request, CommandRequest | QueryRequest | Refused)
    if not isinstance(request, Refused):
        assert decode_request(line(request)) == request


@UNHURRIED
@given(LINES)
@example(line(Lower("ana", "viewer")))
@example(HELLO)
def test_any_first_line_is_a_greeting_or_an_error_in_words(data: bytes) -> None:
    try:
        first = decode_hello(data, "console")
    except LinkError:
        return
    assert decode_hello(line(first), "console") == first
    assert isinstance(first, Hello) or (0 < len(first.name) <= 32 and first.name == first.name.lower())
