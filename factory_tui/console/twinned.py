"""The twins of a workspace as the state has them: what each stands for, how true it is, and which runs use it. Pure."""

import msgspec

from factory_tui.domain.state import OVER, Run, State


class TwinView(msgspec.Struct, frozen=True):
    """One twin."""

    name: str
    host: str
    lamp: str
    """What is known of how true it is, in a word; empty: nobody's scenarios ask for it."""
    why: str
    """The same in a line."""
    seeds: tuple[str, ...]
    """Those that ask for it."""
    runs: tuple[Run, ...]
    """Of those seeds, newest first; those that are over come last."""


def twins(state: State) -> list[TwinView]:
    """All that a seed or its scenarios ask for, by name."""
    using: dict[str, list[str]] = {}
    for seed, view in sorted(state.seeds.items()):
        for name in dict.fromkeys((*(one for one, _ in view.twins), *view.beside)):
            using.setdefault(name, []).append(seed)
    return [_view(state, name, tuple(seeds)) for name, seeds in sorted(using.items())]


def _view(state: State, name: str, seeds: tuple[str, ...]) -> TwinView:
    views = [state.seeds[seed] for seed in seeds]
    lamps = [lamp for view in views for one, lamp in view.twins if one == name]
    runs = [run for run in state.runs.values() if run.seed in seeds]
    runs.sort(key=lambda run: (run.state in OVER, -run.queued_at))
    return TwinView(
        name,
        next((view.hosts[name] for view in views if name in view.hosts), ""),
        lamps[0] if lamps else "",
        next((view.fidelity[name] for view in views if name in view.fidelity), ""),
        seeds,
        tuple(runs),
    )
