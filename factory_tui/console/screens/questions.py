"""What each key asks for before it becomes a command: the words, the choices, and what is wrong with a reply."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from factory_tui.console.figures import interval, money
from factory_tui.console.outside import lend, shell_words
from factory_tui.console.paint import Row, wrap
from factory_tui.console.screens.ask import Ask, Question, Reply
from factory_tui.console.screens.confirm import Confirm
from factory_tui.domain import commands as c
from factory_tui.domain.faults import LONGEST, against
from factory_tui.domain.hostile import clean, one_line
from factory_tui.domain.money import FLOOR_CAPS, RUN_CAPS, CapName, in_tokens, no_cap, of_cap
from factory_tui.domain.questions import GO_ON
from factory_tui.domain.ratchet import best
from factory_tui.domain.state import Escalation, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from factory_tui.console.app import ConsoleApp

ROOM = 58
"""Cells of a line in a dialog."""


def _put(app: "ConsoleApp", question: Question, do: "Callable[[int, str], None]") -> None:
    def replied(reply: Reply | None) -> None:
        if reply is not None:
            do(*reply)

    app.push_screen(Ask(question), replied)


def _said(text: str, role: str = "text", limit: int = 40) -> list[Row]:
    """Somebody's text as rows of a dialog."""
    parts = [part for line in clean(text).splitlines() for part in wrap(one_line(line, 400), ROOM)]
    return [[(part, role)] for part in parts[:limit]]


def answer(app: "ConsoleApp", asked: Escalation, send: "Callable[[c.Command], None]") -> None:
    """By one of the choices, in words, or both."""
    body = _said(asked.question, "asks")
    if asked.evidence:
        body += [[], *_said(asked.evidence)]

    def check(choice: int, words: str) -> str:
        if choice < 0 and not words:
            return "An empty answer is no answer: choose by digit, or write one." if asked.choices else "Say something."
        if choice < 0 and asked.choices and GO_ON not in asked.choices:
            return f"{asked.id} wants one of its choices, with or without words."
        return ""

    def do(choice: int, words: str) -> None:
        send(c.Answer(asked.id, asked.choices[choice] if choice >= 0 else "", words))

    choices = [(choice, "") for choice in asked.choices]
    words = "words for the agent" if asked.kind == "jam" else "words that stay with it"
    draft = app.drafts.of(c.Answer, asked.id)
    _put(app, Question(f"Answer {asked.id} of {asked.run}", body, choices, words, check, rows=3, draft=draft), do)


def when(
    app: "ConsoleApp",
    title: str,
    choices: "Sequence[tuple[str, str]]",
    is_time: "Callable[[str], bool]",
    do: "Callable[[int, str], None]",
) -> None:
    """A time: one of these, or in words."""

    def check(choice: int, words: str) -> str:
        if words and not is_time(words):
            return f"{one_line(words, 40)!r} is no time. Write a span, like 45m or 2h, or a time of day, like 14:30."
        return "" if words or choice >= 0 else "Until when? Choose by digit, or write a time."

    _put(app, Question(title, choices=choices, words="or a time: 45m, 2h, 14:30 (UTC)", check=check), do)


def sure(app: "ConsoleApp", words: tuple[str, str, str], command: c.Command, name: str = "") -> None:
    """Send the command after a yes; with `name`, after that was typed. `words`: title, what it means, verb."""

    def answered(yes: bool | None) -> None:
        if yes:
            app.send(command)

    app.push_screen(Confirm(*words, name), answered)


def steer(app: "ConsoleApp", run: Run) -> None:
    """Words for the agent."""
    waiting = [row for said in run.said for row in _said(f"{said.by}: {said.text}", "dim")]
    body: list[Row] = [[("It reads this before its next step.", "dim")]]
    if waiting:
        body += [[], [("Said already, and not read yet:", "dim")], *waiting]
    question = Question(
        f"Steer {run.id}",
        body,
        words="what it should know or do",
        check=lambda _choice, words: "" if words else "Nothing is said yet.",
        rows=4,
        draft=app.drafts.of(c.Steer, run.id),
    )
    _put(app, question, lambda _choice, words: app.send(c.Steer(run.id, words)))


def escalate(app: "ConsoleApp", run: Run) -> None:
    """Why, if one wants to say so."""
    body: list[Row] = [[(f"It parks after its step and asks {one_line(run.owner, 40)}; its slot is free then.", "dim")]]
    words, draft = "why, or what is to be decided (may stay empty)", app.drafts.of(c.Escalate, run.id)
    question = Question(f"Escalate {run.id}", body, words=words, rows=3, draft=draft)
    _put(app, question, lambda _choice, words: app.send(c.Escalate(run.id, words)))


