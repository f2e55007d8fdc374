"""Refunds that together are more than was charged."""

from test_twin import NEW, TwinCase


class LeftTest(TwinCase):
    def test_one_cent_more_than_is_left_is_refused(self):
        charge = self.made("/v1/charges", NEW)["id"]
        self.made(f"/v1/charges/{charge}/refunds", {"amount": 600})
        self.refused(422, "refund_too_large", "amount", "POST", f"/v1/charges/{charge}/refunds", {"amount": 401})
        self.made(f"/v1/charges/{charge}/refunds", {"amount": 400})
        self.assertEqual(self.ask("GET", f"/v1/charges/{charge}")[1]["refunded"], 1000)
