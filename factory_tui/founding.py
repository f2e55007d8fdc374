"""What `factory-tui init` and `factory-tui new` make: a workspace, and a seed with its first scenarios.

Owns which files they are and that none is ever written over. What the files say is in `templates/` and in the bundled
workspace; what they mean is judged elsewhere.
"""

import argparse
import getpass
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from factory_tui.config.load import load
from factory_tui.config.reading import Mistakes, Problem, nearest
from factory_tui.config.seed import UNWRITTEN, name_problem
from factory_tui.config.settings import Settings
from factory_tui.config.workspace import Workspace, bundled
from factory_tui.following import SHIPPED, typed

TEMPLATES = Path(__file__).parent / "templates"
IGNORED = ".factory/"
"""What of a workspace belongs to no repository: its state."""
_OWNER = re.compile(r"^\[owners\.demo\][^\n]*\nname = [^\n]*\n", re.MULTILINE)


def init(arguments: argparse.Namespace) -> int:
    """Make a workspace of a folder. Raises Mistakes where one is, or where a file would be written over."""
    folder: Path = arguments.dir
    workspace = Workspace(folder)
    if workspace.state.is_dir() or (workspace.config.is_file() and workspace.seeds.is_dir()):
        raise _mistake(folder, "is a workspace already.", f"Give it a seed: `{typed(workspace, 'new NAME')}`.")
    owner: str = arguments.owner or _login()
    files = dict(_workspace(owner))
    ignored = workspace.root / ".gitignore"
    kept = os.path.lexists(ignored)
    if not kept:
        files[".gitignore"] = f"{IGNORED}\n"
    _write(workspace.root, files)
    print(f"A workspace is made in {folder}: {', '.join(files)}")
    print(f"Who answers for its seeds: [owners.{_key(owner)}] in config.toml.")
    if kept and IGNORED not in ignored.read_text(encoding="utf-8", errors="replace").split():
        print(f".gitignore was here and stays as it is. Put `{IGNORED}` into it, so that no state is committed.")
    print("Next:")
    print(f"  {typed(workspace, 'doctor')}: what this machine lacks, with remedies")
    print(f"  {typed(workspace, 'new NAME')}: a first seed, and what it will be judged by")
    return SHIPPED


def new(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """Make a seed and its first scenarios. Raises Mistakes for a name, loop or owner that will not do."""
    name: str = arguments.seed
    settings = load(workspace.config)
    _free(workspace, name)
    owner = _owner(settings, arguments.owner)
    _known_loop(workspace, arguments.loop)
    front = f"owner = {json.dumps(owner, ensure_ascii=False)}\nloop = {json.dumps(arguments.loop)}\n"
    seed, scenarios = f"seeds/{name}.md", f"scenarios/{name}"
    prose = (TEMPLATES / "seed.md").read_text(encoding="utf-8").replace("{name}", name)
    files = {seed: f"+++\n{front}+++\n{prose}"}
    for template in sorted((TEMPLATES / "scenarios").iterdir()):
        files[f"{scenarios}/{template.name}"] = template.read_text(encoding="utf-8")
    _write(workspace.root, files)
    print(f"Made: {', '.join(files)}")
    print("Next:")
    print(f"  1. Write {seed}: what you want. The page says what belongs there.")
    print(f"  2. Write the stories in {scenarios}/, and more of them: how you would see that it does what you want.")
    print(f"     Files that still say {UNWRITTEN} keep a run from beginning.")
    print(f"  3. {typed(workspace, 'doctor')}, then {typed(workspace, f'run {name}')}")
    return SHIPPED


def _workspace(owner: str) -> Iterator[tuple[str, str]]:
    """Path to text, of all that a new workspace has."""
    source = bundled()
    table = f"[owners.{_key(owner)}]\nname = {json.dumps(owner, ensure_ascii=False)}\n"
    config = (source / "config.toml").read_text(encoding="utf-8")
    yield "config.toml", _OWNER.sub(lambda _: f"# Who answers for seeds: a table for each of you.\n{table}", config)
    yield "standards.md", (source / "standards.md").read_text(encoding="utf-8")
    for loop in sorted((source / "loops").glob("*.dot")):
        yield f"loops/{loop.name}", loop.read_text(encoding="utf-8")
    for folder in ("seeds", "scenarios"):
        yield f"{folder}/README.md", (TEMPLATES / f"{folder}.md").read_text(encoding="utf-8")


def _write(root: Path, files: Mapping[str, str]) -> None:
    """Make all of the files, or none. Raises Mistakes naming every one that is in the way."""
    against = sorted({str(path) for file in files if (path := _in_the_way(root / file))})
    if against:
        remedy = "Move it away, or use another folder."
        raise Mistakes(
            *(Problem(path, 0, "", "is there already, and nothing is written over.", remedy) for path in against)
        )
    made: list[Path] = []
    try:
        for file, text in files.items():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            with (root / file).open("x", encoding="utf-8") as opened:
                made.append(root / file)
                opened.write(text)
    except OSError:
        for path in made:
            path.unlink()
        raise


def _in_the_way(path: Path) -> Path | None:
    """What stands at the path, or at a folder above it without being one."""
    if os.path.lexists(path):
        return path
    return next((one for one in path.parents if os.path.lexists(one) and not one.is_dir()), None)


def _free(workspace: Workspace, name: str) -> None:
    """Raise Mistakes unless the name can be a seed's and is nobody's, in seeds/ and in scenarios/."""
    if problem := name_problem(name, f"seeds/{name}.md"):
        raise Mistakes(problem)
    for folder in (workspace.seeds, workspace.scenarios):
        for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
            if entry.name.removesuffix(".md").lower() == name:
                shown = f"{folder.name}/{entry.name}"
                raise _mistake(shown, f"has the name `{name}` already.", "Choose another name, or move it away.")


def _owner(settings: Settings, asked: str) -> str:
    known, login = ", ".join(settings.owners), _login()
    if asked and asked not in settings.owners:
        meant = nearest(asked, settings.owners)
        remedy = (
            f"Did you mean `{meant}`?"
            if meant
            else f"Name one of: {known or 'none yet'}; or add [owners.{_key(asked)}]."
        )
        raise _mistake("config.toml", f"`{asked}` is not under [owners].", remedy)
    if not settings.owners:
        raise _mistake("config.toml", "nobody is under [owners].", f"Add a table [owners.{_key(login)}].")
    if asked or login in settings.owners:
        return asked or login
    if len(settings.owners) > 1:
        raise _mistake("config.toml", "several are under [owners].", f"Say which by --owner: {known}.")
    return next(iter(settings.owners))


def _known_loop(workspace: Workspace, asked: str) -> None:
    known = sorted(path.stem for path in workspace.loops.glob("*.dot"))
    if asked not in known:
        meant = nearest(asked, known)
        remedy = f"Did you mean `{meant}`?" if meant else f"Write it, or name one of: {', '.join(known) or 'none yet'}."
        raise _mistake(f"loops/{asked}.dot", "there is no such loop.", remedy)


def _login() -> str:
    """Who is at this terminal, by the system's word."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as a uid without a name
        return "operator"


def _key(name: str) -> str:
    """The name as a key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _mistake(place: Path | str, message: str, remedy: str) -> Mistakes:
    return Mistakes(Problem(str(place), 0, "", message, remedy))
