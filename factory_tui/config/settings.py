"""The shape of config.toml: one struct a table, every key with its default.

Owns names, types and defaults only; reading and judging a file is `config.load`.
"""

from decimal import Decimal
from typing import Literal

import msgspec


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table that refuses keys it does not know."""


class EngineTable(_Table, frozen=True):
    """`[engine]`."""

    slots: int = 4
    """Runs that may be running at once; others queue."""


class CellsTable(_Table, frozen=True):
    """`[cells]`: where commands run, and its limits."""

    kind: Literal["auto", "docker", "process"] = "auto"
    bubblewrap: bool = True
    """Fence process cells with bubblewrap, where that works; without it they are UNFENCED."""
    image: str = "python:3.12-slim"
    """An image with python3. Not here and not to be pulled: one is made from the host's own files."""
    runtime: str = ""
    """The container runtime, by the Docker engine's name for it, such as `runsc`; empty: the engine's default."""
    memory: int = 512
    """MiB; sizes of work and tmp together stay below it."""
    cpus: float = 1.0
    pids: int = 128
    work: int = 128
    """MiB of the work tree's tmpfs."""
    tmp: int = 64
    """MiB of /tmp."""
    inodes: int = 20_000
    warm: int = 2
    """Cells that are started ahead, so that a run or a trajectory need not wait for one; 0 starts none."""
    build_network: Literal["default", "none"] = "default"
    """What the steps of a seed's Dockerfile may reach while it is built; cells have no network in any case."""


class ModelTable(_Table, frozen=True):
    """`[models.NAME]`: an endpoint that speaks the Messages API. Prices are dollars per million tokens."""

    id: str = ""
    """The name the endpoint knows; empty: NAME."""
    base_url: str = ""
    """Empty: the SDK's default endpoint."""
    key_env: str = "ANTHROPIC_API_KEY"
    """The environment variable that holds the key; the key itself is never written here."""
    price: Literal["table", "unmetered"] = "table"
    price_input: Decimal | None = None
    price_output: Decimal | None = None
    price_cache_write: Decimal | None = None
    price_cache_read: Decimal | None = None
    price_source: str = ""
    window: int = 200_000
    """Tokens that the model takes; at 80 % of them a conversation is rebuilt around a summary of it."""
    max_tokens: int = 16_000
    """Output tokens of one answer."""
    tools: Literal["native", "schema"] = "native"
    requests_per_minute: int = 0
    """Calls that all runs together send in any minute to this endpoint with this key, in turns; 0: no limit."""
    tokens_per_minute: int = 0
    """Tokens that all calls of any minute take together; one under way counts at its most. 0: no limit."""


LADDER = "models.ladder"


class LadderTable(_Table, frozen=True):
    """`[models.ladder]`: for runs that name no model; a fork keeps that of the run it is from."""

    rungs: tuple[str, ...] = ()
    """Names of models, from the cheapest up: a run that stalls steps up one, and asks its owner at the last."""


class AgentTable(_Table, frozen=True):
    """`[agent]`."""

    model: str = "default"
    """A name under [models]: that of runs that name none, where [models.ladder] has no rungs."""
    command_timeout: float = 120.0
    """Seconds a command of the agent may take."""
    output_limit: int = 16_000
    """Characters of a command's output that the model sees; the middle is cut."""
    max_steps: int = 80
    """Steps in one pass; the agent is then told to stop."""
    attempts: int = 5
    """Tries of one model call before the run is held."""


class HarnessTable(_Table, frozen=True):
    """`[harness]`: the ship rule's figures; a seed may set its own."""

    ship_at: float = 0.90
    alpha: float = 0.01
    max_passes: int = 10
    max_trajectories: int = 200
    """A pass, feedback and vault together."""
    parallel: int = 4
    """Trajectories at once, for the whole engine."""
    timeout: float = 60.0
    """Seconds a trajectory may take."""
    judge_model: str = ""
    """A name under [models], for judges of scenarios that name none; empty: the run's model."""
    judge_error: float = 0.01
    """How often a verdict of judges may be wrong: a transcript is judged again until it is no more."""
    judge_most: int = 11
    """How often one transcript is judged at most, an odd number; judges that need more jam the run."""


