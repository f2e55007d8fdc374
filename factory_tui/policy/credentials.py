"""Keys by name, from the environment, and their removal from every text.

Owns the only place where a key's value is read. It never writes one anywhere.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote

from factory_tui.config.settings import ModelTable

REDACTED = "[redacted]"
KEYLESS = "none"
"""What is sent as a key to an endpoint that wants none (`key_env = ""`)."""
_SHORTEST = 6
"""Values below this many characters are no secrets: to replace them would destroy ordinary text."""


class NoKey(Exception):  # noqa: N818
    """The environment variable that a model names holds no key; the message says which, and what mends it."""


class Credentials:
    """The keys that the configured models name."""

    def __init__(self, models: Iterable[ModelTable], environ: Mapping[str, str]) -> None:
        self._environ: dict[str, str] = {}
        self.learn(models, environ)

    def learn(self, models: Iterable[ModelTable], environ: Mapping[str, str]) -> None:
        """The keys of more models. Those known before stay secret."""
        names = {model.key_env for model in models if model.key_env}
        self._environ |= {name: environ[name].strip() for name in names if environ.get(name, "").strip()}
        spellings = {form for value in self._environ.values() for form in _spellings(value)}
        self._spellings = sorted(spellings, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, self._spellings))) if self._spellings else None

    def key(self, model: ModelTable) -> str:
        """The model's key. Raises NoKey."""
        if not model.key_env:
            return KEYLESS
        if model.key_env not in self._environ:
            raise NoKey(
                f"the environment variable {model.key_env} is not set: set it before the engine starts, "
                "or name another one in key_env of the model in config.toml"
            )
        key = self._environ[model.key_env]
        if not (key.isascii() and key.isprintable()):
            raise NoKey(
                f"the value of {model.key_env} has characters that no key has: set it anew, without line breaks"
            )
        return key

    def redact(self, text: str) -> str:
        """The text without any known key, plain or in base64, percent or JSON spelling."""
        return self._known.sub(REDACTED, text) if self._known else text

    def live(self) -> Callable[[str], str]:
        """A `redact` for one text that comes in pieces: what may be the beginning of a key waits for the next piece."""
        if self._known is None:
            return str
        held = ""

        def redact(piece: str) -> str:
            nonlocal held
            text = self.redact(held + piece)
            shown = len(text) - self._begun(text)
            text, held = text[:shown], text[shown:]
            return text

        return redact

    def _begun(self, text: str) -> int:
        """How many characters at the end of the text a key may begin with."""
        most = 0
        for form in self._spellings:
            at = text.find(form[0], max(0, len(text) - len(form) + 1))
            while 0 <= at < len(text) - most:
                if form.startswith(text[at:]):
                    most = len(text) - at
                at = text.find(form[0], at + 1)
        return most


def _spellings(value: str) -> set[str]:
    """How a key can stand in a text. In base64 the first and last characters depend on what is around the key."""
    if len(value) < _SHORTEST:
        return set()
    raw = value.encode()
    forms = {value, json.dumps(value)[1:-1], quote(value, safe=""), quote(value, safe="").replace("%", "%25")}
    forms.add(re.sub("%..", lambda match: match[0].lower(), quote(value, safe="")))
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * before + raw).decode().rstrip("=")
            whole = (before + len(raw)) * 8 // 6
            forms.add(text[(before * 8 + 5) // 6 : whole])
    return forms
