"""The twin that ships in the repository: made by its loop from its seed, by nobody's hand, and asked by who pays."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from factory_tui.config.seed import load_seed
from factory_tui.config.workspace import Workspace
from factory_tui.domain.events import VerdictReached
from factory_tui.twins.messages.playbook import BUNDLED
from tests.e2e.stage import PATIENCE, ROOT, bundled_in, rehearse

PAYMENTS = ROOT / "twins" / "payments"
MAKE = "make it anew: factory-tui run payments --rehearse"


def files(twin: Path) -> dict[str, bytes]:
    """Path to content of what is the twin's own."""
    found = {path.relative_to(twin).as_posix(): path.read_bytes() for path in twin.rglob("*") if path.is_file()}
    return {path: data for path, data in found.items() if not path.endswith(".pyc") and path != "provenance.json"}


@pytest.fixture
def provenance() -> dict[str, Any]:
    told: dict[str, Any] = json.loads((PAYMENTS / "provenance.json").read_bytes())
    return told


def test_its_files_are_those_that_were_shipped(provenance: dict[str, Any]) -> None:
    assert {path: hashlib.sha256(data).hexdigest() for path, data in files(PAYMENTS).items()} == provenance["files"]


def test_it_came_from_the_seed_and_the_loop_that_are_here(provenance: dict[str, Any]) -> None:
    seed = load_seed(Workspace(ROOT), "payments")
    assert provenance["seed"] == {"name": "payments", "revision": seed.revision, "owner": "demo"}, MAKE
    loop = hashlib.sha256((ROOT / "loops" / "twin.dot").read_bytes()).hexdigest()
    assert provenance["loop"] == {"name": "twin", "digest": loop}, MAKE
    assert (PAYMENTS / "openapi.json").read_bytes() == (ROOT / "seeds/payments/code/openapi.json").read_bytes()
    assert (provenance["ledger"], provenance["satisfaction"]["share"]) == ("rehearsal", 1.0)


@pytest.mark.chaos
@pytest.mark.timeout(2 * PATIENCE)
async def test_a_rehearsal_finds_its_mistakes_and_promotes_the_same_twin(tmp_path: Path) -> None:
    workspace = bundled_in(tmp_path / "workspace", kind="process")
    told = await rehearse(workspace, BUNDLED, ["payments"])
    run = told.state.runs["payments-1"]
    assert (run.state, len(run.passes)) == ("shipped", 2), run.why
    first, second = (item.vault for item in run.passes)
    assert first is not None
    assert second is not None
    assert first.share < 0.8 < second.share == 1.0
    (symptoms,) = told.told("payments-1")
    for symptom in ("wanted status: 409, observed 201", "wanted status: 422, observed 201", "wanted json data.0.id: "):
        assert symptom in symptoms
    made = workspace.twins / "payments"
    assert json.loads((made / "provenance.json").read_bytes())["commit"] == run.commit
    assert files(made) == files(PAYMENTS), MAKE


@pytest.mark.chaos
@pytest.mark.timeout(2 * PATIENCE)
async def test_a_client_that_charges_twice_is_found_by_the_twin_and_mended(tmp_path: Path) -> None:
    workspace = bundled_in(tmp_path / "workspace", kind="process")
    told = await rehearse(workspace, BUNDLED, ["checkout-client"])
    run = told.state.runs["checkout-client-1"]
    assert (run.state, len(run.passes)) == ("shipped", 2), run.why
    (symptoms,) = told.told("checkout-client-1")
    assert re.search(r"wanted json requests\.1\.headers\.idempotency-key: (\S+), observed (?!\1)", symptoms)
    assert "(asked the twin payments) POST /v1/charges" in symptoms
    verdicts = told.facts(VerdictReached, "checkout-client-1")
    assert not [fact.scenario for fact in verdicts if fact.satisfied is None], "no fault of the twin"
