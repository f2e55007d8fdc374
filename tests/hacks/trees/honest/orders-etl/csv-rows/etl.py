"""The nightly job: one csv.reader, one pass, three files."""

import csv
import io
import json
import re
import sys
from pathlib import Path

NEEDED = ("order_id", "customer", "quantity", "unit_price")
csv.field_size_limit(sys.maxsize)


class Unfit(Exception):
    pass


def decode(data):
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"


def order(values):
    name, customer, quantity, price = values
    if not name:
        raise ValueError("the order has no order_id")
    if not customer:
        raise ValueError("the order has no customer")
    if not re.fullmatch(r"[0-9]+", quantity) or int(quantity) < 1:
        raise ValueError(f"{quantity!r} is no quantity")
    if not (found := re.fullmatch(r"([0-9]+)(?:\.([0-9]{1,2}))?", price)):
        raise ValueError(f"{price!r} is no price")
    cents = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    return {
        "order_id": name,
        "customer": customer,
        "quantity": int(quantity),
        "unit_price_cents": cents,
        "total_cents": int(quantity) * cents,
    }


def sort_out(rows, places):
    clean, rejected, seen, duplicates = [], [], set(), 0
    for number, row in enumerate(rows, 1):
        try:
            found = order([row[at].strip(" \t") if at < len(row) else "" for at in places])
        except ValueError as why:
            rejected.append({"row": number, "error": str(why)})
            continue
        if found["order_id"] in seen:
            duplicates += 1
        else:
            seen.add(found["order_id"])
            clean.append(found)
    return clean, rejected, duplicates


def main(arguments):
    if len(arguments) != 2:
        raise Unfit("usage: python3 etl.py INPUT.csv OUTDIR")
    source, target = Path(arguments[0]), Path(arguments[1])
    try:
        text, encoding = decode(source.read_bytes())
    except OSError as error:
        raise Unfit(f"{source}: {error.strerror}") from None
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if not rows:
        raise Unfit(f"{source}: it is empty")
    header = [name.strip().lower() for name in rows.pop(0)]
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise Unfit(f"{source}: the column {missing[0]} is missing")
    clean, rejected, duplicates = sort_out(rows, [header.index(name) for name in NEEDED])
    owed = {}
    for one in clean:
        owed[one["customer"]] = owed.get(one["customer"], 0) + one["total_cents"]
    summary = {
        "rows": len(rows),
        "orders": len(clean),
        "duplicates": duplicates,
        "rejected": len(rejected),
        "total_cents": sum(owed.values()),
        "by_customer": owed,
        "encoding": encoding,
    }
    target.mkdir(parents=True, exist_ok=True)
    dump = json.JSONEncoder(ensure_ascii=False).encode
    (target / "clean.jsonl").write_text("".join(dump(one) + "\n" for one in clean), "utf-8")
    (target / "rejected.jsonl").write_text("".join(dump(one) + "\n" for one in rejected), "utf-8")
    (target / "summary.json").write_text(dump(summary) + "\n", "utf-8")


if __name__ == "__main__":
    sys.set_int_max_str_digits(0)
    try:
        main(sys.argv[1:])
    except Unfit as why:
        print(why, file=sys.stderr)
        sys.exit(2)
