"""Who may come to a workspace over ssh: lines of authorized_keys that force the door, and nothing else in that file.

A line of ours ends with our marker; any other line is kept as it is, byte for byte. It starts no process.
"""

import base64
import binascii
import hashlib
import os
import re
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from factory_tui.config.reading import Mistakes, Problem

KEY_TYPES = frozenset(
    {
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "ssh-rsa",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)
MARK = "factory-tui-operator"
NAME = re.compile(r"[a-z0-9_-]{1,32}")
_OURS = re.compile(rf" {MARK}:([a-z0-9_-]{{1,32}}):(viewer|operator|admin):(/.*)")


class Key(NamedTuple):
    """A public key, without options and comment."""

    kind: str
    body: str

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` shows it."""
        digest = hashlib.sha256(base64.b64decode(self.body)).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


class Operator(NamedTuple):
    """A line of ours."""

    name: str
    role: str
    workspace: str
    key: Key


def read_key(path: Path) -> Key:
    """The one public key in a file. Raises Mistakes for anything else: a private key, options, two of them."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as fault:
        raise _mistake(path, f"cannot be read: {fault.strerror}.", "Name the file of a public key.") from None
    except UnicodeDecodeError:
        raise _mistake(path, "is no public key.", "Name the file that ends with .pub.") from None
    if "PRIVATE KEY" in text:
        raise _mistake(path, "is a private key: nobody but its owner may have it.", "Name the file ending with .pub.")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) != 1:
        raise _mistake(path, f"has {len(lines)} keys, not one.", "Give each operator a file with one public key.")
    kind, _, rest = lines[0].partition(" ")
    if kind not in KEY_TYPES:
        known = ", ".join(sorted(KEY_TYPES))
        raise _mistake(path, "does not begin with a known type of key.", f"No options before it; types: {known}")
    key = Key(kind, rest.split()[0] if rest.split() else "")
    if not _whole(key):
        raise _mistake(path, f"is no whole {kind} key.", "Copy the file again: it is one long line.")
    return key


def _whole(key: Key) -> bool:
    """Whether the body is base64 of fields, each after its length, and the first of them is the type (RFC 4253)."""
    try:
        rest = base64.b64decode(key.body, validate=True)
    except binascii.Error:
        return False
    fields = []
    while rest:
        length = int.from_bytes(rest[:4], "big")
        if len(rest) < 4 + length:
            return False
        fields.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    return len(fields) > 1 and fields[0] == key.kind.encode()


def line_of(operator: Operator, program: Sequence[str]) -> str:
    """The line that lets this key in by the door only. Raises Mistakes for a path that a line cannot hold."""
    if not operator.workspace.isprintable():
        raise _mistake(operator.workspace, "has a control character in its path.", "Rename the folder.")
    door = ["door", operator.name, "--role", operator.role, "--workspace", operator.workspace]
    forced = shlex.join([*program, *door]).replace('"', '\\"')  # sshd(8): only a quote is escaped in an option
    mark = f"{MARK}:{operator.name}:{operator.role}:{operator.workspace}"
    return f'restrict,pty,command="{forced}" {operator.key.kind} {operator.key.body} {mark}'


def add(file: Path, operator: Operator, program: Sequence[str]) -> str:
    """Let somebody in, in place of what their name had in this workspace; the line.

    Raises Mistakes for a key that lets somebody in already: ssh uses the first line that it finds.
    """
    line = line_of(operator, program)
    kept = []
    for number, old in enumerate(_read(file), 1):
        ours = parse(old)
        if ours and (ours.name, ours.workspace) == (operator.name, operator.workspace):
            continue
        if operator.key.body in old.split() and not old.lstrip().startswith("#"):
            whose = f"operator {ours.name} of {ours.workspace}" if ours else "somebody with a shell"
            raise _mistake(
                file, f"this key is that of {whose} already.", "Remove that line, or use another key.", number
            )
        kept.append(old)
    _write(file, [*kept, line])
    return line


def remove(file: Path, name: str, workspace: str) -> int:
    """Take out the lines of a name in this workspace; how many there were."""
    old = _read(file)
    kept = [line for line in old if not ((ours := parse(line)) and (ours.name, ours.workspace) == (name, workspace))]
    if len(kept) < len(old):
        _write(file, kept)
    return len(old) - len(kept)


def listed(file: Path, workspace: str) -> list[Operator]:
    """Whoever may come to this workspace, in the file's order."""
    return [ours for line in _read(file) if (ours := parse(line)) and ours.workspace == workspace]


def parse(line: str) -> Operator | None:
    """The operator of a line of ours; None for any other line."""
    mark = _OURS.search(line)
    if not mark or not line.startswith('restrict,pty,command="'):
        return None
    words = line[: mark.start()].split()
    if len(words) < 2 or words[-2] not in KEY_TYPES or not _whole(key := Key(words[-2], words[-1])):
        return None
    found = Operator(mark[1], mark[2], mark[3], key)
    return found if line.endswith(f"{key.kind} {key.body} {MARK}:{':'.join(found[:3])}") else None


def _read(file: Path) -> list[str]:
    try:
        text = file.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return []
    return text.removesuffix("\n").split("\n") if text else []


def _write(file: Path, lines: Sequence[str]) -> None:
    """All of it or nothing, for nobody else to read; what a link points at is replaced, not the link."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if file.parent.stat().st_mode & 0o077:
        file.parent.chmod(0o700)
    file = file.resolve()
    descriptor, fresh = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
            out.flush()
            os.fsync(out.fileno())
        Path(fresh).replace(file)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise


def _mistake(path: Path | str, message: str, remedy: str, line: int = 0) -> Mistakes:
    return Mistakes(Problem(str(path), line, "", message, remedy))
