"""A command on its way to the engine, and what the key bar says of it.

Each has a key, by which the engine does it once: where the link breaks before an answer, the next one sends it again.
"""

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from factory_tui.console.feed import Feed, RefusedError
from factory_tui.console.offering import way_back
from factory_tui.console.wording import describe
from factory_tui.domain import commands as c
from factory_tui.domain.identifiers import ulid

if TYPE_CHECKING:
    from factory_tui.console.app import ConsoleApp

AGAIN = 10.0
"""Seconds within which a link has to be back: what is done later might not be wanted any more."""


async def send(app: "ConsoleApp", command: c.Command) -> None:
    """Ask the engine; the answer is said in the key bar."""
    app.drafts.sent(command, taken=False)
    if (feed := app.feed) is None:
        app.say("bad", f"not sent: {describe(command)}; no engine is attached. Remedy: q, then factory-tui")
        return
    try:
        await _surely(app, feed, command)
    except RefusedError as refusal:
        app.say("bad", f"refused: {refusal}")
    except OSError as error:
        app.say("bad", f"the link broke, perhaps not sent: {describe(command)} ({error})")
    else:
        app.drafts.sent(command, taken=True)
        if not isinstance(command, c.Undo):  # which says by itself what it took back
            app.say("good", f"accepted: {describe(command)}{way_back(command, app.keys, app.scope)}")


async def send_all(app: "ConsoleApp", commands: Sequence[c.Command], before: Sequence[str]) -> None:
    """Each as by itself: what one is refused for is no reason for the next. `before`: what was left already."""
    if len(commands) == 1 and not before:
        await send(app, commands[0])
        return
    left = [*before]
    for number, command in enumerate(commands):
        try:
            if app.feed is None:
                raise ConnectionError("no engine is attached")
            await _surely(app, app.feed, command)
        except RefusedError as refusal:
            left.append(f"{describe(command)}: {refusal}")
        except OSError as error:
            app.say("bad", f"{number} of {len(commands)} sent, then the link broke ({error})")
            return
    number = len(commands) + len(before)
    done = f"accepted: {number - len(left)} of {number}"
    app.say("bad" if left else "good", "; ".join([done, *left]))


async def _surely(app: "ConsoleApp", feed: Feed, command: c.Command) -> None:
    """Have it taken or refused, by this link or the next. Raises OSError when nobody can say."""
    key, coming = ulid(app.clock(), int.from_bytes(os.urandom(10), "big")), app.coming
    try:
        await feed.command(command, key)
    except OSError:
        app.say("waits", f"the link broke, is sent again once it is back: {describe(command)}")
        await asyncio.wait([coming], timeout=AGAIN)
        if not coming.done():
            raise
        await coming.result().command(command, key)
