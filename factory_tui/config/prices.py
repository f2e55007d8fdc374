"""What models cost: bundled prices with their source and the date read, and what a config says instead.

Where the published price depends on the prompt's length or is told in two ways, the dearer figure stands: a cap must
hold. Cache writes are those that last five minutes, the only kind this program asks for.
"""

from decimal import Decimal

from factory_tui.config.settings import ModelTable, Settings
from factory_tui.domain.money import UNMETERED, Price

READ = "2026-11-21"
_PAGE = f"platform.claude.com/docs/en/about-claude/pricing, a stored copy, read {READ}"
_MODEL = f"platform.claude.com/docs/en/models, a stored copy of the model's page, read {READ}"


def _price(figures: str, source: str = _PAGE) -> Price:
    given, output, write, read = (Decimal(figure) for figure in figures.split())
    return Price(given, output, write, read, source)


BUNDLED: dict[str, Price] = {
    "claude-fable-5-1": _price("10 50 12.50 0.25"),
    "claude-fable-5": _price("10 50 12.50 1"),
    "claude-opus-5-5": _price("4 20 5 0.20", _MODEL),
    "claude-opus-5": _price("5 25 6.25 0.50"),
    "claude-opus-4-8": _price("5 25 6.25 0.50"),
    "claude-opus-4-7": _price("5 25 6.25 0.50"),
    "claude-opus-4-6": _price("5 25 6.25 0.50"),
    "claude-opus-4-5": _price("5 25 6.25 0.50"),
    "claude-opus-4-5-20251101": _price("5 25 6.25 0.50"),
    "claude-sonnet-5-5": _price("2 10 2.50 0.20", f"{_MODEL}; cache reads are said to cost 0.10 since 2026-10-07"),
    "claude-sonnet-5": _price("2 10 2.50 0.20", _MODEL),
    "claude-sonnet-4-6": _price("3 15 3.75 0.30"),
    "claude-sonnet-4-5": _price("3 15 3.75 0.30"),
    "claude-sonnet-4-5-20250929": _price("3 15 3.75 0.30"),
    "claude-haiku-5-5": _price(
        "0.50 2.50 0.625 0.05",
        f"{_MODEL}; of prompts over 100,000 tokens, shorter ones cost a fifth",
    ),
    "claude-haiku-4-5": _price("1 5 1.25 0.10"),
    "claude-haiku-4-5-20251001": _price("1 5 1.25 0.10"),
}
"""By the name that the endpoint knows. Input, output, cache write, cache read; dollars per million tokens."""


def price_of(settings: Settings, model_name: str) -> Price | None:
    """The price of `[models.NAME]`: what the config says, key by key, then the bundled one; None when unpriced."""
    model = settings.models.get(model_name)
    return _price_of_table(model_name, model) if model else None


def _price_of_table(name: str, model: ModelTable) -> Price | None:
    if model.price == "unmetered":
        return UNMETERED
    table = BUNDLED.get(model.id or name)
    given = _first(model.price_input, table.input if table else None)
    output = _first(model.price_output, table.output if table else None)
    if given is None or output is None:
        return None
    if model.price_input is not None or table is None:
        # what an endpoint with prices of its own takes for caching is unknown: dear rather than cheap
        table = Price(given, output, given * Decimal("1.25"), given, "config.toml")
    return Price(
        given,
        output,
        table.cache_write if model.price_cache_write is None else model.price_cache_write,
        table.cache_read if model.price_cache_read is None else model.price_cache_read,
        model.price_source or table.source,
    )


def _first(*figures: Decimal | None) -> Decimal | None:
    return next((figure for figure in figures if figure is not None), None)
