"""What every kind of cell must do: one suite, of which each part is a class beside this module.

Whoever adds a kind runs it so:

1. In `tests/cells/conftest.py`, a class-scoped fixture `KIND_cells` that yields a `Cells` of that kind, made with
   `LIMITS` (64 MiB of work space), and asserts at its end that `sweep` finds nothing. What the machine may lack is told
   by `tests.conftest`, so that it is a failure where FACTORY_REQUIRE_DOCKER=1.
2. In `tests/cells/test_conformance.py`, a class below `CellSuite` with `kind = "KIND"`, marked for a loop of the class.
3. `python -m pytest tests/cells/test_conformance.py -k NameOfThatClass`

A kind that says that it is fenced is held to `tests/fence` too: see `tests/fence/test_bubblewrap.py` for how.
"""

from tests.conformance.annexes import Annexes
from tests.conformance.commands import Commands
from tests.conformance.services import Services
from tests.conformance.trees import Files, Trees


class CellSuite(Commands, Services, Files, Trees, Annexes):
    """All of it. `kind` names the fixture: `KIND_cells`."""

    kind: str
