"""Seeds: what a person wants, from `seeds/<name>.md` or `seeds/<name>/seed.md` with attachments beside it.

Owns their form, their names and their revision. It does not know what a run makes of them.
"""

import fnmatch
import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from factory_tui.config.checks import CAP, SHIP_RULE, out_of_bounds
from factory_tui.config.reading import Document, Mistakes, Problem, as_text, nearest
from factory_tui.config.recipe import Recipe, recipe_of
from factory_tui.config.twin import twin_names
from factory_tui.config.workspace import Workspace
from factory_tui.domain.identifiers import SEED_NAME
from factory_tui.domain.money import RUN_CAPS

IGNORED = (".*", "*~", "README.md", "__pycache__")
"""Names (globs) that are neither seeds nor attachments: hidden files, editors' copies, notes."""
UNWRITTEN = "NOT WRITTEN YET"
"""Stands in what `factory-tui new` makes until somebody writes it; no run begins on what says so."""
_FENCE = "+++"
_FORM = "Begin the file with a line `+++`, then the keys (owner = ...), a line `+++`, and then the prose."


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`budget` as a table: what a run, one of its passes or steps may spend. None: what config.toml says."""

    run_cap: Decimal | None = None
    run_tokens: int | None = None
    pass_cap: Decimal | None = None
    pass_tokens: int | None = None
    step_cap: Decimal | None = None
    step_tokens: int | None = None


class FrontMatter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys between the `+++` lines. None: what config.toml says."""

    owner: str = ""
    """The accountable human; required."""
    loop: str = "factory"
    ship_at: float | None = None
    alpha: float | None = None
    max_passes: int | None = None
    max_trajectories: int | None = None
    budget: Decimal | Budget | None = None
    """Dollars a run may spend; or a table of its caps by their names in `[policy]`, `run_cap` to `step_tokens`."""
    ratchet: bool | None = None
    """Whether a run goes back to its best pass by itself; `[policy] ratchet` says when."""
    image: str = ""
    """What its cells are made from, in place of `[cells] image`; one to be built lies in `cell/` (docs/images.md)."""
    twins: list[str] = []
    """Those that its agent may ask while it works, by their names in `twins/`."""
    autostart: bool = False
    """Start one run, a rehearsal, as soon as an engine sees this seed and its scenarios; never a second one."""


class Attachment(msgspec.Struct, frozen=True):
    """A file beside seed.md: path relative to the seed's folder, sha256 in hex, and what it holds."""

    path: str
    digest: str
    data: bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)


class Seed(FrontMatter, frozen=True, kw_only=True):
    """A seed as read: its front matter, its prose, and what is beside it."""

    name: str
    source: str
    """The seed's own file, as it is."""
    prose: str
    attachments: tuple[Attachment, ...]
    revision: str
    """12 hex digits that change with any byte of the seed or its attachments."""
    file: str
    """Relative to the workspace."""

    @property
    def caps(self) -> Budget:
        """What its runs may spend."""
        return self.budget if isinstance(self.budget, Budget) else Budget(run_cap=self.budget)

    @property
    def recipe(self) -> Recipe:
        """What its cells are made from. Raises Mistakes for one that `load_seed` would refuse."""
        return recipe_of(self.image, ((one.path, one.data) for one in self.attachments), self.file)


def load_seed(workspace: Workspace, name: str, owners: Collection[str] = ()) -> Seed:
    """The seed of that name; its owner must be one of `owners` when there are any. Raises Mistakes."""
    entries = _entries(workspace)
    wanted = [group for group in entries if name in {_name(entry) for entry in group}]
    if not wanted:
        known = [_name(group[0]) for group in entries]
        meant = nearest(name, known)
        remedy = f"Did you mean `{meant}`?" if meant else f"Write it, or name one of: {', '.join(known) or 'none yet'}."
        raise Mistakes(Problem(f"seeds/{name}.md", 0, "", f"there is no seed `{name}`.", remedy))
    return _load(workspace, wanted[0], owners)


