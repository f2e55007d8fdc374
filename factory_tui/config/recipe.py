"""What a seed's cells are made from: an image by name, or one that is built from what lies in `cell/` beside seed.md.

Owns the form of `cell/`: a Dockerfile, or a devcontainer.json. Pure: it works on a seed's attachments, so that nothing
but what is in the seed's revision can get into an image. It knows no container engine.
"""

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from factory_tui.config.reading import Mistakes, Problem, as_text, nearest

FOLDER = "cell/"
"""What lies below this folder of a seed is no attachment that is shown, but makes the image of its cells."""
DOCKERFILE, DEVCONTAINER = f"{FOLDER}Dockerfile", f"{FOLDER}devcontainer.json"
_FORMAT = "1"
_OUTSIDE = ".factory-tui.Dockerfile"
"""The name in the context of a Dockerfile that lies outside of it; no attachment is hidden."""
_JSONC = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING = re.compile(r'"(?:\\.|[^"\\\n])*"|,(?=\s*[}\]])')
_VARIABLE = re.compile(r"\$\{(?P<kind>\w+)(?::(?P<name>[^}:]*)(?::(?P<default>[^}]*))?)?\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NEVER = ("mounts", "runArgs", "privileged", "capAdd", "securityOpt", "workspaceMount", "initializeCommand")
_TOLD = ("name", "$schema")
_HONOURED = ("image", "build", "dockerFile", "context", "remoteEnv", "containerEnv")


class File(msgspec.Struct, frozen=True):
    """A file of a build's context, by its path there."""

    path: str
    data: bytes

    @property
    def mode(self) -> int:
        """A script may be executed: a seed keeps no modes."""
        return 0o755 if self.data.startswith(b"#!") else 0o644


class Build(msgspec.Struct, frozen=True):
    """An image that is built: `dockerfile` is a path among the files of the context."""

    files: tuple[File, ...]
    dockerfile: str
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()

    @property
    def digest(self) -> str:
        """16 hex digits that change with any byte that the image is built from."""
        made = hashlib.sha256(f"{_FORMAT}\0{self.dockerfile}\0{self.target}\0{self.args}\0".encode())
        for one in self.files:
            made.update(f"{one.path}\0{one.mode}\0{hashlib.sha256(one.data).hexdigest()}\0".encode())
        return made.hexdigest()[:16]


class Recipe(msgspec.Struct, frozen=True):
    """What a seed asks of its cells. Without image and build: the workspace's image."""

    image: str = ""
    build: Build | None = None
    env: tuple[tuple[str, str], ...] = ()
    """Variables of every command, by name; values may hold `${containerEnv:NAME}`."""
    file: str = ""
    """What makes the image, for messages: the Dockerfile, or where the image is named."""
    ignored: tuple[str, ...] = ()
    """Keys of devcontainer.json that mean nothing here."""
    devcontainer: str = ""
    """Where those stand."""

    @property
    def digest(self) -> str:
        """12 hex digits of what is asked for; empty where nothing is."""
        if not (self.image or self.build or self.env):
            return ""
        asked = (self.image, self.build.digest if self.build else "", self.env)
        return hashlib.sha256(repr(asked).encode()).hexdigest()[:12]

    def warnings(self) -> Iterator[str]:
        """What of it is not done."""
        never = [key for key in self.ignored if key in _NEVER]
        if never:
            yield f"{self.devcontainer}: {', '.join(never)}: never done, since it would open the fence"
        rest = [key for key in self.ignored if key not in _NEVER]
        if rest:
            yield f"{self.devcontainer}: {', '.join(rest)}: not done here; put what they install into a Dockerfile"

    def variables(self, container: Mapping[str, str], work: str) -> tuple[tuple[str, str], ...]:
        """The variables with `${containerEnv:NAME}` and `${containerWorkspaceFolder}` replaced, sorted by name."""

        def value(found: re.Match[str]) -> str:
            if found["kind"] == "containerEnv":
                return container.get(found["name"] or "", found["default"] or "")
            if found["kind"] == "containerWorkspaceFolder":
                return work
            if found["kind"] == "containerWorkspaceFolderBasename":
                return posixpath.basename(work)
            return found[0]

        return tuple(sorted((name, _VARIABLE.sub(value, text)) for name, text in self.env))


def of_cell(path: str) -> bool:
    """Whether an attachment (its path within the seed) makes the image."""
    return path.startswith(FOLDER)


def recipe_of(image: str, attachments: Iterable[tuple[str, bytes]], seed: str, line: int = 1) -> Recipe:
    """The recipe of a seed: `image` of its front matter, its attachments by path, and its own file with the key's line.

    Raises Mistakes.
    """
    files = dict(attachments)
    here = posixpath.dirname(seed)
    if not any(of_cell(path) for path in files):
        return Recipe(image=image.strip(), file=seed)
    if DEVCONTAINER in files:
        recipe = _Devcontainer(files, here).recipe()
    elif DOCKERFILE in files:
        recipe = Recipe(build=_build(files, DOCKERFILE, FOLDER.rstrip("/")), file=f"{here}/{DOCKERFILE}")
    else:
        message = "holds neither a Dockerfile nor a devcontainer.json."
        remedy = "Add one; attachments that are to be shown lie in a folder of another name."
        raise Mistakes(Problem(f"{here}/{FOLDER}", 0, "", message, remedy))
    if image.strip():
        remedy = f"Remove the key, or {here}/{FOLDER}."
        raise Mistakes(Problem(seed, line, "image", f"{recipe.file} names an image too.", remedy))
    return recipe


def _build(
    files: Mapping[str, bytes], dockerfile: str, context: str, target: str = "", args: tuple[tuple[str, str], ...] = ()
) -> Build:
    """A build of the folder `context` ("" for the seed's own) by `dockerfile`, both within the seed."""
    below = f"{context}/" if context else ""
    found = [File(path.removeprefix(below), data) for path, data in files.items() if path.startswith(below)]
    name = dockerfile.removeprefix(below)
    if not dockerfile.startswith(below):
        name = _OUTSIDE
        found.append(File(name, files[dockerfile]))
    return Build(tuple(sorted(found, key=lambda one: one.path)), name, target, args)


class _Devcontainer:
    """cell/devcontainer.json of the seed whose folder is `here`. Format: containers.dev, the keys in _HONOURED."""

    def __init__(self, files: Mapping[str, bytes], here: str) -> None:
        self._files = files
        self._here = here
        self._file = f"{here}/{DEVCONTAINER}"
        self._text = as_text(files[DEVCONTAINER], self._file).removeprefix("\ufeff")

    def recipe(self) -> Recipe:
        data = self._parse()
        if not isinstance(data, dict):
            raise self._mistake("", "is no JSON object.", "Write { ... } with image or build in it.")
        build = self._table(data, "build")
        old = {"dockerfile": data.get("dockerFile"), "context": data.get("context", ".")}
        build = build or ({key: value for key, value in old.items() if value} if data.get("dockerFile") else {})
        image = self._word(data, "image", "image")
        env = {**self._variables(data, "containerEnv"), **self._variables(data, "remoteEnv")}
        if image and build:
            raise self._mistake("image", "stands beside `build`: one image is enough.", "Remove one of the two.")
        if not image and not build:
            meant = nearest("image", data) or nearest("build", data)
            said = f" Did you mean that by `{meant}`?" if meant else ""
            remedy = 'Add "image": "NAME", or "build": { "dockerfile": "Dockerfile" }.'
            raise self._mistake("", f"names neither image nor build.dockerfile.{said}", remedy)
        ignored = [key for key in data if key not in _HONOURED + _TOLD]
        ignored += [f"build.{key}" for key in build if key not in ("dockerfile", "context", "target", "args")]
        built, file = self._build(build) if build else (None, self._file)
        return Recipe(image, built, tuple(sorted(env.items())), file, tuple(ignored), self._file)

    def _parse(self) -> Any:
        plain = _JSONC.sub(lambda one: one[0] if one[0][0] == '"' else re.sub(r"[^\n]", " ", one[0]), self._text)
        plain = _TRAILING.sub(lambda one: one[0] if one[0][0] == '"' else " ", plain)
        try:
            return json.loads(plain)
        except json.JSONDecodeError as error:
            problem = f"not JSON: {error.msg}, at column {error.colno}."
            remedy = "Mend it there; comments and trailing commas are fine."
            raise Mistakes(Problem(self._file, error.lineno, "", problem, remedy)) from None
        except RecursionError:
            raise self._mistake("", "is nested too deep.", "Write it flat.") from None

    def _build(self, build: Mapping[str, Any]) -> tuple[Build, str]:
        """The build, and its Dockerfile as messages name it."""
        named = self._word(build, "dockerfile", "build.dockerfile")
        if not named:
            raise self._mistake("build", "names no dockerfile.", 'Add "dockerfile": "Dockerfile".')
        dockerfile = self._within(named, "build.dockerfile")
        context = self._within(self._word(build, "context", "build.context") or ".", "build.context")
        if dockerfile not in self._files:
            raise self._mistake(
                "build.dockerfile", f"there is no {self._here}/{dockerfile}.", "Name one that is there."
            )
        if context and not any(path.startswith(f"{context}/") for path in self._files):
            raise self._mistake(
                "build.context", f"there is nothing in {self._here}/{context}/.", "Name a folder with files."
            )
        args = self._variables(build, "args", "build.args")
        target = self._word(build, "target", "build.target")
        made = _build(self._files, dockerfile, context, target, tuple(sorted(args.items())))
        return made, f"{self._here}/{dockerfile}"

    def _within(self, path: str, key: str) -> str:
        """A path that is relative to devcontainer.json, as one within the seed's folder."""
        found = posixpath.normpath(posixpath.join(FOLDER, path))
        if path.startswith("/") or found == ".." or found.startswith("../"):
            message = f"`{path}` leads out of the seed's folder."
            raise self._mistake(key, message, f"Put the file below {self._here}/: nothing else gets into an image.")
        return "" if found == "." else found

    def _table(self, data: Mapping[str, Any], key: str, shown: str = "") -> Mapping[str, Any]:
        found = data.get(key, {})
        if not isinstance(found, dict):
            raise self._mistake(shown or key, "is no object.", 'Write { "NAME": "value" }.')
        return found

    def _word(self, data: Mapping[str, Any], key: str, shown: str) -> str:
        found = data.get(key, "")
        if not isinstance(found, str):
            raise self._mistake(shown, "is no text.", "Put it in quotes.")
        self._no_host(found, shown)
        return found.strip()

    def _variables(self, data: Mapping[str, Any], key: str, shown: str = "") -> dict[str, str]:
        shown = shown or key
        found = self._table(data, key, shown)
        for name, value in found.items():
            if not _NAME.fullmatch(name):
                raise self._mistake(shown, f"`{name!r:.80}` is no variable's name.", "Use letters, digits and `_`.")
            if not isinstance(value, str) or "\0" in value:
                raise self._mistake(f"{shown}.{name}", "is no text.", "Put it in quotes, or remove it.")
            self._no_host(value, f"{shown}.{name}")
        return dict(found)

    def _no_host(self, text: str, key: str) -> None:
        """Nothing of this machine gets into a cell: not what its environment holds, nor where its folders are."""
        for found in _VARIABLE.finditer(text):
            if found["kind"] in ("localEnv", "env"):
                message = f"{found[0]}: what this machine's environment holds never reaches a cell."
                raise self._mistake(key, message, "Write a value that is no secret; keys of models are added outside.")
            if found["kind"].startswith("local") or found["kind"] == "devcontainerId":
                message = f"{found[0]}: a cell knows no folder of this machine."
                raise self._mistake(key, message, "Use ${containerWorkspaceFolder}, the work tree in the cell.")

    def _mistake(self, key: str, message: str, remedy: str) -> Mistakes:
        last = key.rpartition(".")[2]
        at = self._text.find(f'"{last}"') if last else -1
        line = self._text.count("\n", 0, at) + 1 if at >= 0 else 0
        return Mistakes(Problem(self._file, line, key, message, remedy))
