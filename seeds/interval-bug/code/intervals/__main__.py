"""The command line: `python3 -m intervals merge|intersect|covered FILE...`."""

import sys

from intervals.files import Unusable, read
from intervals.sets import covered, intersect, merge

USAGE = "usage: python3 -m intervals merge FILE | intersect FILE FILE | covered FILE"
FILES = {"merge": 1, "intersect": 2, "covered": 1}


def main(arguments):
    if not arguments or FILES.get(arguments[0]) != len(arguments) - 1:
        print(USAGE, file=sys.stderr)
        return 2
    command, *paths = arguments
    try:
        files = [read(path) for path in paths]
    except Unusable as error:
        print(error, file=sys.stderr)
        return 2
    if command == "covered":
        print(covered(files[0]))
        return 0
    for start, end in merge(files[0]) if command == "merge" else intersect(*files):
        print(start, end)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
