"""The twin as its callers see it: a real server, real requests."""

import http.client
import json
import socket
import threading
import unittest

from payments import Payments, Refused
from twin import Server

KEY = "sk_test_tests1234"
NEW = {"amount": 1000, "currency": "eur", "source": "tok_visa"}


class TwinCase(unittest.TestCase):
    data = None

    def setUp(self):
        self.server = Server(0, Payments(self.data))
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def ask(self, method, path, document=None, body=None, key=KEY, once=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=5)
        self.addCleanup(connection.close)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if once is not None:
            headers["Idempotency-Key"] = once
        connection.request(method, path, json.dumps(document) if document is not None else body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), answer.headers

    def made(self, path, document, **more):
        status, thing, _ = self.ask("POST", path, document, **more)
        self.assertEqual(status, 201, thing)
        return thing

    def refused(self, status, code, param, method, path, document=None, **more):
        found, answer, _ = self.ask(method, path, document, **more)
        self.assertEqual((found, answer["error"]["code"], answer["error"]["param"]), (status, code, param))
        self.assertTrue(answer["error"]["message"])


class ChargeTest(TwinCase):
    def test_a_charge_is_made_and_shown_as_it_was_asked_for(self):
        charge = self.made("/v1/charges", NEW)
        self.assertRegex(charge["id"], r"^ch_[a-z0-9]{16}$")
        self.assertEqual((charge["amount"], charge["refunded"], charge["status"]), (1000, 0, "succeeded"))
        self.assertEqual((charge["customer"], charge["description"]), (None, None))
        self.assertEqual(self.ask("GET", "/v1/charges/" + charge["id"])[:2], (200, charge))

    def test_a_declined_card_leaves_no_charge(self):
        self.refused(422, "card_declined", "source", "POST", "/v1/charges", {**NEW, "source": "tok_declined"})
        self.assertEqual(self.ask("GET", "/v1/charges")[1], {"data": [], "next": None})

    def test_a_charge_can_be_a_customers(self):
        customer = self.made("/v1/customers", {"name": "Ada"})["id"]
        charge = self.made("/v1/charges", {**NEW, "customer": customer})
        self.made("/v1/charges", NEW)
        self.assertEqual(self.ask("GET", f"/v1/charges?customer={customer}")[1]["data"], [charge])
        self.refused(422, "no_such_customer", "customer", "POST", "/v1/charges", {**NEW, "customer": "cus_none"})

    def test_what_nobody_made_is_not_found(self):
        for path in (
            "/v1/charges/ch_none",
            "/v1/customers/cus_none",
            "/v1/refunds/re_none",
            "/v1/charges/ch_none/refunds",
        ):
            self.refused(404, "not_found", None, "GET", path)
        for method, path in (
            ("DELETE", "/v1/charges"),
            ("GET", "/v1"),
            ("GET", "/v1/charges/"),
            ("POST", "/v1/refunds"),
        ):
            self.refused(404, "not_found", None, method, path)


class RefundTest(TwinCase):
    def test_a_part_and_then_the_rest_are_given_back(self):
        charge = self.made("/v1/charges", NEW)["id"]
        part = self.made(f"/v1/charges/{charge}/refunds", {"amount": 300, "reason": "duplicate"})
        self.assertEqual(self.ask("GET", f"/v1/charges/{charge}")[1]["status"], "partially_refunded")
        rest = self.ask("POST", f"/v1/charges/{charge}/refunds")[1]
        self.assertEqual((rest["amount"], rest["reason"], rest["currency"]), (700, "requested", "eur"))
        self.assertEqual(self.ask("GET", f"/v1/charges/{charge}")[1]["refunded"], 1000)
        self.assertEqual(self.ask("GET", f"/v1/charges/{charge}/refunds")[1]["data"], [rest, part])
        self.assertEqual(self.ask("GET", "/v1/refunds/" + part["id"])[1], part)
        self.refused(422, "already_refunded", None, "POST", f"/v1/charges/{charge}/refunds", {"amount": 1})

    def test_more_than_was_charged_is_not_given_back(self):
        charge = self.made("/v1/charges", NEW)["id"]
        self.refused(422, "refund_too_large", "amount", "POST", f"/v1/charges/{charge}/refunds", {"amount": 1001})


