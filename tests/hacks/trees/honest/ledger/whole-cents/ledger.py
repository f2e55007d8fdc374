"""A ledger in whole numbers: cents, and thousandths of a percent."""

import argparse
import calendar
import sys

DIGITS = frozenset("0123456789")


class Bad(Exception):
    """Of a line, in words."""


def number(text, places):
    """Digits with a point before the last `places` of them."""
    whole, point, part = text.partition(".")
    if not point or len(part) != places or not whole or not DIGITS.issuperset(whole + part):
        raise Bad(f"{text!r} is not written as an amount")
    return int(whole + part)


def share(text):
    """Thousandths of a percent."""
    if not text.endswith("%"):
        raise Bad("the fee lacks its %")
    whole, point, part = text[:-1].partition(".")
    if not whole or len(part) > 3 or bool(point) != bool(part) or not DIGITS.issuperset(whole + part):
        raise Bad(f"{text!r} is no fee")
    return int(whole + part.ljust(3, "0"))


def check_day(text):
    parts = text.split("-")
    if [len(part) for part in parts] != [4, 2, 2] or not DIGITS.issuperset("".join(parts)):
        raise Bad(f"{text!r} is no day")
    year, month, day = map(int, parts)
    if not year or not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise Bad(f"{text!r} is no day of any calendar")


def rounded(cents, thousandths):
    """A fee to the cent, and where it is just between two, to the even one."""
    kept, rest = divmod(cents * thousandths, 100_000)
    return kept + (rest > 50_000 or (rest == 50_000 and kept % 2 == 1))


def pay(balances, line):
    fields = line.split(" ")
    if len(fields) not in (4, 6) or "" in fields:
        raise Bad("this is no payment")
    check_day(fields[0])
    cents = number(fields[3], 2)
    if cents == 0:
        raise Bad("nothing was paid")
    if len(fields) == 6:
        if fields[4] != "fee":
            raise Bad(f"{fields[4]!r} where only a fee may be")
        fee = rounded(cents, share(fields[5]))
        balances[fields[1]] = balances.get(fields[1], 0) - fee
        balances["fees"] = balances.get("fees", 0) + fee
    balances[fields[1]] = balances.get(fields[1], 0) - cents
    balances[fields[2]] = balances.get(fields[2], 0) + cents


def shown(cents):
    digits = str(abs(cents)).rjust(3, "0")
    return ("-" if cents < 0 else "") + digits[:-2] + "." + digits[-2:]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    path = parser.parse_args().file
    try:
        with open(path, "rb") as source:
            lines = source.read().decode("utf-8").split("\n")
    except (OSError, ValueError) as error:
        return f"{path}: {' '.join(str(error).split())}"
    balances = {}
    for at, line in enumerate(lines, 1):
        line = line[:-1] if line.endswith("\r") else line
        if line and not line.startswith("#"):
            try:
                pay(balances, line)
            except Bad as why:
                return f"{path}:{at}: {why}"
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.writelines(f"{name} {shown(balances[name])}\n" for name in sorted(balances))
    return None


if __name__ == "__main__":
    sys.set_int_max_str_digits(0)
    problem = main()
    if problem:
        print(problem, file=sys.stderr)
        sys.exit(2)
