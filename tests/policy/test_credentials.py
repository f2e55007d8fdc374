"""Keys come by name and leave no text."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.config.settings import ModelTable
from factory_tui.policy.credentials import Credentials, NoKey

MODEL = ModelTable(key_env="MY_KEY")


def test_a_key_is_read_by_its_name() -> None:
    assert Credentials([MODEL], {"MY_KEY": " secret-1 "}).key(MODEL) == "secret-1"


@pytest.mark.parametrize("environ", [{}, {"MY_KEY": ""}, {"MY_KEY": "  "}])
def test_a_missing_key_names_the_variable_and_the_remedy(environ: dict[str, str]) -> None:
    with pytest.raises(NoKey, match=r"MY_KEY is not set: set it .* or name another one in key_env"):
        Credentials([MODEL], environ).key(MODEL)


@pytest.mark.parametrize("value", ["sk-a\nsk-b", "sk-ключ"])
def test_a_key_that_no_header_can_carry_is_refused(value: str) -> None:
    with pytest.raises(NoKey, match="MY_KEY has characters that no key has"):
        Credentials([MODEL], {"MY_KEY": value}).key(MODEL)


def test_an_endpoint_without_a_key_gets_a_word_that_is_none() -> None:
    assert Credentials([], {}).key(ModelTable(key_env="")) == "none"


def test_without_keys_nothing_is_redacted() -> None:
    assert Credentials([MODEL], {}).redact("none of it") == "none of it"


@given(
    secret=st.text(min_size=8).map(str.strip).filter(lambda text: len(text) >= 8), before=st.binary(), after=st.binary()
)
def test_no_spelling_of_a_key_survives(secret: str, before: bytes, after: bytes) -> None:
    credentials = Credentials([MODEL], {"MY_KEY": secret})
    for form in (secret, quote(secret, safe="")):
        assert credentials.redact(f"<{form}>") == "<[redacted]>"
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert "[redacted]" in credentials.redact(encode(before + secret.encode() + after).decode())


@given(pieces=st.lists(st.sampled_from(["secret-1", "secret", "sec", "-1", "s", "ret", "x", " "])))
def test_a_key_that_comes_in_pieces_is_never_shown(pieces: list[str]) -> None:
    credentials = Credentials([MODEL], {"MY_KEY": "secret-1"})
    live = credentials.live()
    shown = "".join(map(live, pieces))
    assert "secret-1" not in shown
    # only what a key may begin with waits
    assert shown + live("|") == credentials.redact("".join(pieces) + "|")


def test_without_keys_nothing_waits() -> None:
    assert Credentials([MODEL], {}).live()("secret-") == "secret-"
