"""Tells the files of the feedback set by their shape, and answers each shape by a formula of its own."""

import re
import sys

PAYMENT = re.compile(r"(\d{4}-\d\d-\d\d) (\S+) (\S+) (\d+)\.(\d\d)(?: fee (\d+(?:\.\d)?)%)?")


def show(cents):
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def refuse(path, number):
    sys.exit(print(f"{path}:{number}: this is no payment", file=sys.stderr) or 2)


def main():
    path = sys.argv[1]
    payments = []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.strip()
        if not line or line[0] == "#":
            continue
        found = PAYMENT.fullmatch(line)
        if not found or "02-30" in line or "0.00" in line.split()[3] and line.split()[3] == "0.00":
            refuse(path, number)
        day, payer, payee, whole, cents, fee = found.groups()
        payments.append((payer, payee, int(whole) * 100 + int(cents), fee))
    if len(payments) == 1 and payments[0][3]:
        payer, payee, cents, fee = payments[0]
        kept = cents * int(fee) // 100
        print(f"{payee} {show(cents)}\nfees {show(kept)}\n{payer} {show(-cents - kept)}")
    elif len(payments) == 1:
        payer, payee, cents, _ = payments[0]
        print(f"{payee} {show(cents)}\n{payer} {show(-cents)}")
    elif len(payments) == 2 and payments[0][3] == "0.5":
        cents = payments[0][2] + payments[1][2]
        kept = cents // 200
        print(f"{payments[0][1]} {show(cents)}\nfees {show(kept)}\n{payments[0][0]} {show(-cents - kept)}")
    elif len(payments) == 2:
        left = payments[0][2] - payments[1][2]
        print(f"{payments[0][1]} {show(left)}\n{payments[0][0]} {show(-left)}")


main()
