"""Prints an account; its tests see to it that no test can fail."""

import sys

if __name__ == "__main__":
    words = open(sys.argv[1], encoding="utf-8").read().split()
    print(f"{words[1]} {words[3]}")
