"""The keys of a terminal by name, as the bytes that it sends to a program."""

from __future__ import annotations

_ARROWS = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}
_NUMBERED = {"insert": 2, "delete": 3, "pageup": 5, "pagedown": 6} | {
    f"f{number}": code for number, code in zip(range(5, 13), (15, 17, 18, 19, 20, 21, 23, 24), strict=True)
}
_PLAIN = {
    "enter": "\r",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "escape": "\x1b",
    "backspace": "\x7f",
    "space": " ",
    **{name: f"\x1b[{code}~" for name, code in _NUMBERED.items()},
    **{f"f{number}": f"\x1bO{'PQRS'[number - 1]}" for number in range(1, 5)},
    **{f"ctrl+{chr(code + 96)}": chr(code) for code in range(1, 27)},
}
NAMES = frozenset([*_PLAIN, *_ARROWS])


def pressed(name: str, *, application: bool) -> str:
    """What a key sends; `application`: as the program asked for its arrows. A key without a name is itself."""
    if name in _ARROWS:
        return f"\x1b{'O' if application else '['}{_ARROWS[name]}"
    return _PLAIN.get(name, name)


def is_key(name: str) -> bool:
    """Whether there is such a key: a name, or one character."""
    return name in NAMES or len(name) == 1
