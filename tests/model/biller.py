"""An endpoint that bills what it likes, up to what a request allows, and answers as badly as endpoints do.

It keeps its own account of what it billed, whole or cut, read or not: what a cap is held against.
"""

import json
import random
from collections import Counter
from decimal import Decimal
from typing import Any

from aiohttp import web

from factory_tui.domain.money import Price, Tokens
from tests.model.endpoint import Endpoint, Reply, message, status, stream, text

ALLOWANCE = 2_500
"""Tokens for native tools that it bills at most."""


class Biller(Endpoint):
    """`price` may make caching dearer than input. One for many rounds: `begin` opens another account."""

    def __init__(self) -> None:
        super().__init__()
        self.fates = Counter[str]()
        self.script = [self._answer]

    def begin(self, chance: random.Random, price: Price) -> None:
        """From here on another account."""
        self._chance, self._price = chance, price
        self._density: dict[str, float] = {}
        self.money, self.tokens = Decimal(0), 0

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        sent = json.loads(await request.read())
        tokens = self._used(sent)
        fate = self._chance.choices(("whole", "cut", "unsaid", "mute", "refused", "broken"), (60, 12, 6, 6, 10, 6))[0]
        self.fates[fate] += 1
        if fate != "refused":
            self.money += self._price.cost(tokens)
            self.tokens += tokens.total
        self.fates["native tools"] += "tools" in sent
        self.fates["cache writes"] += tokens.cache_write > 0
        return await self._told(fate, tokens)(request)

    def _told(self, fate: str, tokens: Tokens) -> Reply:
        if fate == "refused":
            return status(self._chance.choice((429, 529)))
        if fate == "broken":
            return status(500)
        events = message(text("word " * self._chance.randint(1, 8)))
        events[0]["message"]["usage"] = {
            "input_tokens": tokens.input,
            "cache_creation_input_tokens": tokens.cache_write,
            "cache_read_input_tokens": tokens.cache_read,
            "output_tokens": 1,
        }
        events[-2]["usage"] = {"output_tokens": tokens.output}
        if fate == "unsaid":
            del events[-2]["usage"]
        if fate in ("cut", "mute"):
            events = events[: self._chance.randrange(len(events) - 1)]
        return stream(events, cut=fate == "cut")

    def _used(self, sent: dict[str, Any]) -> Tokens:
        """As many tokens a byte as this conversation has, at most one; all output that it may write, or less."""
        talk = sent["system"][0]["text"]
        density = self._density.setdefault(talk, self._chance.choice((0.2, 0.5, 1.0, self._chance.random())))
        plain = [{**one, "content": [_plain(block) for block in one["content"]]} for one in sent["messages"]]
        said = len(json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()) - 2
        given = int(density * (said + len(talk.encode()))) + (ALLOWANCE if "tools" in sent else 0)
        written = self._chance.randint(0, given)
        read = self._chance.randint(0, given - written)
        output = self._chance.choice((sent["max_tokens"], self._chance.randint(1, sent["max_tokens"])))
        return Tokens(given - written - read, output, written, read)


def _plain(block: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in block.items() if key != "cache_control"}