def reseed(app: "ConsoleApp", run: Run) -> None:
    """What changed in the seed, then when it is to be used."""
    seed = app.mirror.state.seeds.get(run.seed)
    newest = seed.revision if seed else run.revision
    fresh = newest not in (run.revision, run.reseed)
    soon = f", its next pass uses {run.reseed[:8]}" if run.reseed else ""
    body: list[Row] = [[(f"{run.seed} is at {newest[:8]}; {run.id} uses {run.revision[:8]}{soon}.", "dim")]]
    if seed and seed.diff and newest != run.revision:
        body += [[], *changes(seed.diff)]
    choices = [("at its next pass", "told what changed")] if fresh else []
    choices.append(("from the beginning", "empty tree, new conversation"))

    def do(choice: int, _words: str) -> None:
        if choice < len(choices) - 1:
            app.send(c.Reseed(run.id))
        else:
            sure(app, _anew(run, "the beginning"), c.Reseed(run.id, restart=True))

    _put(app, Question(f"Re-seed {run.id}", body, choices, check=_chosen), do)


def restart(app: "ConsoleApp", run: Run) -> None:
    """From which pass."""
    passes, choices = _outputs(run)
    choices.append(("nothing", "an empty work tree"))

    def do(choice: int, _words: str) -> None:
        number = passes[choice] if choice < len(passes) else 0
        sure(app, _anew(run, f"pass {number}" if number else "nothing"), c.Restart(run.id, number))

    body: list[Row] = [[("It begins a new conversation from the output of:", "dim")]]
    top = best(run)
    at = passes.index(top.number) if top else len(passes) - 1
    if 0 <= at < len(passes) - 1:
        name, satisfied = choices[at]
        choices[at] = name, f"its best, {satisfied}"
    _put(app, Question(f"Restart {run.id}", body, choices, check=_chosen, at=at), do)


def _outputs(run: Run) -> tuple[list[int], list[tuple[str, str]]]:
    """The passes that left an output, oldest first so that their digits are their numbers, and each as a choice."""
    passes = [item for item in run.passes if item.commit]
    shares = [item.vault or item.feedback for item in passes]
    said = [f"satisfied {interval(share)}" if share else "not measured" for share in shares]
    return [item.number for item in passes], [
        (f"pass {item.number}", measured) for item, measured in zip(passes, said, strict=True)
    ]


def fork(app: "ConsoleApp", run: Run) -> None:
    """From which pass, and what is to be another than it was."""
    passes, choices = _outputs(run)
    seeds = app.mirror.state.seeds
    newest = seeds[run.seed].revision if run.seed in seeds else run.revision

    def check(_choice: int, words: str) -> str:
        changed = _changes(words)
        if changed is None:
            return "Write nothing, or: model NAME, or: seed NAME, or both."
        seed = changed.get("seed", "")
        return f"There is no seed {seed}; seeds: {', '.join(seeds)}." if seed and seed not in seeds else ""

    def do(choice: int, words: str) -> None:
        changed = _changes(words) or {}
        app.send(c.Fork(run.id, passes[choice], changed.get("seed", ""), changed.get("model", "")))

    body: list[Row] = [[("Another run begins with the output of:", "dim")]]
    if newest != run.revision:
        said = f"{run.seed} is at {newest[:8]} now: that is used by `seed {run.seed}`."
        body = [*_said(said, "waits"), *body]
    words = "with another model or seed: model NAME, seed NAME"
    over = [item.number for item in run.passes if item.ended]
    at = max((index for index, number in enumerate(passes) if number in over), default=len(passes) - 1)
    _put(app, Question(f"Fork {run.id}", body, choices, words, check, at=at), do)


def _changes(words: str) -> dict[str, str] | None:
    """`model NAME, seed NAME` by its keys; None for anything else."""
    parts = words.replace(",", " ").split()
    found = dict(zip(parts[::2], parts[1::2], strict=False))
    return found if len(parts) == 2 * len(found) and found.keys() <= {"model", "seed"} else None


def cap(app: "ConsoleApp", run: Run) -> None:
    """How much it may spend in all; of a run that another cap holds, or all of them together, that one."""
    name = run.held_by or "run_cap"
    old, spent = _so_far(app, run, name)
    open_calls = f", {money(run.burn.reserved)} reserved" if run.burn.reserved and not in_tokens(name) else ""
    which = "" if name == "run_cap" else f" ({name})"
    body: list[Row] = [[(f"spent {_amount(name, spent)}{open_calls} of {_amount(name, old)}{which}", "text")]]

    def check(_choice: int, words: str) -> str:
        new, (moves, _, origin) = _number(words), words.partition(" from ")
        if origin and name == "run_cap" and _number(moves):
            return "" if app.mirror.run(origin.strip()) else f"There is no run {origin.strip()}."
        if new is None:
            unit = "tokens" if in_tokens(name) else "money. Write dollars, like 25 or 12.50"
            return f"{words!r} is no amount of {unit}." if words else "How much?"
        return no_cap(new, name) if new > old else f"Its cap is {_amount(name, old)} now; name more than that."

    def do(_choice: int, words: str) -> None:
        moves, _, origin = words.partition(" from ")
        if origin:
            app.send(c.MoveBudget(run.id, origin.strip(), _number(moves) or Decimal(0)))
            return
        new = _number(words) or old
        command = raising(run.id, name, new)
        if new <= 2 * old:
            app.send(command)
            return
        means = f"From {_amount(name, old)} to {_amount(name, new)}: more than twice of what was allowed. "
        whose = f"the cap of {run.id}" if name == "run_cap" else name
        means += f"Spent: {_amount(name, spent)}."
        sure(app, (f"Raise {whose} that far?", means, "Raise it"), command, run.id)

    unit = "tokens" if in_tokens(name) else "dollars"
    others = [one for one in app.mirror.runs() if one.id != run.id and one.cap is not None and one.ledger == run.ledger]
    moving = f"; or 5 from {others[0].id}" if others and name == "run_cap" else ""
    _put(app, Question(f"Budget of {run.id}", body, words=f"its new cap in {unit}{moving}", check=check), do)


