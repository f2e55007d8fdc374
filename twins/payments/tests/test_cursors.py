"""Pages that are turned while others are at work."""

from test_twin import NEW, TwinCase


class CursorTest(TwinCase):
    def test_what_is_made_in_between_moves_nothing(self):
        made = [self.made("/v1/charges", NEW)["id"] for _ in range(4)]
        first = self.ask("GET", "/v1/charges?limit=2")[1]
        self.made("/v1/charges", NEW)
        second = self.ask("GET", f"/v1/charges?limit=2&after={first['next']}")[1]
        self.assertEqual([one["id"] for one in first["data"] + second["data"]], made[::-1])
        self.assertIsNone(second["next"])

    def test_a_cursor_of_another_list_is_none(self):
        self.made("/v1/charges", NEW)
        self.made("/v1/charges", NEW)
        cursor = self.ask("GET", "/v1/charges?limit=1")[1]["next"]
        self.refused(400, "invalid_request", "after", "GET", f"/v1/customers?after={cursor}")