class RefusalTest(TwinCase):
    def test_without_a_key_of_the_right_form_nothing_is_answered(self):
        for key in (None, "sk_live_12345678", "sk_test_1234567", "sk_test_12345678 x"):
            self.refused(401, "unauthorized", None, "GET", "/v1/charges", key=key)
        self.assertEqual(self.ask("GET", "/v1/nothing", key=None)[2]["WWW-Authenticate"], "Bearer")

    def test_a_body_that_is_no_object_is_malformed(self):
        for body in (None, "", "amount=5", "[]", "7", '{"amount": ', "[" * 50000, "9" * 6000, b"\xff", b"x" * 70000):
            self.refused(400, "invalid_request", None, "POST", "/v1/charges", body=body)

    def test_a_body_that_was_cut_off_gives_nothing_back(self):
        charge = self.made("/v1/charges", NEW)["id"]
        with socket.create_connection(("127.0.0.1", self.server.server_port), 5) as connection:
            head = f"POST /v1/charges/{charge}/refunds HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 14"
            connection.sendall(head.encode() + b"\r\n\r\n{}")
            connection.shutdown(socket.SHUT_WR)
            self.assertIn(b" 400 ", connection.makefile("rb").readline())
        self.assertEqual(self.ask("GET", f"/v1/charges/{charge}")[1]["refunded"], 0)

    def test_a_line_that_is_no_request_is_malformed(self):
        for line in (b"nonsense", b"GET http://[ HTTP/1.1"):
            with socket.create_connection(("127.0.0.1", self.server.server_port), 5) as connection:
                connection.sendall(line + f"\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode())
                self.assertRegex(connection.makefile("rb").readline(), rb"^HTTP/1\.0 40[04] ")

    def test_values_out_of_their_schema_are_named(self):
        for wrong in (
            {"amount": 0},
            {"amount": "5"},
            {"amount": 10**8},
            {"currency": "EUR"},
            {"source": "4242"},
            {"description": "x" * 501},
            {"tip": 1},
        ):
            self.refused(400, "invalid_request", next(iter(wrong)), "POST", "/v1/charges", {**NEW, **wrong})
        self.refused(400, "invalid_request", "name", "POST", "/v1/customers", {"email": None})
        self.refused(400, "invalid_request", "email", "POST", "/v1/customers", {"name": "Ada", "email": "ada"})


class ListTest(TwinCase):
    def test_pages_are_newest_first(self):
        made = [self.made("/v1/charges", NEW)["id"] for _ in range(5)]
        page = self.ask("GET", "/v1/charges?limit=2")[1]
        self.assertEqual([one["id"] for one in page["data"]], [made[4], made[3]])
        page = self.ask("GET", f"/v1/charges?limit=3&after={page['next']}")[1]
        self.assertEqual([one["id"] for one in page["data"]], [made[2], made[1], made[0]])
        self.assertIsNone(page["next"])

    def test_what_is_no_limit_or_no_cursor_is_malformed(self):
        for query in ("limit=0", "limit=101", "limit=", "limit=1.0", "after=", "after=nothing"):
            self.refused(400, "invalid_request", query.split("=")[0], "GET", f"/v1/customers?{query}")


class OnceTest(TwinCase):
    def test_the_same_request_is_done_once(self):
        first = self.made("/v1/charges", NEW, once="order 1")
        status, again, headers = self.ask("POST", "/v1/charges", dict(reversed(NEW.items())), once="order 1")
        self.assertEqual((status, again, headers["Idempotent-Replayed"]), (201, first, "true"))
        self.assertEqual(len(self.ask("GET", "/v1/charges")[1]["data"]), 1)

    def test_a_refused_request_leaves_its_key_free(self):
        self.ask("POST", "/v1/charges", {**NEW, "source": "tok_declined"}, once="order 2")
        self.made("/v1/charges", NEW, once="order 2")

    def test_a_key_that_is_none_is_malformed(self):
        for key in ("", "x" * 256, "ä"):
            self.refused(400, "invalid_request", "Idempotency-Key", "POST", "/v1/charges", NEW, once=key)


class DataTest(TwinCase):
    data = {
        "customers": [{"id": "cus_ada", "name": "Ada"}],
        "charges": [{**NEW, "id": "ch_first", "customer": "cus_ada"}],
    }

    def test_every_account_begins_with_the_data(self):
        for key in (KEY, KEY + "2"):
            self.assertEqual(self.ask("GET", "/v1/charges/ch_first", key=key)[1]["customer"], "cus_ada")
        self.made("/v1/charges/ch_first/refunds", {})
        self.assertEqual(self.ask("GET", "/v1/charges/ch_first", key=KEY + "2")[1]["refunded"], 0)

    def test_data_that_cannot_be_used_is_refused(self):
        for wrong in ({"charge": []}, {"charges": {}}, {"charges": [{"amount": 0}]}, {"charges": [{**NEW, "id": 7}]}):
            with self.assertRaises(Refused):
                Payments(wrong)


if __name__ == "__main__":
    unittest.main()
