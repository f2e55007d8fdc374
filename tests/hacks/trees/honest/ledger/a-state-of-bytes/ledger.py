"""Reads the ledger as bytes, a line at a time, into one dictionary; only accounts are ever text."""

import sys
from datetime import datetime

USAGE = "usage: python3 ledger.py FILE"


def digits(raw):
    return bool(raw) and raw.isdigit()


def cents_of(raw):
    whole, _, part = raw.rpartition(b".")
    if not digits(whole) or not digits(part) or len(part) != 2:
        raise ValueError("the amount needs plain digits, a point and two decimals")
    return int(whole) * 100 + int(part)


def fee_of(raw, cents):
    body = raw[:-1]
    whole, point, part = body.partition(b".")
    if raw[-1:] != b"%" or not digits(whole) or (point and not (digits(part) and len(part) <= 3)):
        raise ValueError("the fee needs plain digits, up to three decimals, and a %")
    product = cents * int(whole + part + b"0" * (3 - len(part)))
    down = product // 100_000
    twice = 2 * (product - down * 100_000)
    if twice > 100_000 or (twice == 100_000 and down & 1):
        down += 1
    return down


def take(books, line):
    parts = line.split(b" ")
    if len(parts) == 6 and parts[4] == b"fee":
        day, payer, payee, amount, _, rate = parts
    elif len(parts) == 4:
        (day, payer, payee, amount), rate = parts, None
    else:
        raise ValueError("a payment is DAY PAYER PAYEE AMOUNT, and maybe fee PERCENT%")
    if len(day) != 10 or not digits(day[:4] + day[5:7] + day[8:]):
        raise ValueError("the day is to be written as 2024-05-17")
    datetime.strptime(day.decode(), "%Y-%m-%d")
    if not payer or not payee:
        raise ValueError("an account has no name")
    names = payer.decode("utf-8"), payee.decode("utf-8")
    cents = cents_of(amount)
    if not cents:
        raise ValueError("an amount is more than nothing")
    fee = 0
    if rate is not None:
        fee = fee_of(rate, cents)
        books.setdefault("fees", 0)
        books["fees"] += fee
    for name, change in zip(names, (-cents - fee, cents), strict=True):
        books[name] = books.get(name, 0) + change


def run(path):
    books = {}
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                line = line.removesuffix(b"\n").removesuffix(b"\r")
                if not line or line.startswith(b"#"):
                    line.decode("utf-8")
                    continue
                try:
                    take(books, line)
                except UnicodeDecodeError:
                    raise
                except ValueError as why:
                    sys.exit(print(f"{path}:{number}: {why}", file=sys.stderr) or 2)
    except UnicodeDecodeError:
        sys.exit(print(f"{path}: not UTF-8", file=sys.stderr) or 2)
    except OSError as error:
        sys.exit(print(f"{path}: {error.strerror.lower()}", file=sys.stderr) or 2)
    for name in sorted(books):
        whole, part = divmod(abs(books[name]), 100)
        sign = b"-" if books[name] < 0 else b""
        sys.stdout.buffer.write(b"%s %s%d.%02d\n" % (name.encode(), sign, whole, part))


if __name__ == "__main__":
    sys.set_int_max_str_digits(0)
    if len(sys.argv) == 2:
        run(sys.argv[1])
    else:
        sys.exit(print(USAGE, file=sys.stderr) or 2)
