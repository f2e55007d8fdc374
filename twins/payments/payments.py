"""The Payments API without its server: what a request is answered with. openapi.json says what is right."""

import json
import re
import secrets
import string
import threading
from datetime import datetime, timezone
from urllib.parse import parse_qs

LETTERS = string.ascii_lowercase + string.digits
KEY = re.compile(r"Bearer (sk_test_[A-Za-z0-9]{8,64})")
IDEMPOTENCY_KEY = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?")
LARGEST_BODY = 65536
LARGEST_AMOUNT = 99999999
CURRENCIES = ("chf", "eur", "gbp", "jpy", "usd")
REASONS = ("requested", "duplicate", "fraudulent")


class Refused(Exception):
    """A request that is not granted: status, code, a sentence for a person, and the key that is meant."""

    def __init__(self, status, code, message, param=None):
        super().__init__(message)
        self.status, self.code, self.param = status, code, param
        self.headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}

    def document(self):
        return {"error": {"code": self.code, "message": str(self), "param": self.param}}


def malformed(message, param=None):
    return Refused(400, "invalid_request", message, param)


# What a body or a query may hold. Each check takes a value and says whether it will do.


def text(longest, pattern=None):
    return lambda value: (
        isinstance(value, str) and len(value) <= longest and (pattern is None or bool(re.search(pattern, value)))
    )


def amount(value):
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_AMOUNT


def one_of(*known):
    return lambda value: isinstance(value, str) and value in known


def or_null(check):
    return lambda value: value is None or check(value)


NEW_CUSTOMER = {
    "name": (True, None, text(200, r"(?s).")),
    "email": (False, None, or_null(text(254, r"\A[^@\s]+@[^@\s]+\Z"))),
}
NEW_CHARGE = {
    "amount": (True, None, amount),
    "currency": (True, None, one_of(*CURRENCIES)),
    "source": (True, None, text(36, r"\Atok_[a-z]{1,32}\Z")),
    "customer": (False, None, or_null(text(LARGEST_BODY))),
    "description": (False, None, or_null(text(500))),
}
NEW_REFUND = {"amount": (False, None, or_null(amount)), "reason": (False, "requested", one_of(*REASONS))}
NAMED = {"id": (False, None, text(64, r"\A\w+\Z"))}
BEGINNING = {kind: (False, [], lambda value: isinstance(value, list)) for kind in ("customers", "charges")}


def checked(document, form):
    """The document with its defaults filled in. Raises Refused where its form does not allow it."""
    for key in document:
        if key not in form:
            raise malformed("this key is not known here", key)
    found = {}
    for key, (required, default, check) in form.items():
        if required and key not in document:
            raise malformed(f"{key} is missing", key)
        found[key] = document.get(key, default)
        if key in document and not check(found[key]):
            raise malformed(f"{key} has a value that is not allowed", key)
    return found


class Account:
    """What one key has made, oldest first. The caller holds the lock."""

    def __init__(self, data):
        self.customers, self.charges, self.refunds = {}, {}, {}
        self.answers = {}
        begun = checked(data, BEGINNING)
        for make, form, kind in ((self.customer, NEW_CUSTOMER, "customers"), (self.charge, NEW_CHARGE, "charges")):
            for thing in begun[kind]:
                asked = checked(thing, {**form, **NAMED})
                name = asked.pop("id")
                make(asked, name)

    def customer(self, asked, name=None):
        return self._made(self.customers, "cus", asked, name)

    def charge(self, asked, name=None):
        source = asked.pop("source")
        if asked["customer"] is not None and asked["customer"] not in self.customers:
            raise Refused(422, "no_such_customer", "there is no such customer", "customer")
        if source == "tok_declined":
            raise Refused(422, "card_declined", "the card was declined", "source")
        return self._made(self.charges, "ch", {**asked, "refunded": 0, "status": "succeeded"}, name)

    def refund(self, charge, asked):
        charge = self.find(self.charges, charge)
        left = charge["amount"] - charge["refunded"]
        if left == 0:
            raise Refused(422, "already_refunded", "nothing of this charge is left")
        wanted = left if asked["amount"] is None else asked["amount"]
        if wanted > left:
            raise Refused(422, "refund_too_large", f"only {left} of this charge is left", "amount")
        charge["refunded"] += wanted
        charge["status"] = "refunded" if charge["refunded"] == charge["amount"] else "partially_refunded"
        made = {"charge": charge["id"], "currency": charge["currency"], **asked, "amount": wanted}
        return self._made(self.refunds, "re", made)

    def find(self, things, name):
        thing = things.get(name)
        if thing is None:
            raise Refused(404, "not_found", f"there is no {name}")
        return thing

    def page(self, things, query):
        """The newest first. A cursor is the last item that was shown, so that new ones move nothing."""
        items, start = list(reversed(things)), 0
        if query["after"] is not None:
            names = [thing["id"] for thing in items]
            if query["after"] not in names:
                raise malformed("this is no cursor of this list", "after")
            start = names.index(query["after"]) + 1
        end = start + query["limit"]
        return {"data": items[start:end], "next": items[end - 1]["id"] if end < len(items) else None}

    def charges_of(self, query):
        wanted = query["customer"]
        return [thing for thing in self.charges.values() if wanted is None or thing["customer"] == wanted]

    def refunds_of(self, name):
        charge = self.find(self.charges, name)
        return [thing for thing in self.refunds.values() if thing["charge"] == charge["id"]]

    def _made(self, things, prefix, thing, name=None):
        name = name or f"{prefix}_" + "".join(secrets.choice(LETTERS) for _ in range(16))
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        made = things[name] = {"id": name, **thing, "created": now}
        return made


