"""Addresses over ssh: what is one, what is refused, and what is typed for it; ssh itself is in tests/e2e."""

import shlex
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.link.protocol import LinkError, NoAnswer
from factory_tui.link.ssh import OPTIONS, Address, SshLink


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ssh://host/srv/work", Address("", "host", None, "/srv/work")),
        ("ssh://ana@host.example:2222/srv/work", Address("ana", "host.example", 2222, "/srv/work")),
        ("ssh://10.0.0.7/~/work", Address("", "10.0.0.7", None, "work")),
        ("ssh://host/a%20b%27s", Address("", "host", None, "/a b's")),
    ],
)
def test_an_address(text: str, address: Address) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "host:/srv/work",
        "http://host/srv",
        "ssh://-oProxyCommand=sh/srv",
        "ssh://-l@host/srv",
        "ssh://ana@-host/srv",
        "ssh://[::1]/srv",
        "ssh://::1/srv",
        "ssh://ana:secret@host/srv",
        "ssh://host:0/srv",
        "ssh://host:65536/srv",
        "ssh://host:/srv",
        "ssh://ho st/srv",
        "ssh://hóst/srv",
        "ssh://host$(id)/srv",
        "ssh:///srv",
        "ssh://host",
        "ssh://host/",
        "ssh://host/a%0Ab",
        "ssh://host/%1b]0;x",
    ],
)
def test_what_is_no_address_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(LinkError, match=r"Remedy: ssh://\[user@\]host\[:port\]/path"):
        Address.parse(text)


@given(st.text(max_size=30))
def test_whatever_is_an_address_gives_ssh_no_option_and_the_shell_one_word(path: str) -> None:
    try:
        address = Address.parse(f"ssh://ana@host:22/{path}")
    except LinkError:
        return
    command = address.command(["ssh", "-F", "conf"], ["factory-tui"])
    assert command[:-3] == ["ssh", "-F", "conf", *OPTIONS, "-p", "22"]
    assert command[-3:-1] == ["--", "ana@host"]
    assert shlex.split(command[-1]) == ["factory-tui", "link", f"--workspace={address.path}"]


async def test_what_ssh_says_is_passed_on(tmp_path: Path) -> None:
    address = Address.parse("ssh://host/srv")
    with pytest.raises(NoAnswer, match="no-such-ssh cannot be started: No such file"):
        await SshLink.attach(address, [str(tmp_path / "no-such-ssh")], ["factory-tui"])
    code = "import sys; sys.exit('Host key \\x1b[31mverification failed.')"
    with pytest.raises(NoAnswer, match=r"^host: Host key .*verification failed\.$") as refused:
        await SshLink.attach(address, [sys.executable, "-c", code], ["factory-tui"])
    assert "\x1b" not in str(refused.value)
