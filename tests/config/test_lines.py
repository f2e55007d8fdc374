"""The tree of places agrees with tomllib on what is there, and knows the line of each."""

import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.config.lines import Place, Step, dotted, places

TRICKY = '''# key = 1
title = """
[not.a.table]
key = 1 # no comment
\\""" still inside
"""
raw = \'\'\'
a = "b"\'\'\'\'\'
a.b . "c.d" = 1
point = { x = 1, y.z = [ 1, { w = "}" } ] }
list = [ # one
  1, # two = 2
  "a,]b",

  [2, 3],
]
when = 1979-05-27 07:32:00
[table."quoted # key"]
k = \'\\\'
[[act]]
run = "x"
[act.expect]
exit = 0
[[act]]
[[act.header]]
name = "n"
[[act.header]]
name = "m"
'''


def line(text: str, *steps: Step) -> int:
    return places(text).find(steps).line


def test_keys_are_found_behind_strings_tables_and_arrays() -> None:
    assert line(TRICKY, "title") == 2
    assert line(TRICKY, "raw") == 7
    assert line(TRICKY, "a", "b", "c.d") == 9
    assert line(TRICKY, "point", "y", "z", 1, "w") == 10
    assert line(TRICKY, "list", 0) == 12
    assert line(TRICKY, "list", 1) == 13
    assert line(TRICKY, "list", 2, 1) == 15
    assert line(TRICKY, "when") == 17
    assert line(TRICKY, "table", "quoted # key", "k") == 19
    assert line(TRICKY, "act", 0, "expect", "exit") == 23
    assert line(TRICKY, "act", 1, "header", 1, "name") == 28


def test_the_first_line_may_stand_deeper_in_a_file() -> None:
    assert places("\nowner = 1", first_line=2).find(("owner",)).line == 3


def test_a_key_that_is_not_there_is_at_the_nearest_table() -> None:
    assert line("[a]\nb = 1\n", "a", "missing") == 1


def test_steps_are_shown_as_toml_writes_them() -> None:
    assert dotted(("models", "a b", "window")) == 'models."a b".window'
    assert dotted(("act", 2, "path")) == "act[2].path"


names = st.text("ab.-_ #='é[", min_size=1, max_size=4)
texts = st.text("ab=[]{}#\"',\n\\ é.", max_size=12)
values = st.recursive(
    st.integers(-9, 9) | st.booleans() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


class Writer:
    """Writes data as TOML in one of its many shapes, noting the line of every key and item."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[tuple[Step, ...], int] = {}

    def choose(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def note(self, steps: tuple[Step, ...]) -> None:
        self.lines.setdefault(steps, self.text.count("\n") + 1)

    def key(self, name: str) -> str:
        plain = name.isascii() and all(c.isalnum() or c in "-_" for c in name)
        basic = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        options = [basic] + [name] * plain + [f"'{name}'"] * ("'" not in name)
        return str(self.choose(*options))

    def string(self, value: str) -> str:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        options = ['"' + escaped.replace("\n", "\\n") + '"', '"""\n' + escaped + '"""']
        if "'" not in value:
            options.append("'''\n" + value + "'''")
        return str(self.choose(*options))

    def value(self, value: Any, steps: tuple[Step, ...]) -> None:
        if isinstance(value, bool):
            self.text += str(value).lower()
        elif isinstance(value, str):
            self.text += self.string(value)
        elif isinstance(value, list):
            self.text += "["
            for index, item in enumerate(value):
                self.text += self.choose("", " ", "\n  ", " # [ , \n")
                self.note((*steps, index))
                self.value(item, (*steps, index))
                self.text += ","
            self.text += self.choose("]", "\n]")
        elif isinstance(value, dict):
            self.text += "{"
            for number, (name, item) in enumerate(value.items()):
                self.text += ", " if number else " "
                self.note((*steps, name))
                self.text += f"{self.key(name)} = "
                self.value(item, (*steps, name))
            self.text += " }"
        else:
            self.text += str(value)

    def table(self, data: dict[str, Any], steps: tuple[Step, ...] = (), head: str = "") -> None:
        later: list[tuple[str, Any]] = []
        for name, value in data.items():
            several = isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
            if (several or isinstance(value, dict)) and self.choose(True, False):
                later.append((name, value))
                continue
            self.note((*steps, name))
            self.text += f"{self.key(name)}{self.choose('=', ' = ')}"
            self.value(value, (*steps, name))
            self.text += self.choose("\n", " # a = 1\n\n")
        for name, value in later:
            here = f"{head}.{self.key(name)}" if head else self.key(name)
            self.note((*steps, name))
            if isinstance(value, dict):
                self.text += f"[{here}]\n"
                self.table(value, (*steps, name), here)
            else:
                for index, item in enumerate(value):
                    self.note((*steps, name, index))
                    self.text += f"[[ {here} ]] # [x]\n"
                    self.table(item, (*steps, name, index), here)


def every(place: Place, steps: tuple[Step, ...] = ()) -> dict[tuple[Step, ...], int]:
    found = {}
    for step, inner in place.inside.items():
        found[*steps, step] = inner.line
        found |= every(inner, (*steps, step))
    return found


@settings(deadline=None)
@given(st.data(), st.dictionaries(names, values, max_size=4))
def test_every_key_of_any_toml_is_at_its_line(data: st.DataObject, wanted: dict[str, Any]) -> None:
    writer = Writer(data.draw)
    writer.table(wanted)
    assert tomllib.loads(writer.text) == wanted
    assert every(places(writer.text)) == writer.lines
