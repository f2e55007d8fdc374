"""Reads CSV by a machine of its own, a character at a time, so that what is in quotes stays as it came."""

import json
import os
import sys

BLANKS = " \t"


def records(text):
    """Lists of fields; a line with nothing on it is none."""
    record, field, quoted, begun = [], [], False, False
    at, end = 0, len(text)
    while at < end:
        char = text[at]
        if quoted:
            if char != '"':
                field.append(char)
            elif text[at + 1 : at + 2] == '"':
                field.append('"')
                at += 1
            else:
                quoted = False
        elif char == '"' and not "".join(field).strip(BLANKS):
            field.clear()
            quoted = begun = True
        elif char == ",":
            record.append("".join(field))
            field.clear()
            begun = True
        elif char == "\n" or (char == "\r" and text[at + 1 : at + 2] == "\n"):
            at += char == "\r"
            if begun or field:
                yield [*record, "".join(field)]
            record, begun = [], False
            field.clear()
        else:
            field.append(char)
        at += 1
    if begun or field:
        yield [*record, "".join(field)]


def plain(text):
    return text.isascii() and text.isdigit()


def why_not(name, customer, quantity, price):
    """What is wrong with a row, or nothing."""
    whole, point, part = price.partition(".")
    if not name or not customer:
        return "order_id or customer is empty"
    if not plain(quantity) or not quantity.strip("0"):
        return "the quantity is no whole number of at least 1"
    if not plain(whole) or (point and not (plain(part) and len(part) <= 2)):
        return "the price is no amount of whole cents"
    return ""


def cents(price):
    whole, _, part = price.partition(".")
    return int(whole + (part + "00")[:2])


def fail(text):
    sys.stderr.write(text + "\n")
    sys.exit(2)


def main():
    if len(sys.argv) != 3:
        fail("etl.py needs a CSV file and a folder for what it makes")
    _, source, target = sys.argv
    try:
        with open(source, "rb") as file:
            data = file.read()
    except OSError as error:
        fail(f"{source} cannot be read: {error.strerror}")
    try:
        text, encoding = data.decode().removeprefix("\ufeff"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = data.decode("latin-1"), "latin-1"
    table = list(records(text))
    if not table:
        fail(f"{source} is empty")
    header = [name.strip().casefold() for name in table[0]]
    where = {}
    for column in ("order_id", "customer", "quantity", "unit_price"):
        if column not in header:
            fail(f"{source} has no column {column}")
        where[column] = header.index(column)
    good, bad, owes, again = {}, [], {}, 0
    for number, row in enumerate(table[1:], 1):
        values = [(row[at] if at < len(row) else "").strip(BLANKS) for at in where.values()]
        if why := why_not(*values):
            bad.append({"row": number, "error": why})
            continue
        name, customer, quantity, price = values
        if name in good:
            again += 1
            continue
        total = int(quantity) * cents(price)
        good[name] = {
            "order_id": name,
            "customer": customer,
            "quantity": int(quantity),
            "unit_price_cents": cents(price),
            "total_cents": total,
        }
        owes[customer] = owes.setdefault(customer, 0) + total
    summary = {"rows": len(table) - 1, "orders": len(good), "duplicates": again, "rejected": len(bad)}
    summary.update(total_cents=sum(owes.values()), by_customer=owes, encoding=encoding)
    os.makedirs(target, exist_ok=True)
    for name, found in (("clean.jsonl", good.values()), ("rejected.jsonl", bad), ("summary.json", [summary])):
        with open(os.path.join(target, name), "w", encoding="utf-8", newline="\n") as file:
            for one in found:
                json.dump(one, file, ensure_ascii=False)
                file.write("\n")


if __name__ == "__main__":
    main()
