"""The shapes of a scenario file: one struct a table, as docs/scenarios.md describes them.

Owns names, types and defaults only; `scenario` reads and judges a file.
"""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from factory_tui.domain.events import ScenarioSet
from factory_tui.harness.hosted import HostedTwin, TwinAct

Positive = Annotated[float, msgspec.Meta(gt=0, le=600)]
TIMES = 200
"""How often something is played at most."""
Times = Annotated[int, msgspec.Meta(ge=1, le=TIMES)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table that refuses keys it does not know."""


class _Draw(_Table, frozen=True, tag_field="kind"):
    """What to draw."""


class IntDraw(_Draw, frozen=True, tag="int"):
    """A whole number, both ends included."""

    min: int = 0
    max: int = 1000


class MoneyDraw(_Draw, frozen=True, tag="money"):
    """A decimal in whole cents."""

    min: Decimal = Decimal("0.01")
    max: Decimal = Decimal("99.99")


class WordDraw(_Draw, frozen=True, tag="word"):
    """Letters a to z."""

    min: int = 4
    max: int = 9


class TextDraw(_Draw, frozen=True, tag="text"):
    """Unicode with quotes, commas and accents."""

    min: int = 1
    max: int = 30
    breaks: bool = False


class ChoiceDraw(_Draw, frozen=True, tag="choice"):
    """One of these."""

    of: Annotated[list[Any], msgspec.Meta(min_length=1)]


class UrlDraw(_Draw, frozen=True, tag="url"):
    """A valid https address."""


class DateDraw(_Draw, frozen=True, tag="date"):
    """A day, as ISO text."""

    min: dt.date = dt.date(2020, 1, 1)
    max: dt.date = dt.date(2029, 12, 31)


class BytesDraw(_Draw, frozen=True, tag="bytes"):
    """Random bytes as base64 text."""

    min: int = 8
    max: int = 64


class TableDraw(_Draw, frozen=True, tag="table"):
    """Rows of drawn columns; `rows` is the least and the most."""

    columns: dict[str, "Draw"]
    rows: tuple[int, int] = (2, 8)


Draw = IntDraw | MoneyDraw | WordDraw | TextDraw | ChoiceDraw | UrlDraw | DateDraw | BytesDraw | TableDraw


class Ready(_Table, frozen=True):
    """When a service is up: any HTTP answer to a GET of `path`, or that status."""

    path: str = "/"
    timeout: Positive = 10.0
    status: int | None = None


class Service(_Table, frozen=True):
    """A long-running process of the product; gets PORT."""

    name: str
    command: str
    ready: Ready = Ready()
    env: dict[str, str] = {}


class Http(_Table, frozen=True):
    """One HTTP exchange."""

    service: str
    path: str
    method: str = "GET"
    headers: dict[str, str] = {}
    json: Any = msgspec.UNSET
    body: str = ""
    body_base64: str = ""
    timeout: Positive = 10.0


class Command(_Table, frozen=True):
    """One command, with the files it finds."""

    command: str
    stdin: str = ""
    files: dict[str, str] = {}
    files_base64: dict[str, str] = {}
    env: dict[str, str] = {}
    timeout: Positive = 20.0


class Matcher(_Table, frozen=True, rename={"not_": "not"}):
    """What a value must be; all that are given must hold. UNSET: not asked for."""

    equals: Any = msgspec.UNSET
    not_: Any = msgspec.UNSET
    any_of: list[Any] | str | msgspec.UnsetType = msgspec.UNSET
    regex: str | msgspec.UnsetType = msgspec.UNSET
    contains: Any = msgspec.UNSET
    excludes: Any = msgspec.UNSET
    type: Literal["string", "number", "integer", "boolean", "array", "object", "null"] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    min: int | float | str | msgspec.UnsetType = msgspec.UNSET
    max: int | float | str | msgspec.UnsetType = msgspec.UNSET
    near: int | float | str | msgspec.UnsetType = msgspec.UNSET
    tolerance: float = 0.0
    absent: bool | msgspec.UnsetType = msgspec.UNSET
    length: "int | str | Matcher | msgspec.UnsetType" = msgspec.UNSET
    unordered: list[Any] | str | msgspec.UnsetType = msgspec.UNSET


Wanted = Matcher | str | int | float | bool | list[Any]
"""A matcher, or the value itself."""


class ScreenExpect(_Table, frozen=True):
    """What a terminal must show: all of it, single lines ("1" is the first, "-1" the last), the cursor's place."""

    text: Wanted | None = None
    lines: dict[str, Wanted] = {}
    cursor: tuple[int, int] | None = None


Seen = str | ScreenExpect
"""What a terminal shows; a text alone is somewhere in it."""


class TerminalStep(_Table, frozen=True):
    """Keys for a program on a terminal, and what it must show then, within so many seconds."""

    type: str = ""
    press: str | list[str] = ""
    until: Seen | None = None
    within: Positive = 10.0
    repeat: Times | str = 1


class Terminal(_Table, frozen=True):
    """One program on a terminal, with the files it finds. After the last step it is ended, but where an exit is
    expected.
    """

    command: str
    steps: list[TerminalStep] = []
    columns: Annotated[int, msgspec.Meta(ge=2, le=300)] = 80
    rows: Annotated[int, msgspec.Meta(ge=2, le=100)] = 24
    files: dict[str, str] = {}
    files_base64: dict[str, str] = {}
    env: dict[str, str] = {}
    timeout: Positive = 30.0


class Within(_Table, frozen=True):
    """Seconds that an act may take, over its repetitions: half of them, 95 in 100, the slowest."""

    p50: Positive | None = None
    p95: Positive | None = None
    max: Positive | None = None


class FileExpect(_Table, frozen=True):
    """What a file must hold after a command."""

    text: Wanted | None = None
    lines: Matcher | int | str | None = None
    json: dict[str, Wanted] | None = None
    jsonl: list[Any] | str | None = None
    csv: list[Any] | str | None = None
    size: Matcher | int | str | None = None
    sha256: str | None = None
    absent: bool = False


class Expect(_Table, frozen=True):
    """What an act must give. None: not asked for."""

    status: Matcher | int | list[int] | None = None
    headers: dict[str, Wanted] = {}
    json: dict[str, Wanted] = {}
    body: Wanted | None = None
    exit: Matcher | int | None = None
    stdout: Wanted | None = None
    stderr: Wanted | None = None
    screen: Seen | None = None
    files: dict[str, FileExpect] = {}
    listing: dict[str, Wanted] = {}
    within: Positive | Within | None = None


class Act(_Table, frozen=True):
    """One thing a user does, or a look at a twin: exactly one of http, run, terminal, property, clock,
    wait and twin.
    """

    name: str = ""
    http: Http | None = None
    run: Command | None = None
    terminal: Terminal | None = None
    wait: Annotated[float, msgspec.Meta(gt=0, le=30)] | None = None
    twin: TwinAct | None = None
    property: "Property | None" = None
    clock: str | None = None
    repeat: Times | str = 1
    capture: dict[str, str] = {}
    expect: Expect = Expect()


class Property(_Table, frozen=True):
    """What holds for all inputs: acts that are played over so many drawn ones, each as wanted."""

    for_all: Annotated[dict[str, Draw], msgspec.Meta(min_length=1)]
    act: Annotated[list[Act], msgspec.Meta(min_length=1)]
    let: dict[str, str] = {}
    times: Times = 50


class Judge(_Table, frozen=True):
    """What a model is asked about the transcript, where every act was as wanted."""

    rubric: Annotated[str, msgspec.Meta(min_length=20)]
    model: str = ""
    threshold: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5


class ScenarioFile(_Table, frozen=True):
    """A scenario file as a whole."""

    kind: Literal["main", "edge", "adversarial"]
    set: ScenarioSet
    story: Annotated[str, msgspec.Meta(min_length=10)]
    act: Annotated[list[Act], msgspec.Meta(min_length=1)]
    weight: Annotated[float, msgspec.Meta(ge=0.5, le=5, multiple_of=0.5)] = 1.0
    trajectories: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    reviewed_for: str = ""
    draw: dict[str, Draw] = {}
    let: dict[str, str] = {}
    service: list[Service] = []
    twin: list[HostedTwin] = []
    judge: Judge | None = None
    clock: str = ""


class Scenario(msgspec.Struct, frozen=True, omit_defaults=True):
    """One user story, ready to be run. `name` is the file's, without its suffix."""

    name: str
    kind: Literal["main", "edge", "adversarial"]
    set: ScenarioSet
    story: str
    weight: float
    trajectories: int
    reviewed_for: str
    draw: dict[str, Draw]
    let: dict[str, str]
    services: tuple[Service, ...]
    acts: tuple[Act, ...]
    twins: tuple[HostedTwin, ...] = ()
    judge: Judge | None = None
    clock: str = ""

    @property
    def drawn(self) -> bool:
        """Whether two trajectories can differ."""
        return bool(self.draw) or any(act.property for act in self.acts)
