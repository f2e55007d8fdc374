"""Who may come over ssh: which keys are taken, which line is written, and that no other line is touched."""

import base64
import shlex
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.cli import main
from factory_tui.config.reading import Mistakes
from factory_tui.config.workspace import Workspace
from factory_tui.following import FAILED, SHIPPED, USAGE
from factory_tui.operators import KEY_TYPES, Key, Operator, add, line_of, listed, parse, read_key, remove
from tests.engine.conftest import home
from tests.test_cli import workspace

__all__ = ["home", "workspace"]
Output = pytest.CaptureFixture[str]
WHERE = "/srv/work"


def key(seed: str, kind: str = "ssh-ed25519") -> Key:
    """A key of the right shape."""
    fields = (kind.encode(), seed.encode().ljust(32, b"."))
    return Key(kind, base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in fields)).decode())


def file_of(folder: Path, one: Key) -> Path:
    path = folder / "ana.pub"
    path.write_text(f"# of ana\n{one.kind} {one.body} ana@home\n")
    return path


@pytest.mark.parametrize("kind", sorted(KEY_TYPES))
def test_a_public_key_is_read_without_its_comment(tmp_path: Path, kind: str) -> None:
    one = key("ana", kind)
    assert read_key(file_of(tmp_path, one)) == one


GOOD = f"ssh-ed25519 {key('ana').body}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has 0 keys, not one"),
        (f"{GOOD}\n{GOOD}\n", "has 2 keys, not one"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nx\n", "is a private key"),
        (f'command="sh" {GOOD}\n', "does not begin with a known type"),
        (f"no-pty {GOOD}\n", "does not begin with a known type"),
        ("ssh-dss AAAA\n", "does not begin with a known type"),
        ("ssh-ed25519\n", "is no whole ssh-ed25519 key"),
        (f"{GOOD[:-9]}\n", "is no whole ssh-ed25519 key"),
        (f"{GOOD[:30]}*{GOOD[31:]}\n", "is no whole ssh-ed25519 key"),
        (f"ssh-rsa {key('ana').body}\n", "is no whole ssh-rsa key"),
        ("\x00\xff", "keys, not one|known type"),
    ],
)
def test_anything_else_is_refused_with_a_remedy(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    with pytest.raises(Mistakes, match=f"({why}).* Remedy: "):
        read_key(path)
    with pytest.raises(Mistakes, match=r"is no public key|cannot be read"):
        read_key(tmp_path)


def opened(line: str) -> list[str]:
    """What the user's shell runs for a line, as sshd reads it: to the next quote that is not escaped."""
    rest, forced = line.removeprefix('restrict,pty,command="'), ""
    while not rest.startswith('"'):
        taken = 2 if rest.startswith('\\"') else 1
        forced, rest = forced + rest[taken - 1 : taken], rest[taken:]
    return shlex.split(forced)


@given(st.text(min_size=1, max_size=30).filter(str.isprintable))
def test_a_path_comes_whole_through_sshd_and_the_shell(path: str) -> None:
    ana = Operator("ana", "viewer", f"/{path}", key("ana"))
    line = line_of(ana, ["/opt/a b/factory-tui"])
    assert "\n" not in line
    assert opened(line) == ["/opt/a b/factory-tui", "door", "ana", "--role", "viewer", "--workspace", f"/{path}"]
    if "factory-tui-operator:" not in path:
        assert parse(line) == ana


def test_a_path_that_no_line_can_hold_is_refused() -> None:
    with pytest.raises(Mistakes, match="control character"):
        line_of(Operator("ana", "viewer", "/a\nssh-ed25519 AAAA", key("ana")), ["/factory-tui"])


FOREIGN = f"""# mine
ssh-ed25519 {key("me").body} me@home

from="10.0.0.0/8",command="echo factory-tui-operator:ana:viewer:{WHERE}" ssh-ed25519 {key("backup").body} backup
ssh-ed25519 {key("trick").body} factory-tui-operator:ana:viewer:{WHERE}
# ssh-ed25519 {key("ana").body} an old one"""


def test_no_line_but_ours_is_touched(tmp_path: Path) -> None:
    file = tmp_path / ".ssh" / "authorized_keys"
    file.parent.mkdir(mode=0o755)
    file.write_text(FOREIGN)
    file.chmod(0o644)
    ana = Operator("ana", "viewer", WHERE, key("ana"))
    first = add(file, ana, ["/factory-tui"])
    assert file.read_text() == f"{FOREIGN}\n{first}\n"
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    again = ana._replace(role="operator", key=key("new"))
    line = add(file, again, ["/factory-tui"])
    assert file.read_text() == f"{FOREIGN}\n{line}\n", "in place of what ana had"
    elsewhere = ana._replace(workspace="/srv/other", key=key("other"))
    add(file, elsewhere, ["/factory-tui"])
    assert (listed(file, WHERE), listed(file, "/srv/other")) == ([again], [elsewhere])
    assert remove(file, "ana", WHERE) == 1
    assert remove(file, "ana", WHERE) == 0
    assert remove(file, "ana", "/srv/other") == 1
    assert file.read_text() == f"{FOREIGN}\n"
    assert [path.name for path in file.parent.iterdir()] == ["authorized_keys"]


def test_a_key_that_opens_something_already_is_refused(tmp_path: Path) -> None:
    """sshd takes the first line with a key: one with a shell would make the door's line worth nothing."""
    file = tmp_path / "authorized_keys"
    file.write_text(FOREIGN)
    with pytest.raises(Mistakes, match=r"authorized_keys:2: this key is that of somebody with a shell already\."):
        add(file, Operator("me", "viewer", WHERE, key("me")), ["/factory-tui"])
    add(file, Operator("ana", "viewer", WHERE, key("ana")), ["/factory-tui"])
    with pytest.raises(Mistakes, match="this key is that of operator ana of /srv/work already"):
        add(file, Operator("bo", "admin", WHERE, key("ana")), ["/factory-tui"])


def test_a_linked_file_stays_a_link(tmp_path: Path) -> None:
    real, file = tmp_path / "real", tmp_path / ".ssh" / "authorized_keys"
    real.write_text("")
    file.parent.mkdir()
    file.symlink_to(real)
    add(file, Operator("ana", "viewer", WHERE, key("ana")), ["/factory-tui"])
    assert file.is_symlink()
    assert len(listed(real, WHERE)) == 1


def test_the_commands_say_what_they_did(workspace: Workspace, home: Path, tmp_path: Path, capsys: Output) -> None:
    where = ["--workspace", str(workspace.root)]
    wanted = ["operators", "add", "ana", "--key", str(file_of(tmp_path, key("ana"))), "--role", "operator", *where]
    assert main([*wanted, "--print"]) == SHIPPED
    assert capsys.readouterr().out.startswith('restrict,pty,command="/')
    assert not (home / ".ssh").exists()
    assert main(wanted) == SHIPPED
    said = capsys.readouterr().out
    assert "ana may come in as operator with the key SHA256:" in said
    assert f"Written to: {home}/.ssh/authorized_keys" in said
    assert main(["operators", "list", *where]) == SHIPPED
    assert "operator ssh-ed25519 SHA256:" in capsys.readouterr().out
    assert main(["operators", "remove", "ana", *where]) == SHIPPED
    assert main(["operators", "remove", "ana", *where]) == FAILED
    assert main(["operators", "list", *where]) == SHIPPED
    assert "nobody but you" in capsys.readouterr().out
    for wrong in (["operators", "add", "Ana", *wanted[3:]], [*wanted, "--program", "factory-tui"]):
        assert main(wrong) == USAGE
    assert "is no absolute path" in capsys.readouterr().err
