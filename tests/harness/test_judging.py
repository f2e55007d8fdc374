"""What a file must hold, once the wanted documents are filled in from draws."""

import json

import pytest

from factory_tui.harness.judging import judge_file
from factory_tui.harness.shapes import FileExpect


@pytest.mark.parametrize("drawn", ["l4}}O", "{{x", "{0}", "{name}"])
def test_braces_that_were_drawn_are_text_and_no_template(drawn: str) -> None:
    data = json.dumps({"customer": drawn}).encode() + b"\n"
    checks = judge_file("out.jsonl", FileExpect(jsonl="{clean}"), data, {"clean": [{"customer": drawn}]})
    assert all(check.met for check in checks), checks
