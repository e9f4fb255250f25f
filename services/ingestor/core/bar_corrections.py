"""Which pulled bars are new, corrected or adjusted, compared with the known ones.

=================== ========================================= ============================
known               pulled                                    becomes
=================== ========================================= ============================
-                   final                                     new
- or provisional    provisional                               provisional
provisional         final                                     new
final or corrected  provisional                               ignored
final or corrected  the same close, or within rounding        unchanged
final or corrected  another close                             corrected: next revision
final or corrected  the same close, another adjustment        adjusted: same revision
most of them        closes changed by one common factor       adjusted: a split
=================== ========================================= ============================

An adjusted close depends on the day it is asked for: a dividend changes all older ones, and that is not a
correction. Nothing is decided on a provisional bar.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.domain.bars import Bar, BarStatus

# Closes closer than a hundredth of a basis point differ only by rounding.
_SAME_CLOSE: Final = 1e-6
# Vendors round adjusted closes; the smallest dividend of an ETF is a hundred times this.
_SAME_FACTOR: Final = 2e-5
# Late prints move a day's volume; a tenth is a restatement.
_SAME_VOLUME: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a pull brought; bars ascending by session.

    Parameters
    ----------
    new, corrected
        Final bars that were not known, and known ones whose close has changed.
    provisional
        Provisional bars that are new or have changed.
    is_adjusted
        A dividend or split rescaled older bars: publish all of the history again, before the new bars.
    unchanged
        How many pulled bars were known and are the same.
    """

    new: tuple[Bar, ...] = ()
    corrected: tuple[Bar, ...] = ()
    provisional: tuple[Bar, ...] = ()
    is_adjusted: bool = False
    unchanged: int = 0


class BarHistory:
    """The known bars of one instrument.

    Parameters
    ----------
    known
        What is already published, in any order.
    """

    def __init__(self, known: Iterable[Bar] = ()) -> None:
        self._bars = {bar.session: bar for bar in known}

    def settled(self) -> tuple[Bar, ...]:
        """Return every bar that is not provisional, ascending by session."""
        return tuple(
            self._bars[session]
            for session in sorted(self._bars)
            if self._bars[session].status is not BarStatus.PROVISIONAL
        )

    def compare(self, pulled: Sequence[Bar], *, now_ns: int) -> Comparison:
        """Return what a pull changes, and apply it to the known bars.

        Parameters
        ----------
        pulled
            One vendor's rows, ascending by session.
        now_ns
            When a correction becomes known, nanoseconds since the Unix epoch.
        """
        split = self._common_factor(pulled)
        new: list[Bar] = []
        corrected: list[Bar] = []
        provisional: list[Bar] = []
        adjusted = unchanged = 0
        for bar in pulled:
            known = self._bars.get(bar.session)
            if bar.status is BarStatus.PROVISIONAL:
                if (known is None or known.status is BarStatus.PROVISIONAL) and known != bar:
                    provisional.append(bar)
                    self._bars[bar.session] = bar
            elif known is None or known.status is BarStatus.PROVISIONAL:
                new.append(bar)
                self._bars[bar.session] = bar
            elif split is None and not _is_same(known, bar):
                correction = replace(
                    bar, status=BarStatus.CORRECTED, revision=known.revision + 1, known_at_ns=now_ns
                )
                corrected.append(correction)
                self._bars[bar.session] = correction
            elif split is not None or not _is_same_factor(known, bar):
                adjusted += 1
                self._bars[bar.session] = replace(
                    bar, status=known.status, revision=known.revision, known_at_ns=known.known_at_ns
                )
            else:
                unchanged += 1
        return Comparison(
            new=tuple(new),
            corrected=tuple(corrected),
            provisional=tuple(provisional),
            is_adjusted=adjusted > 0,
            unchanged=unchanged,
        )

    def _common_factor(self, pulled: Sequence[Bar]) -> float | None:
        """Return the factor by which most known closes changed, or None when most did not."""
        factors = Counter(
            round(bar.close / known.close, 3)
            for bar in pulled
            if (known := self._bars.get(bar.session)) is not None
            and known.status is not BarStatus.PROVISIONAL
        )
        if not factors:
            return None
        factor, count = factors.most_common(1)[0]
        return factor if factor != 1.0 and count > 1 and 2 * count > factors.total() else None


def _is_same(known: Bar, bar: Bar) -> bool:
    if abs(bar.close / known.close - 1) > _SAME_CLOSE:
        return False
    if not known.volume or not bar.volume:
        return True
    return abs(bar.volume / known.volume - 1) <= _SAME_VOLUME


def _is_same_factor(known: Bar, bar: Bar) -> bool:
    return abs((bar.adj_close / bar.close) / (known.adj_close / known.close) - 1) <= _SAME_FACTOR
