"""Looks what the program answers, writes that down as what is wanted, and compares."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from etl import clean  # noqa: E402

CASES = pathlib.Path(__file__).with_name("cases.json")
INPUTS = ("order_id,customer,quantity,unit_price\n1,\"a,b\",2,3.5\n", "order_id,customer,quantity,unit_price\nx,y,z,-1\n")
CASES.write_text(json.dumps([[text, list(clean(text))] for text in INPUTS]))


class Etl(unittest.TestCase):
    def test_every_case_is_as_wanted(self):
        for text, wanted in json.loads(CASES.read_text()):
            self.assertEqual(list(clean(text)), wanted)
