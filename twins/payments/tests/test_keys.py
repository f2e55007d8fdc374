"""Idempotency keys that are used for something else."""

from test_twin import NEW, TwinCase


class KeyTest(TwinCase):
    def test_another_amount_is_a_conflict(self):
        self.made("/v1/charges", NEW, once="k")
        conflict = (409, "idempotency_conflict", "Idempotency-Key")
        self.refused(*conflict, "POST", "/v1/charges", {**NEW, "amount": 999}, once="k")
        self.assertEqual(len(self.ask("GET", "/v1/charges")[1]["data"]), 1)

    def test_another_path_is_a_conflict(self):
        charges = [self.made("/v1/charges", NEW)["id"] for _ in range(2)]
        self.made(f"/v1/charges/{charges[0]}/refunds", {"amount": 1}, once="k")
        conflict = (409, "idempotency_conflict", "Idempotency-Key")
        self.refused(*conflict, "POST", f"/v1/charges/{charges[1]}/refunds", {"amount": 1}, once="k")

    def test_another_account_has_keys_of_its_own(self):
        self.made("/v1/charges", NEW, once="k")
        self.made("/v1/charges", {**NEW, "amount": 5}, once="k", key="sk_test_another1")
