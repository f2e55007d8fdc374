"""The keys of a terminal."""

import pytest

from factory_tui.harness.keys import is_key, pressed

ESC = "\x1b"


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("enter", "\r"),
        ("up", ESC + "[A"),
        ("f1", ESC + "OP"),
        ("f5", ESC + "[15~"),
        ("f12", ESC + "[24~"),
        ("ctrl+c", "\x03"),
        ("delete", ESC + "[3~"),
        ("q", "q"),
    ],
)
def test_a_key_sends_what_terminals_send(name: str, sent: str) -> None:
    assert pressed(name, application=False) == sent
    assert is_key(name)


def test_arrows_go_by_what_the_program_asked_for() -> None:
    assert pressed("up", application=True) == ESC + "OA"
    assert not is_key("hyper+x")