class PolicyTable(_Table, frozen=True):
    """`[policy]`: what may be spent at most (none: no cap), and when a human is asked."""

    run_cap: Decimal | None = Decimal(10)
    """Dollars of a run; a seed's `budget` goes before this key and the five below."""
    run_tokens: int | None = None
    """Tokens of a run, of all four kinds together."""
    pass_cap: Decimal | None = None
    """Dollars of one pass."""
    pass_tokens: int | None = None
    step_cap: Decimal | None = None
    """Dollars of one step: a model call with the further attempts that it took."""
    step_tokens: int | None = None
    day_cap: Decimal | None = None
    """Dollars of all live runs together in a day, which begins at 00:00 UTC."""
    day_tokens: int | None = None
    factory_cap: Decimal | None = None
    """Dollars of all live runs together, ever."""
    factory_tokens: int | None = None
    day_target: Decimal | None = None
    """Dollars that each operator's live runs are expected to spend in a day: what burn compares with, never a cap."""
    stall_after: int = 3
    """Passes in a row that fail the same stories, with no more satisfaction, after which a run asks its owner."""
    ratchet: bool = False
    """A run whose last two passes both lie clearly below its best one goes back to that by itself, once."""
    outage: Literal["wait", "ask"] = "wait"
    """Runs whose model's endpoint is in trouble come back by themselves; or stay held until somebody says so."""
    answer_within: float = 60.0
    """Minutes that a question waits for one owner before it goes to the next of [owners], in order; 0: it stays."""
    expire_after: float = 0.0
    """Minutes after which a sign-off that nobody gave is refused, where one of its choices refuses; 0: never."""


class OwnerTable(_Table, frozen=True):
    """`[owners.NAME]`: a human who answers for seeds."""

    name: str = ""
    email: str = ""
    day_target: Decimal | None = None
    """In place of [policy] day_target, for this operator."""


class ReloadTable(_Table, frozen=True):
    """`[reload]`: what happens to runs whose seed is edited."""

    mode: Literal["next-pass", "restart", "ask"] = "next-pass"
    """The agent is told the difference at its next pass; or begins anew; or somebody says when (`r`)."""


class ShipTable(_Table, frozen=True):
    """`[ship]`."""

    exclude: tuple[str, ...] = (
        "__pycache__",
        "*.pyc",
        ".pytest_cache",
        ".venv",
        "venv",
        "node_modules",
        ".mypy_cache",
    )
    """Names (globs) that no snapshot holds: caches and environments."""


LEAST_TERMINAL = (72, 20)
"""Columns and lines that the console's screens need."""


Sort = Literal[
    "floor",
    "run",
    "-run",
    "state",
    "-state",
    "node",
    "-node",
    "pass",
    "-pass",
    "satisfied",
    "-satisfied",
    "burn",
    "-burn",
    "cap",
    "-cap",
    "age",
    "-age",
]
"""How the floor is sorted: its own order, or by a column, with `-` the other way round."""


class PresetTable(_Table, frozen=True):
    """`[ui.presets.NAME]`: how the floor looks, by one key. `list`, `preview` and `wall` are bundled, on F2, F3 and F4;
    one of yours takes the place of the bundled one that has its key or its name."""

    key: Literal["f2", "f3", "f4"] = "f2"
    layout: Literal["list", "preview", "wall"] = "preview"
    """`list`: the table alone. `preview`: with trace, facts and verdicts of the run under the cursor. `wall`: live
    traces of up to eight runs, those that moved last."""
    sort: Sort | None = None
    """A column, with `-` the other way round; `floor`: its own order. None: as it was."""
    filter: str | None = None
    """As typed after `/`; empty shows all. None: as it was."""


class UiTable(_Table, frozen=True):
    """`[ui]`."""

    theme: str = "dark"
    glyphs: Literal["braille", "block", "ascii"] = "braille"
    preset: str = "preview"
    """The one of the floor's presets that a console begins with."""
    presets: dict[str, PresetTable] = {}
    keymap: dict[str, str] = {}
    """Action id -> keys, comma separated."""
    bell: bool = True
    """Ring when a run newly needs a human, at most once in 10 s."""
    notify: Literal["osc9", "osc777", "none"] = "osc9"
    """The desktop notification that goes with it, by the escape sequence that the terminal knows."""


class Settings(_Table, frozen=True):
    """config.toml as a whole. `models.alias` is a reserved name, and `models.ladder` is no model."""

    engine: EngineTable = EngineTable()
    cells: CellsTable = CellsTable()
    models: dict[str, ModelTable] = {}
    ladder: LadderTable = msgspec.field(default=LadderTable(), name=LADDER)
    agent: AgentTable = AgentTable()
    harness: HarnessTable = HarnessTable()
    policy: PolicyTable = PolicyTable()
    owners: dict[str, OwnerTable] = {}
    reload: ReloadTable = ReloadTable()
    ship: ShipTable = ShipTable()
    ui: UiTable = UiTable()
