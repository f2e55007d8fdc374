"""A stream that is cut anywhere: no tool call is lost, and none is there twice."""

import random

import pytest

from tests.model.cuts import calls, cutting


async def test_an_answer_that_is_cut_somewhere_comes_whole_and_once() -> None:
    """The first and the last bytes, and some of each stretch between, as many attempts as there may be."""
    async with cutting() as cuts:
        assert len(set(calls(cuts.whole))) == 2
        chance = random.Random(5)
        stretch = cuts.size // 24
        for start in range(0, cuts.size, stretch):
            await cuts.hold(min(start + chance.randrange(stretch), cuts.size), attempts=chance.randint(1, 3))
        for at in (0, 1, cuts.size - 2, cuts.size - 1, cuts.size):
            await cuts.hold(at)


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_an_answer_that_is_cut_at_any_byte_comes_whole_and_once() -> None:
    async with cutting() as cuts:
        for at in range(cuts.size + 1):
            await cuts.hold(at, attempts=1 + at % 3)
