"""Which ticks were seen before, and which trades are missing."""

from dataclasses import dataclass
from typing import Final

# A venue repeats a tick at once or after a reconnect, not minutes later.
_MEMORY_SECONDS: Final = 120.0
_MEMORY_TICKS: Final = 20_000
_CONTRADICTIONS: Final = 3
_NEVER: Final = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Trade ids that were never seen: those strictly between two that were.

    Parameters
    ----------
    since_ns
        Event time of the last trade before the gap, nanoseconds since the Unix epoch.
    """

    after_id: int
    before_id: int
    since_ns: int


class TradeSequence:
    """The contiguous trade ids of a venue, followed across reconnects.

    ================== ================================= ===============
    id, with last seen as an update                      in a snapshot
    ================== ================================= ===============
    none yet           new                               starting point
    last or below      duplicate                         duplicate
    last + 1           new                               new
    above              new, and a gap before it          the same
    ================== ================================= ===============

    A trade that is newer than the last one and has a lower id contradicts its number. With the third such
    trade in a row the sequence begins anew there: the venue numbers its trades anew, or the id of the last
    one was wrong, and would make every later trade a duplicate.

    So a snapshot after a reconnect may fill the gap that the reconnect made, and cannot hide it.

    Examples
    --------
    >>> sequence = TradeSequence()
    >>> sequence.offer([(99, 4), (100, 5)], is_snapshot=True)
    ([], [])
    >>> sequence.offer([(103, 9)], is_snapshot=True)
    ([103], [Gap(after_id=100, before_id=103, since_ns=5)])
    >>> sequence.offer([(103, 9), (104, 9)], is_snapshot=False)
    ([104], [])
    """

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None
        self._announced: int | None = None
        self._contradictions = 0

    def resume(self, trade_id: int, ts_event_ns: int) -> None:
        """Begin after a trade that an earlier process has published: what it missed is a gap.

        Once a trade was seen, this changes nothing.

        Examples
        --------
        >>> sequence = TradeSequence()
        >>> sequence.resume(100, 5)
        >>> sequence.offer([(99, 4), (103, 9)], is_snapshot=False)
        ([103], [Gap(after_id=100, before_id=103, since_ns=5)])
        """
        if self._last is None:
            self._last = (trade_id, ts_event_ns)

    def offer(self, trades: list[tuple[int, int]], *, is_snapshot: bool) -> tuple[list[int], list[Gap]]:
        """Return the ids that are new, and the gaps that they uncover.

        Parameters
        ----------
        trades
            Id and event time (nanoseconds since the Unix epoch) of each trade of one frame.
        """
        trades = sorted(trades)
        if self._last is None and is_snapshot:
            self._last = trades[-1] if trades else None
            return [], []
        new: list[int] = []
        gaps: list[Gap] = []
        for trade_id, ts_event_ns in trades:
            if self._last is not None:
                last_id, last_ns = self._last
                if trade_id <= last_id:
                    if not self._is_contradicted(ts_event_ns, last_ns):
                        continue
                elif trade_id > last_id + 1:
                    gaps.append(Gap(after_id=last_id, before_id=trade_id, since_ns=last_ns))
            self._contradictions = 0
            new.append(trade_id)
            self._last = (trade_id, ts_event_ns)
        return new, gaps

    def _is_contradicted(self, ts_event_ns: int, last_ns: int) -> bool:
        """Return whether the last id cannot be right, after a trade below it."""
        if not 0 < last_ns < ts_event_ns:
            self._contradictions = 0
            return False
        self._contradictions += 1
        return self._contradictions >= _CONTRADICTIONS

    def on_last_trade_id(self, trade_id: int) -> Gap | None:
        """Note the id of the venue's last trade; return the gap if the id noted before is still missing.

        The gap is only reported at the next note, because the trade itself may still be on its way.
        """
        announced, self._announced = self._announced, trade_id
        if self._last is None:
            self._last = (trade_id, 0)
            return None
        last_id, last_ns = self._last
        if announced is None or announced <= last_id:
            return None
        self._last = (announced, last_ns)
        return Gap(after_id=last_id, before_id=announced + 1, since_ns=last_ns)


class RecentTicks:
    """The ticks of the last two minutes, at most 20,000: what comes again is a duplicate.

    They are kept in two parts, and the older part is forgotten as a whole: taking the oldest entry out of one
    large dict takes the longer the more were taken out before.

    Examples
    --------
    >>> recent = RecentTicks()
    >>> recent.is_new((5, 1.0, 2.0), now=0.0), recent.is_new((5, 1.0, 2.0), now=120.0)
    (True, False)
    >>> recent.is_new((5, 1.0, 2.0), now=120.1)
    True
    """

    def __init__(self) -> None:
        self._newer: dict[tuple[object, ...], float] = {}
        self._older: dict[tuple[object, ...], float] = {}
        self._since = _NEVER

    def is_new(self, key: tuple[object, ...], *, now: float) -> bool:
        """Return whether a tick was not seen yet, and remember it.

        Parameters
        ----------
        key
            The venue's id of the tick, or else everything that it says.
        now
            Seconds on a clock that never goes back.
        """
        newer, oldest = self._newer, now - _MEMORY_SECONDS
        if len(newer) >= _MEMORY_TICKS // 2 or self._since < oldest:
            self._older, self._since = newer, now
            newer = self._newer = {}
        if newer.get(key, _NEVER) >= oldest or self._older.get(key, _NEVER) >= oldest:
            return False
        newer[key] = now
        return True
