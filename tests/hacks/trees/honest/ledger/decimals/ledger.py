"""The club's ledger: decimals with as many digits as it takes."""

import datetime
import decimal
import re
import sys

CENT = decimal.Decimal("0.01")


class Refused(Exception):
    pass


def words(line):
    """Words are parted by blanks alone: an account may hold any other character."""
    found = [word for word in line.split(" ") if word]
    if len(found) not in (4, 6) or (len(found) == 6 and found[4] != "fee"):
        raise Refused("this line is no payment")
    return found


def payment(line):
    day, payer, payee, amount, *fee = words(line)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
        raise Refused(f"{day} is no day")
    try:
        datetime.date.fromisoformat(day)
    except ValueError as error:
        raise Refused(f"{day} is no day") from error
    if not re.fullmatch(r"[0-9]+\.[0-9]{2}", amount) or not decimal.Decimal(amount):
        raise Refused(f"{amount} is no amount")
    if not fee:
        return payer, payee, decimal.Decimal(amount), None
    if not re.fullmatch(r"[0-9]+(\.[0-9]{1,3})?%", fee[1]):
        raise Refused(f"{fee[1]} is no fee")
    share = decimal.Decimal(amount) * decimal.Decimal(fee[1][:-1]) / 100
    return payer, payee, decimal.Decimal(amount), share.quantize(CENT, decimal.ROUND_HALF_EVEN)


def balances(text, name):
    held = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        if not line.strip(" \t") or line.startswith("#"):
            continue
        try:
            payer, payee, amount, fee = payment(line)
        except Refused as why:
            raise Refused(f"{name}:{number}: {why}") from None
        held[payer] = held.get(payer, 0) - amount - (fee or 0)
        held[payee] = held.get(payee, 0) + amount
        if fee is not None:
            held["fees"] = held.get("fees", 0) + fee
    return held


def main(arguments):
    if len(arguments) != 1:
        raise Refused("usage: python3 ledger.py FILE")
    name = arguments[0]
    try:
        with open(name, encoding="utf-8", newline="") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{name}: cannot be read: {error}".replace("\n", " ")) from None
    for account, amount in sorted(balances(text, name).items()):
        print(account, f"{amount + 0:.2f}")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    decimal.getcontext().prec = 100_000
    try:
        main(sys.argv[1:])
    except Refused as why:
        print(why, file=sys.stderr)
        sys.exit(2)