def late(app: "ConsoleApp", run: Run, twin: str) -> None:
    """How many milliseconds later a twin of it is to answer."""
    body = _said(
        "Besides what a scenario asks for, and in all cells of the run. What is judged meanwhile does not ship."
    )

    def do(_choice: int, words: str) -> None:
        app.send(c.SetFault(run.id, twin, f"latency={words}"))

    def check(_choice: int, words: str) -> str:
        return against(f"latency={words}") and f"Write milliseconds, 1 to {LONGEST}."

    _put(app, Question(f"{twin} of {run.id} answers late", body, words="milliseconds", check=check), do)


def raising(run: str, name: CapName, amount: Decimal) -> c.RaiseCap | c.SetCap:
    """The command that raises a cap of that name for a run."""
    for floor in FLOOR_CAPS:
        if name == floor:
            return c.SetCap(floor, amount)
    return c.RaiseCap(run, amount, next(one for one in RUN_CAPS if one == name))


def _so_far(app: "ConsoleApp", run: Run, name: CapName) -> tuple[Decimal, Decimal]:
    """The cap as it is, and what counts against it."""
    state = app.mirror.state
    for floor in FLOOR_CAPS:
        if name == floor:
            known = state.caps.get(floor)
            return (known.amount if known else None) or Decimal(0), state.spent(floor, app.clock())
    known_of_run = (cap for one, cap in run.caps.items() if one == name)
    return next(known_of_run, Decimal(0)), run.spent(name)


def _amount(name: CapName, amount: Decimal) -> str:
    return of_cap(name, amount) if in_tokens(name) else money(amount)


def shell(app: "ConsoleApp", run: Run, folder: Path, of_pass: int | None = None) -> None:
    """In the live cell, or in a copy of what a pass left: of this one, if nothing else is chosen."""
    numbers: list[int | None] = [item.number for item in reversed(run.passes) if item.commit]
    choices = [(f"a copy of pass {number}", "gone when you leave") for number in numbers]
    if any(cell.role == "agent" for cell in run.cells.values()):
        numbers.insert(0, None)
        choices.insert(0, ("its cell", "the agent finds what you change"))

    def do(choice: int, _words: str) -> None:
        lend(app, shell_words(folder, run.id, numbers[choice]), "the shell", stays=True)

    said = "UNFENCED: it runs on this machine." if app.mirror.unfenced(run) else ""
    body: list[Row] = [[(said, "waits")]] if said else []
    at = numbers.index(of_pass) if of_pass in numbers else 0
    _put(app, Question(f"Shell in {run.id}", body, choices, check=_chosen, at=at), do)


ABOUT_RUN: "dict[str, Callable[[ConsoleApp, Run], None]]" = {
    "steer": steer,
    "reseed": reseed,
    "escalate": escalate,
    "restart": restart,
    "fork": fork,
    "cap": cap,
}
"""Dialogs about one run, by the name of their action."""


def _chosen(choice: int, _words: str) -> str:
    return "" if choice >= 0 else "Choose one: by its digit, or with the arrows."


def _anew(run: Run, where: str) -> tuple[str, str, str]:
    means = (
        f"It forgets its conversation and works on from {where}. Its {len(run.passes)} passes stay, and count: "
        f"{run.max_passes} are allowed in all. Spent so far: {money(run.burn.money)}."
    )
    return f"Restart {run.id} from {where}?", means, "Restart"


def _number(words: str) -> Decimal | None:
    try:
        found = Decimal(words.strip().removeprefix("$"))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found > 0 else None


def changes(diff: str, limit: int = 400) -> list[Row]:
    """A unified diff as rows: what is added and what is taken away, by sign and tone."""
    tones = {"+": "good", "-": "bad", "@": "title"}
    return [
        [(part, tones.get(line[:1], "text") if not line.startswith(("+++", "---")) else "dim")]
        for line in clean(diff).expandtabs(4).splitlines()[:limit]
        for part in wrap(line, ROOM)
    ]
