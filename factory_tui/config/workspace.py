"""The workspace's folders: where everything is, who it is, and that one engine holds it.

Owns paths, the workspace's identity, its lock and the bundled copy. It opens none of the files it names.
"""

import fcntl
import hashlib
import os
import shutil
import stat
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import factory_tui
from factory_tui.config.reading import Mistakes, Problem

BUNDLED = ("config.toml", "standards.md", "seeds", "loops", "scenarios", "twins")
SOCKET_LIMIT = 100
"""Bytes of a socket's path; the system's own limit is 104 to 108."""
PATIENCE = 1.0
"""Seconds to wait for the lock."""
SERVED = "workspace"
"""The file beside a workspace's keys that says where it is."""


class Lock:
    """The workspace is held by this process until `release`, or its end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the workspace go; again is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Workspace:
    """A folder with config.toml, seeds/, loops/, scenarios/ and twins/; its state lives in .factory/."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root).absolute()
        self.config = self.root / "config.toml"
        self.standards = self.root / "standards.md"
        self.seeds = self.root / "seeds"
        self.loops = self.root / "loops"
        self.scenarios = self.root / "scenarios"
        self.twins = self.root / "twins"
        self.state = self.root / ".factory"
        self.log = self.state / "engine.log"
        self.rehearsals = self.state / "rehearsals"
        """Names the folder of playbooks that the engine here was started with."""
        self.shipped = self.state / "shipped"
        self.snapshots = self.state / "snapshots.git"

    @classmethod
    def find(cls, start: Path) -> Self:
        """The workspace that `start` is in. Raises Mistakes."""
        for folder in (Path(start).absolute(), *Path(start).absolute().parents):
            found = cls(folder)
            if found.config.is_file() and any(
                part.is_dir() for part in (found.seeds, found.loops, found.scenarios, found.state)
            ):
                return found
        raise _mistake(
            start,
            "no workspace here, nor in any folder above.",
            "Make one with `factory-tui init`, go to one, or see one at work with `factory-tui demo`.",
        )

    @property
    def identity(self) -> str:
        """16 hex digits, drawn when first asked for and then kept in .factory/id. Raises Mistakes."""
        path = self.state / "id"
        if not path.exists():
            self.make_state()
            fresh = self.state / f"id.{os.urandom(4).hex()}"
            with fresh.open("x") as file:
                file.write(os.urandom(8).hex() + "\n")
                file.flush()
                os.fsync(file.fileno())  # the journal's key is found by it: it may not be lost to a power cut alone
            try:
                os.link(fresh, path)  # whoever comes first decides, whole
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
            sync_folder(self.state)
            sync_folder(self.root)
        identity = path.read_text().strip()
        if len(identity) != 16 or not set(identity) <= set("0123456789abcdef"):
            raise _mistake(
                path, "not the workspace's identity: 16 hex digits.", "Restore it from a backup of .factory/."
            )
        return identity

    @property
    def socket(self) -> Path:
        """Where the engine listens: in .factory/, or by the identity in a folder of the user's own. Raises Mistakes."""
        near = self.state / "engine.sock"
        if len(os.fsencode(near)) <= SOCKET_LIMIT:
            return near
        if (told := self._told()) is not None:
            return told
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        name = f"{self.identity}.sock"
        if runtime.startswith("/"):
            folder = Path(runtime) / "factory-tui"
            if len(os.fsencode(folder / name)) <= SOCKET_LIMIT and Path(runtime).is_dir():
                return _private(folder) / name
        return _private(Path(f"/tmp/factory-tui-{os.getuid()}")) / name  # noqa: S108 -- checked to be ours alone

    def tell_socket(self) -> None:
        """Write down where the engine listens, where that hangs on the environment: a session over ssh has another."""
        socket = self.socket
        if socket.parent != self.state:
            (self.state / "socket").write_text(str(socket))

    def _told(self) -> Path | None:
        """Where an engine said that it listens, if a socket of this user's is there."""
        try:
            told = Path((self.state / "socket").read_text())
            found = told.lstat()
        except FileNotFoundError:
            return None
        return told if stat.S_ISSOCK(found.st_mode) and found.st_uid == os.getuid() else None

    @property
    def keys(self) -> Path:
        """The folder (0700, made when missing) of this workspace's keys, outside of it. Raises Mistakes."""
        folder = keys_of(self.identity)
        if folder.resolve().is_relative_to(self.root.resolve()):
            raise _mistake(
                folder, "the keys' folder is inside the workspace.", "Set XDG_STATE_HOME to a folder outside."
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        return _private(folder)

    def is_called(self, identity: str) -> bool:
        """Whether it has that identity; draws none."""
        try:
            return (self.state / "id").read_text(encoding="ascii").strip() == identity
        except (FileNotFoundError, NotADirectoryError):
            return False

    def remember(self) -> None:
        """Keep beside the keys where the workspace is, so that what it leaves behind can be told from what it uses."""
        (self.keys / SERVED).write_text(str(self.root.resolve()), encoding="utf-8")

    def hold(self, patience: float = PATIENCE) -> Lock:
        """Hold the workspace as its one engine. Raises Mistakes naming the process that holds it already."""
        self.make_state()
        path = self.state / "lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _locked(descriptor, patience):
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise _mistake(
                path,
                f"another engine (process {holder}) holds this workspace.",
                "Attach to it with `factory-tui`, or end it with `factory-tui engine stop`.",
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return Lock(descriptor)

    def make_state(self) -> None:
        """Make .factory/, this user's alone: prompts, verdicts and the vault's inputs are in it. Raises Mistakes."""
        try:
            self.state.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise _mistake(
                self.state,
                f"cannot be made: {error.strerror}.",
                "Make the workspace's folder writable, with space on its disk.",
            ) from None


def is_gone(identity: str) -> bool:
    """Whether this user's engine served a workspace of that identity that is not where it was; moved ones count."""
    root = served(identity)
    return root is not None and not Workspace(root).is_called(identity)


def served(identity: str) -> Path | None:
    """Where this user's engine last served a workspace of that identity; None: never."""
    try:
        root = (keys_of(identity) / SERVED).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Path(root) if root else None


def keys_of(identity: str) -> Path:
    """Where the keys of a workspace of that identity are, if it has any yet."""
    return _kept_by_user() / identity


def looks_of(name: str) -> Path:
    """Where consoles keep when each operator last looked at what goes by that name: an identity, or an address."""
    return _kept_by_user() / "looks" / hashlib.sha256(name.encode()).hexdigest()[:16]


def _kept_by_user() -> Path:
    home = os.environ.get("XDG_STATE_HOME", "")
    base = Path(home) if home.startswith("/") else Path.home() / ".local" / "state"
    return base / "factory-tui"


def sync_folder(folder: Path) -> None:
    """Make the folder's entries survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _locked(descriptor: int, patience: float) -> bool:
    """Take the lock; whoever reads the journal of a stopped engine has it for a moment, so that one is waited for."""
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def bundled() -> Path:
    """The workspace that came with the program: a wheel carries it, a clone is one. Raises Mistakes."""
    package = Path(factory_tui.__file__).parent
    for folder in (package / "workspace", package.parent):
        if (folder / "config.toml").is_file():
            return folder
    raise _mistake(package / "workspace", "the bundled workspace is missing.", "Install factory-tui again.")


def copy_bundled(destination: Path) -> Workspace:
    """Copy the bundled workspace into a new or empty folder. Raises Mistakes."""
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise _mistake(destination, "exists and is not an empty folder.", "Name a folder that is new or empty.")
    source = bundled()
    destination.mkdir(parents=True, exist_ok=True)
    for name in BUNDLED:
        if (source / name).is_dir():
            shutil.copytree(source / name, destination / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (source / name).is_file():
            shutil.copyfile(source / name, destination / name)
    return Workspace(destination)


def _private(folder: Path) -> Path:
    """The folder, this user's and nobody else's; /tmp is shared, so that an existing one is not trusted unseen."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise _mistake(folder, f"cannot be made: {error.strerror}.", "Make the folder above it writable.") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise _mistake(
            folder, "is not a folder of this user.", "Remove it, or set XDG_RUNTIME_DIR to a folder of yours."
        )
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
    return folder


def _mistake(path: Path, message: str, remedy: str) -> Mistakes:
    return Mistakes(Problem(str(path), 0, "", message, remedy))
