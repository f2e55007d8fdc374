"""Orders as objects: parsed, sorted into good, repeated and bad, and written by name."""

from __future__ import annotations

import csv
import json
import logging
import string
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from decimal import Context, Decimal, Inexact
from pathlib import Path

EXACT = Context(prec=10_000, traps=[Inexact])
COLUMNS = ["order_id", "customer", "quantity", "unit_price"]


@dataclass(frozen=True)
class Order:
    order_id: str
    customer: str
    quantity: int
    unit_price_cents: int
    total_cents: int

    @classmethod
    def parse(cls, row: dict[str, str]) -> Order:
        name, customer, quantity, price = (row[column].strip(" \t") for column in COLUMNS)
        if not (name and customer):
            raise ValueError("who ordered, or which order this is, is not said")
        if set(quantity) - set(string.digits) or not quantity or int(quantity) == 0:
            raise ValueError("quantity has to be a whole number from 1 on")
        pieces = price.split(".")
        if len(pieces) > 2 or any(not piece or set(piece) - set(string.digits) for piece in pieces):
            raise ValueError("unit_price has to be plain digits")
        if len(pieces) == 2 and len(pieces[1]) > 2:
            raise ValueError("unit_price has fractions of a cent")
        cents = int(EXACT.multiply(Decimal(price), Decimal(100)))
        return cls(name, customer, int(quantity), cents, int(quantity) * cents)


@dataclass
class Night:
    encoding: str
    rows: int = 0
    orders: dict[str, Order] = field(default_factory=dict)
    rejected: list[dict[str, object]] = field(default_factory=list)
    duplicates: int = 0

    def take(self, row: dict[str, str]) -> None:
        self.rows += 1
        try:
            order = Order.parse(row)
        except ValueError as error:
            self.rejected.append({"row": self.rows, "error": str(error)})
        else:
            if self.orders.setdefault(order.order_id, order) is not order:
                self.duplicates += 1

    def summary(self) -> dict[str, object]:
        owed: defaultdict[str, int] = defaultdict(int)
        for order in self.orders.values():
            owed[order.customer] += order.total_cents
        return {
            "rows": self.rows,
            "orders": len(self.orders),
            "duplicates": self.duplicates,
            "rejected": len(self.rejected),
            "total_cents": sum(owed.values()),
            "by_customer": owed,
            "encoding": self.encoding,
        }


def lines(text: str) -> list[str]:
    """With their ends; only LF and CRLF end one."""
    return [f"{line}\n" for line in text.split("\n")]


def read(path: Path) -> Night:
    data = path.read_bytes()
    for encoding in ("utf-8", "latin-1"):
        try:
            text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
            break
        except UnicodeDecodeError:
            continue
    rows = (row for row in csv.reader(lines(text)) if row)
    header = [name.strip().lower() for name in next(rows, [])]
    if not header:
        raise LookupError(f"{path}: the file is empty")
    for column in COLUMNS:
        if column not in header:
            raise LookupError(f"{path}: there is no column {column}")
    night = Night(encoding)
    for row in rows:
        whole = row + [""] * (len(header) - len(row))
        night.take({column: whole[header.index(column)] for column in COLUMNS})
    return night


def main() -> int:
    logging.basicConfig(format="%(message)s")
    csv.field_size_limit(1 << 30)
    if len(sys.argv) != 3:
        logging.error("usage: python3 etl.py INPUT.csv OUTDIR")
        return 2
    try:
        night = read(Path(sys.argv[1]))
    except OSError as error:
        logging.error("%s: %s", sys.argv[1], error.strerror)
        return 2
    except LookupError as error:
        logging.error("%s", error.args[0])
        return 2
    out = Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    told = {
        "clean.jsonl": [asdict(order) for order in night.orders.values()],
        "rejected.jsonl": night.rejected,
        "summary.json": [night.summary()],
    }
    for name, found in told.items():
        out.joinpath(name).write_bytes(b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