class Payments:
    """All accounts, each beginning with the same data. Any thread may use it."""

    def __init__(self, data=None):
        self._data = {} if data is None else data
        self._lock = threading.Lock()
        self._accounts = {}
        Account(self._data)

    def answer(self, method, target, headers, body):
        """Status, body and more headers of the answer to a request."""
        try:
            with self._lock:
                return self._answer(method, target, headers, body)
        except Refused as refused:
            return refused.status, written(refused.document()), refused.headers

    def _answer(self, method, target, headers, body):
        account = self._account(headers.get("Authorization") or "")
        path, _, query = target.partition("?")
        act, form = self._route(account, method, path)
        if method == "GET":
            return 200, written(act(queried(query))), {}
        if body is None or "Transfer-Encoding" in headers:
            raise malformed(f"a body is as long as Content-Length says, and {LARGEST_BODY} bytes at most")
        document = loaded(body or b"{}" if form is NEW_REFUND else body)
        asked = checked(document, form)
        return self._once(account, headers.get("Idempotency-Key"), (path, document), lambda: act(asked))

    def _account(self, authorization):
        key = KEY.fullmatch(authorization)
        if not key:
            raise Refused(401, "unauthorized", "a key of the form sk_test_... is needed, as a bearer token")
        if key[1] not in self._accounts:
            self._accounts[key[1]] = Account(self._data)
        return self._accounts[key[1]]

    def _route(self, account, method, path):
        """What does it, given the query or the body, and the form of that body."""
        match method, path.split("/")[1:]:
            case "POST", ["v1", "customers"]:
                return account.customer, NEW_CUSTOMER
            case "GET", ["v1", "customers"]:
                return lambda query: account.page(account.customers.values(), query), None
            case "GET", ["v1", "customers", name]:
                return lambda _: account.find(account.customers, name), None
            case "POST", ["v1", "charges"]:
                return account.charge, NEW_CHARGE
            case "GET", ["v1", "charges"]:
                return lambda query: account.page(account.charges_of(query), query), None
            case "GET", ["v1", "charges", name]:
                return lambda _: account.find(account.charges, name), None
            case "POST", ["v1", "charges", name, "refunds"]:
                return lambda asked: account.refund(name, asked), NEW_REFUND
            case "GET", ["v1", "charges", name, "refunds"]:
                return lambda query: account.page(account.refunds_of(name), query), None
            case "GET", ["v1", "refunds", name]:
                return lambda _: account.find(account.refunds, name), None
        raise Refused(404, "not_found", "there is no such path or method")

    def _once(self, account, key, request, act):
        """The answer of the act, or the one that the same request with that key got before."""
        if key is None:
            return 201, written(act()), {}
        if not IDEMPOTENCY_KEY.fullmatch(key):
            raise malformed("a key has 1 to 255 printable ASCII characters", "Idempotency-Key")
        if key in account.answers:
            before, answer = account.answers[key]
            if before != request:
                message = "this key was used for another request"
                raise Refused(409, "idempotency_conflict", message, "Idempotency-Key")
            return 201, answer, {"Idempotent-Replayed": "true"}
        answer = written(act())
        account.answers[key] = request, answer
        return 201, answer, {}


def queried(query):
    """The parameters that somebody may read, each as its schema has it."""
    given = {key: values[0] for key, values in parse_qs(query, keep_blank_values=True).items()}
    limit = given.get("limit", "10")
    if not re.fullmatch(r"[1-9][0-9]?|100", limit):
        raise malformed("limit is a whole number from 1 to 100", "limit")
    return {"limit": int(limit), "after": given.get("after"), "customer": given.get("customer")}


def loaded(body):
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise malformed("the body is no JSON") from None
    if not isinstance(document, dict):
        raise malformed("the body is no JSON object")
    return document


def written(document):
    return json.dumps(document).encode() + b"\n"
