"""Lets a database in memory sort the orders out; numbers that may outgrow it are kept as text."""

import csv
import json
import pathlib
import re
import sqlite3
import sys

COLUMNS = ("order_id", "customer", "quantity", "unit_price")
TABLE = """
create table rows (number integer primary key, order_id text, customer text, quantity text, unit_price text, error text);
"""
FIRST = """
select order_id, customer, quantity, unit_price from rows as one where error = '' and number = (
    select min(number) from rows where error = '' and order_id = one.order_id
) order by number
"""


def complain(name, customer, quantity, price):
    if name == "" or customer == "":
        return "an order needs an order_id and a customer"
    if re.fullmatch(r"0*[1-9][0-9]*", quantity) is None:
        return "the quantity is not a whole number of at least 1"
    if re.fullmatch(r"[0-9]+(\.[0-9][0-9]?)?", price) is None:
        return "the price is not plain digits with at most two decimals"
    return ""


def load(database, path):
    data = path.read_bytes()
    encoding = "utf-8"
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        encoding = "latin-1"
    with path.open(encoding=encoding.replace("utf-8", "utf-8-sig"), newline="") as file:
        rows = filter(None, csv.reader(file))
        try:
            header = [column.lower().strip() for column in next(rows)]
        except StopIteration:
            raise SystemExit(print(f"{path}: an empty file", file=sys.stderr) or 2) from None
        for column in COLUMNS:
            if column not in header:
                raise SystemExit(print(f"{path}: the column {column} is not there", file=sys.stderr) or 2)
        at = [header.index(column) for column in COLUMNS]
        for number, row in enumerate(rows, 1):
            values = [(row[place] if place < len(row) else "").strip(" \t") for place in at]
            database.execute("insert into rows values (?, ?, ?, ?, ?, ?)", (number, *values, complain(*values)))
    return encoding


def cents(price):
    whole, _, rest = price.partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0"))


def main(source, target):
    database = sqlite3.connect(":memory:")
    database.executescript(TABLE)
    try:
        encoding = load(database, pathlib.Path(source))
    except OSError as error:
        raise SystemExit(print(f"{source}: {error.strerror}", file=sys.stderr) or 2) from None
    clean, owed = [], {}
    for name, customer, quantity, price in database.execute(FIRST):
        total = int(quantity) * cents(price)
        clean.append(
            dict(order_id=name, customer=customer, quantity=int(quantity), unit_price_cents=cents(price), total_cents=total)
        )
        owed[customer] = owed.get(customer, 0) + total
    bad = database.execute("select number, error from rows where error != '' order by number").fetchall()
    (rows,) = database.execute("select count(*) from rows").fetchone()
    summary = dict(rows=rows, orders=len(clean), duplicates=rows - len(clean) - len(bad), rejected=len(bad))
    summary |= dict(total_cents=sum(owed.values()), by_customer=owed, encoding=encoding)
    out = pathlib.Path(target)
    out.mkdir(parents=True, exist_ok=True)
    for name, found in (
        ("clean.jsonl", clean),
        ("rejected.jsonl", [{"row": number, "error": error} for number, error in bad]),
        ("summary.json", [summary]),
    ):
        with (out / name).open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in found)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(print("usage: etl.py INPUT.csv OUTDIR", file=sys.stderr) or 2)
    main(*sys.argv[1:])
