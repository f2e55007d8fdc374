"""The ratchet: which pass of a run is its best, and whether the run has fallen below it. Pure."""

from collections.abc import Sequence

from factory_tui.domain.state import Pass, Run


def best(run: Run) -> Pass | None:
    """The pass with an output that stands highest by what the ship rule reads, then by the vault's share.

    Of equal ones the newest. Only those count that the scenarios of now have judged since the vault last leaked, and
    not while an operator had a twin fail.
    """
    return max((item for item in _judged(run, run.passes) if item.commit), key=_standing, default=None)


def _judged(run: Run, passes: Sequence[Pass]) -> list[Pass]:
    known = (one for one in passes if one.vault and not one.faults)
    return [one for one in known if one.corpus in ("", run.corpus) and one.number > run.tainted]


def _standing(item: Pass) -> tuple[float, float, int]:
    share = item.vault.share if item.vault else 0.0
    return (-1.0 if item.ship_low is None else item.ship_low), share, item.number


def below(run: Run, times: int = 1) -> Pass | None:
    """The best pass, where the newest ones that were judged lie clearly below it: as many in a row as `times`.

    Clearly: the whole 90 % interval of each is below the share of the best one. What came before the run last began
    anew is no fall: it has gone back since.
    """
    top, newest = best(run), _judged(run, run.lived)[-times:]
    if top is None or top.vault is None or len(newest) < times or top in newest:
        return None
    fell = all(item.vault and item.vault.total and item.vault.high < top.vault.share for item in newest)
    return top if fell else None