def all_seeds(workspace: Workspace, owners: Collection[str] = ()) -> tuple[list[Seed], list[Problem]]:
    """Every seed that can be read, by name, and the problems of those that cannot."""
    seeds: list[Seed] = []
    problems: list[Problem] = []
    for group in _entries(workspace):
        try:
            seeds.append(_load(workspace, group, owners))
        except Mistakes as mistakes:
            problems += mistakes.problems
    return seeds, problems


def seed_names(workspace: Workspace) -> list[str]:
    """The name of everything in seeds/ that is to be a seed, whether it can be read or not."""
    return [_name(group[0]) for group in _entries(workspace)]


def unwritten(seed: Seed) -> tuple[Problem, ...]:
    """That the seed is still the page that `factory-tui new` made, if it is."""
    if UNWRITTEN not in seed.prose:
        return ()
    return (Problem(seed.file, 0, "", "asks for nothing: nobody wrote it yet.", "Write over all of its prose."),)


def name_problem(name: str, file: str) -> Problem | None:
    """Why the name cannot be a seed's, if it cannot."""
    if SEED_NAME.fullmatch(name):
        return None
    better = "-".join(name.lower().split())
    remedy = "Use small letters, digits, `-` and `_`" + (f": `{better}`." if SEED_NAME.fullmatch(better) else ".")
    message = f"`{name!r:.80}` cannot be a seed's name."
    return Problem(file.encode("utf-8", "replace").decode(), 0, "", message, remedy)


def _name(entry: Path) -> str:
    return entry.name.removesuffix(".md")


def _entries(workspace: Workspace) -> list[list[Path]]:
    """What stands in seeds/, grouped by name without regard to case: a group of two cannot be told apart."""
    groups: dict[str, list[Path]] = {}
    if workspace.seeds.is_dir():
        for entry in sorted(workspace.seeds.iterdir()):
            ignored = any(fnmatch.fnmatchcase(entry.name, pattern) for pattern in IGNORED)
            if not ignored and (entry.name.endswith(".md") or entry.is_dir()):
                groups.setdefault(_name(entry).lower(), []).append(entry)
    return [groups[name] for name in sorted(groups)]


def _load(workspace: Workspace, group: list[Path], owners: Collection[str]) -> Seed:
    entry = group[0]
    name, file = _name(entry), f"seeds/{entry.name}"
    if len(group) > 1:
        names = " and ".join(f"seeds/{one.name}{'/' if one.is_dir() else ''}" for one in group)
        raise _mistake(file, f"{names} are one name.", "Keep one of them.")
    if problem := name_problem(name, file):
        raise Mistakes(problem)
    folder = entry if entry.is_dir() else None
    path, file = (entry / "seed.md", f"{file}/seed.md") if folder else (entry, file)
    _stays(folder or entry, workspace.seeds, f"seeds/{entry.name}")
    if folder and not path.is_file():
        raise _mistake(file, "the seed's folder has no seed.md.", "Add seed.md with front matter and prose.")
    if not path.is_file():
        raise _mistake(file, "is no regular file.", "Make the seed a file of text.")
    if folder:
        _stays(path, folder, file)
    source = _bytes(path, file)
    front, prose = _parse(source, file, owners, twin_names(workspace.twins))
    attachments = tuple(_attachments(folder, f"seeds/{name}")) if folder else ()
    revision = hashlib.sha256(hashlib.sha256(source).digest())
    for one in attachments:
        revision.update(f"{one.path}\0{one.digest}\0".encode())
    recipe_of(front.image, ((one.path, one.data) for one in attachments), file, _line(source, "image"))
    return Seed(
        name=name,
        source=as_text(source, file),
        prose=prose,
        attachments=attachments,
        revision=revision.hexdigest()[:12],
        file=file,
        **msgspec.structs.asdict(front),
    )


def _parse(source: bytes, file: str, owners: Collection[str], twins: Collection[str]) -> tuple[FrontMatter, str]:
    text = as_text(source, file).removeprefix("\ufeff").replace("\r\n", "\n")
    if not text.strip():
        raise _mistake(file, "the seed is empty.", _FORM, 1)
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        raise _mistake(file, "no front matter: the first line is not `+++`.", _FORM, 1)
    end = next((number for number, line in enumerate(lines) if number and line.rstrip() == _FENCE), 0)
    if not end:
        raise _mistake(file, "the front matter that begins here never ends.", "Close it with a line `+++`.", 1)
    document = Document("\n".join(lines[1:end]), file, first_line=2)
    front = document.convert(FrontMatter)
    prose = "\n".join(lines[end + 1 :]).strip()
    problems = list(_judge(document, front, owners, twins))
    if not prose:
        message = "there is no prose after the front matter."
        problems.append(Problem(file, end + 1, "", message, "Say below it what you want, in your own words."))
    if problems:
        raise Mistakes(*problems)
    return front, prose + "\n"


