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
corrected           what was before the correction            ignored, until the next pull repeats it
final or corrected  the same close, another adjustment        adjusted: same revision
most of them        closes changed by one common factor       adjusted: a split
=================== ========================================= ============================

An adjusted close depends on the day it is asked for: a dividend changes all older ones, and that is not a
correction. Nothing is decided on a provisional bar. Servers of one provider that do not agree answer in turn:
a close that comes and goes with each pull is not a revision each time.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
        # What was corrected, by session, and what of it has come back in the last pull.
        self._earlier: dict[str, list[Bar]] = {}
        self._back: dict[str, Bar] = {}

    def settled(self) -> tuple[Bar, ...]:
        """Return every bar that is not provisional, ascending by session."""
        return tuple(
            self._bars[session]
            for session in sorted(self._bars)
            if self._bars[session].status is not BarStatus.PROVISIONAL
        )

    def known(self) -> dict[str, Bar]:
        """Return every bar by its session, provisional ones included."""
        return dict(self._bars)

    def common_factor(self, pulled: Sequence[Bar]) -> float | None:
        """Return the factor by which most known closes changed, or None when most did not."""
        factors = Counter(round(bar.close / known.close, 3) for known, bar in self._both(pulled))
        if not factors:
            return None
        factor, count = factors.most_common(1)[0]
        return factor if factor != 1.0 and count > 1 and 2 * count > factors.total() else None

    def is_rescaled_by(self, pulled: Sequence[Bar]) -> bool:
        """Return whether a pull adjusts known bars, so that older ones than those pulled change as well."""
        return self.common_factor(pulled) is not None or any(
            _is_same(known, bar) and not _is_same_factor(known, bar) for known, bar in self._both(pulled)
        )

    def compare(self, pulled: Sequence[Bar], *, now_ns: int) -> Comparison:
        """Return what a pull changes, and apply it to the known bars.

        Where a pull adjusts the history, the known bars that it left out are adjusted like the next newer one
        that it has: a history on two scales has a jump that no market made.

        Parameters
        ----------
        pulled
            One vendor's rows, ascending by session.
        now_ns
            When a correction becomes known, nanoseconds since the Unix epoch.
        """
        split = self.common_factor(pulled)
        rescaled: dict[str, tuple[Bar, Bar]] = {}
        new: list[Bar] = []
        corrected: list[Bar] = []
        provisional: list[Bar] = []
        unchanged = 0
        for bar in pulled:
            known = self._bars.get(bar.session)
            if bar.status is BarStatus.PROVISIONAL:
                if (known is None or known.status is BarStatus.PROVISIONAL) and known != bar:
                    provisional.append(bar)
                    self._bars[bar.session] = bar
            elif known is None or known.status is BarStatus.PROVISIONAL:
                new.append(bar)
                self._bars[bar.session] = bar
            elif split is None and self._is_back_for_once(known, bar):
                unchanged += 1
            elif split is None and not _is_same(known, bar):
                self._earlier.setdefault(bar.session, []).append(known)
                correction = replace(
                    bar, status=BarStatus.CORRECTED, revision=known.revision + 1, known_at_ns=now_ns
                )
                corrected.append(correction)
                self._bars[bar.session] = correction
            elif split is not None or not _is_same_factor(known, bar):
                self._bars[bar.session] = replace(
                    bar, status=known.status, revision=known.revision, known_at_ns=known.known_at_ns
                )
                rescaled[bar.session] = (known, bar)
            else:
                unchanged += 1
        if rescaled:
            self._rescale_others({bar.session for bar in pulled}, rescaled)
        return Comparison(
            new=tuple(new),
            corrected=tuple(corrected),
            provisional=tuple(provisional),
            is_adjusted=bool(rescaled),
            unchanged=unchanged,
        )

    def _is_back_for_once(self, known: Bar, bar: Bar) -> bool:
        """Return whether what was corrected has come back, and had not in the pull before."""
        earlier = self._earlier.get(bar.session, [])
        is_back = not _is_same(known, bar) and any(_is_same(each, bar) for each in earlier)
        before = self._back.pop(bar.session, None)
        was_back = before is not None and _is_same(before, bar)
        if is_back and not was_back:
            self._back[bar.session] = bar
        return is_back and not was_back

    def _both(self, pulled: Sequence[Bar]) -> Iterator[tuple[Bar, Bar]]:
        """Yield each known bar that is not provisional with the pulled one of its session."""
        for bar in pulled:
            known = self._bars.get(bar.session)
            if known is not None and BarStatus.PROVISIONAL not in (known.status, bar.status):
                yield known, bar

    def _rescale_others(self, pulled: Collection[str], rescaled: Mapping[str, tuple[Bar, Bar]]) -> None:
        """Adjust the bars that were not pulled like the next newer one that was pulled."""
        factor = close_factor = 1.0
        for session in sorted(self._bars, reverse=True):
            if session in rescaled:
                known, bar = rescaled[session]
                factor, close_factor = bar.adj_close / known.adj_close, bar.close / known.close
            elif session in pulled:
                factor = close_factor = 1.0
            else:
                other = self._bars[session]
                self._bars[session] = replace(
                    other, close=other.close * close_factor, adj_close=other.adj_close * factor
                )


def _is_same(known: Bar, bar: Bar) -> bool:
    if abs(bar.close / known.close - 1) > _SAME_CLOSE:
        return False
    if not known.volume or not bar.volume:
        return True
    return abs(bar.volume / known.volume - 1) <= _SAME_VOLUME


def _is_same_factor(known: Bar, bar: Bar) -> bool:
    return abs((bar.adj_close / bar.close) / (known.adj_close / known.close) - 1) <= _SAME_FACTOR
