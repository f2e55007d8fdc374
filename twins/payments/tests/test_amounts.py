"""Amounts that only look like numbers."""

from test_twin import NEW, TwinCase


class AmountTest(TwinCase):
    def test_a_boolean_is_no_amount(self):
        self.refused(400, "invalid_request", "amount", "POST", "/v1/charges", {**NEW, "amount": True})
        charge = self.made("/v1/charges", NEW)["id"]
        self.refused(400, "invalid_request", "amount", "POST", f"/v1/charges/{charge}/refunds", {"amount": True})
