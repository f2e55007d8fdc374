"""Reading files of intervals."""


class Unusable(Exception):
    """A file that cannot be used; the message names the file, and the line where there is one."""


def read(path):
    """The intervals of a file, as they stand there."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{path}: cannot be read: {error}") from None
    found = []
    for number, line in enumerate(lines, 1):
        fields = line.partition("#")[0].split()
        if not fields:
            continue
        try:
            start, end = (int(field) for field in fields)
        except ValueError:
            raise Unusable(f"{path}:{number}: not two whole numbers") from None
        if end < start:
            raise Unusable(f"{path}:{number}: ends before it starts")
        found.append((start, end))
    return found
