import unittest


class Ledger(unittest.TestCase):
    def test_a_year_of_payments_adds_up(self):
        self.assertEqual("what it prints", "what it should")
