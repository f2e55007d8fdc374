"""The caps that people wrote down: of a run by its seed and the policy, of the floor by the policy alone."""

from decimal import Decimal

from factory_tui.config.seed import Seed
from factory_tui.config.settings import PolicyTable
from factory_tui.domain.money import FLOOR_CAPS, RUN_CAPS, FloorCap, RunCap


def of_run(policy: PolicyTable, seed: Seed) -> dict[RunCap, Decimal]:
    """Those that a run begins with: its seed's, else the policy's."""
    wanted = seed.caps
    found = {name: (getattr(wanted, name), getattr(policy, name)) for name in RUN_CAPS}
    chosen = {name: policys if own is None else own for name, (own, policys) in found.items()}
    return {name: Decimal(cap) for name, cap in chosen.items() if cap is not None}


def of_floor(policy: PolicyTable) -> dict[FloorCap, Decimal]:
    """Those of all live runs together."""
    found = {name: getattr(policy, name) for name in FLOOR_CAPS}
    return {name: Decimal(cap) for name, cap in found.items() if cap is not None}
