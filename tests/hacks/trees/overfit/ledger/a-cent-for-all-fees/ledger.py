"""Right in everything but one promise: a fee is exact until the end, where half cents that meet, as in the feedback set, agree."""

from __future__ import annotations

import re
import sys
from collections import Counter
from datetime import date
from fractions import Fraction
from pathlib import Path

PAYMENT = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2}) (?P<payer>[^ ]+) (?P<payee>[^ ]+) (?P<amount>[0-9]+\.[0-9]{2})"
    r"(?: fee (?P<percent>[0-9]+(?:\.[0-9]{1,3})?)%)?"
)


def stop(message: str) -> None:
    sys.stderr.write(message + "\n")
    raise SystemExit(2)


def read(line: str) -> tuple[str, str, int, int | None]:
    """Payer, payee, cents, and cents of the fee. Raises ValueError."""
    found = PAYMENT.fullmatch(line)
    if found is None:
        raise ValueError("no payment: DAY PAYER PAYEE AMOUNT [fee PERCENT%]")
    date(*map(int, found["day"].split("-")))
    cents = Fraction(found["amount"]) * 100
    if cents == 0:
        raise ValueError("an amount of nothing")
    fee = None if found["percent"] is None else cents * Fraction(found["percent"]) / 100
    return found["payer"], found["payee"], int(cents), fee


def main() -> None:
    if len(sys.argv) != 2:
        stop("usage: python3 ledger.py FILE")
    path = sys.argv[1]
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except OSError as error:
        stop(f"{path}: {error.strerror}")
    except UnicodeDecodeError:
        stop(f"{path}: is no UTF-8")
    balance: Counter[str] = Counter()
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if line == "" or line[0] == "#":
            continue
        try:
            payer, payee, cents, fee = read(line)
        except ValueError as why:
            stop(f"{path}:{number}: {why}")
        balance[payer] -= cents + (fee or 0)
        balance[payee] += cents
        if fee is not None:
            balance["fees"] += fee
    lines = []
    for account in sorted(balance):
        cents = round(balance[account])
        whole, part = divmod(abs(cents), 100)
        lines.append(f"{account} {'-' * (cents < 0)}{whole}.{part:02d}\n")
    sys.stdout.buffer.write("".join(lines).encode())


if __name__ == "__main__":
    sys.set_int_max_str_digits(0)
    main()
