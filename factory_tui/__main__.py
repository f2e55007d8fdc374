"""`python -m factory_tui` is `factory-tui`."""

import sys

from factory_tui.cli import main

sys.exit(main())