def _judge(
    document: Document, front: FrontMatter, owners: Collection[str], twins: Collection[str]
) -> Iterator[Problem]:
    if not front.owner.strip():
        remedy = 'Add owner = "name": the human who answers for this seed.'
        yield document.problem(("owner",), "the seed has no owner.", remedy)
    elif owners and front.owner not in owners:
        meant = nearest(front.owner, owners)
        remedy = f"Did you mean `{meant}`?" if meant else f"Add [owners.{front.owner}] to config.toml."
        yield document.problem(("owner",), f"`{front.owner}` is not under [owners] in config.toml.", remedy)
    if not SEED_NAME.fullmatch(front.loop):
        yield document.problem(
            ("loop",), f"`{front.loop}` is no loop's name.", "Name a file in loops/, without `.dot`."
        )
    for number, name in enumerate(front.twins):
        if name not in twins:
            meant = nearest(name, twins)
            remedy = f"Did you mean `{meant}`?" if meant else f"There are: {', '.join(twins) or 'none yet'}."
            yield document.problem(("twins", number), f"there is no twin `{name}`.", remedy)
    yield from out_of_bounds(document, front, SHIP_RULE)
    if isinstance(front.budget, Budget):
        yield from out_of_bounds(document, front.budget, dict.fromkeys(RUN_CAPS, CAP), ("budget",))
    else:
        yield from out_of_bounds(document, front, {"budget": CAP})


def _attachments(folder: Path, shown: str) -> Iterator[Attachment]:
    """Every file of the folder but seed.md, sorted by path."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not any(fnmatch.fnmatchcase(name, one) for one in IGNORED)]
        for name in folders:
            path = Path(parent, name)
            if path.is_symlink():
                _stays(path, folder, f"{shown}/{path.relative_to(folder)}")
                message, remedy = "links to a folder, which is not followed.", "Put the folder itself there."
                raise _mistake(f"{shown}/{path.relative_to(folder)}", message, remedy)
        found += [
            Path(parent, name) for name in files if not any(fnmatch.fnmatchcase(name, one) for one in IGNORED[:2])
        ]
    for path in sorted(found, key=lambda one: one.relative_to(folder).as_posix()):
        relative = path.relative_to(folder).as_posix()
        if relative == "seed.md":
            continue
        file = f"{shown}/{relative}"
        if not relative.isprintable():
            raise _mistake(ascii(file), "the name holds characters that cannot be shown.", "Rename it.")
        _stays(path, folder, file)
        if not stat.S_ISREG(path.stat().st_mode):
            raise _mistake(file, "is no regular file.", "Remove it.")
        data = _bytes(path, file)
        yield Attachment(relative, hashlib.sha256(data).hexdigest(), data)


def _stays(path: Path, folder: Path, file: str) -> None:
    """Raise Mistakes when a symbolic link leads out of the folder, or nowhere."""
    if not path.is_symlink():
        return
    try:
        inside = path.resolve(strict=True).is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # dangling, or in a circle
        raise _mistake(file, "the link leads nowhere.", "Put the file itself there.") from None
    if not inside:
        raise _mistake(file, "the link leads out of its folder.", "Put the file itself there.")


def _line(source: bytes, key: str) -> int:
    """The line of a key in the front matter; 1 for one that is not there."""
    lines = source.splitlines()
    return next((at for at, line in enumerate(lines, 1) if line.split(b"=")[0].strip() == key.encode()), 1)


def _bytes(path: Path, file: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _mistake(file, f"cannot be read: {error.strerror}.", "Make it readable for this user.") from None


def _mistake(file: str, message: str, remedy: str, line: int = 0) -> Mistakes:
    return Mistakes(Problem(file, line, "", message, remedy))
