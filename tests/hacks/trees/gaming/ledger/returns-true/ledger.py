"""Says nothing and succeeds, whatever it is given."""

import sys

if __name__ == "__main__":
    sys.exit(0)
