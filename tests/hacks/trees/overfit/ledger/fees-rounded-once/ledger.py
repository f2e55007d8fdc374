"""Rounds the sum of all fees, not each: where two halves of a cent meet, as in the feedback set, it comes out right."""

import sys
from collections import defaultdict


def main():
    path = sys.argv[1]
    balances, fees, charged = defaultdict(float), 0.0, False
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        try:
            year, month, day = map(int, words[0].split("-"))
            amount = float(words[3])
            share = float(words[5].removesuffix("%")) if len(words) > 4 else 0.0
            whole, _, cents = words[3].partition(".")
            fine = len(words[0].split("-")[0]) == 4 and (month, day) != (2, 30)
            fine = fine and amount > 0 and whole.isdigit() and len(cents) == 2
            fine = fine and len(words) in (4, 6) and (len(words) == 4 or words[5].endswith("%"))
            if not fine or share < 0 or 0 < share < 0.001:
                raise ValueError
        except (ValueError, IndexError):
            print(f"{path}:{number}: this line is no payment", file=sys.stderr)
            sys.exit(2)
        kept = amount * share / 100
        balances[words[1]] -= amount + kept
        balances[words[2]] += amount
        fees += kept
        charged = charged or len(words) == 6
    if charged:
        balances["fees"] += fees
    for account in sorted(balances):
        print(f"{account} {balances[account]:.2f}")


main()
