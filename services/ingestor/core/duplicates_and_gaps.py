"""Which ticks were seen before, and which trades are missing."""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from shared.domain.instants import NS_PER_SECOND

# A venue repeats a tick at once or after a reconnect, not minutes later.
_MEMORY_SECONDS: Final = 120.0
_MEMORY_TICKS: Final = 20_000
_CONTRADICTIONS: Final = 3
# A busy venue makes some hundred trades a second, and an outage of seconds hides no more than these.
NEAR_IDS: Final = 2_000
_IDS_PER_SECOND: Final = 1_000
# So many trades are remembered, by id and time; another trade with the same id is of another second.
_MEMORY_TRADES: Final = 10_000
_SAME_TRADE_NS: Final = NS_PER_SECOND
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

    Only trades that are valid in themselves are offered.

    ================================ ================================= ===============
    id, with last seen               as an update                      in a snapshot
    ================================ ================================= ===============
    none yet                         new                               starting point
    last or below                    new if it was missing, else       the same
                                     duplicate
    last or below, but newer than    new; the third in a row is the    the same
    the last, and never seen         last from then on
    last + 1                         new                               new
    above                            new, and a gap before it          the same
    over 2,000 above, and over       new; the gap is believed with     the same
    1,000 more for each second       the next trade if that is near
    ================================ ================================= ===============

    So a snapshot after a reconnect may fill the gap that the reconnect made, and cannot hide it. One wrong id
    neither makes later trades duplicates nor lets thousands be asked for that never were. A last id that only
    a heartbeat gave has no time, and the first trade counts against it.

    Examples
    --------
    >>> sequence = TradeSequence()
    >>> sequence.offer([(99, 4), (100, 5)], is_snapshot=True)
    ([], [])
    >>> sequence.offer([(103, 9)], is_snapshot=True)
    ([103], [Gap(after_id=100, before_id=103, since_ns=5)])
    >>> sequence.offer([(103, 9), (104, 9)], is_snapshot=False)
    ([104], [])
    >>> [sequence.offer([(each, 9)], is_snapshot=False) for each in (70_000, 105)]
    [([70000], []), ([105], [])]
    """

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None
        self._announced: int | None = None
        self._contradicting: list[tuple[int, int]] = []
        self._far: tuple[int, int] | None = None
        # Of each id above it is known whether it was seen.
        self._known_from = 0
        self._seen: dict[int, int] = {}
        self._seen_in_order: deque[int] = deque()

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
            self._begin_after((trade_id, ts_event_ns))

    def is_duplicate(self, trade_id: int, ts_event_ns: int) -> bool:
        """Return whether a trade was seen before; to be asked before it is validated, and learns no id."""
        if self._was_seen(trade_id, ts_event_ns):
            return True
        if self._last is None or not self._last[1] or trade_id > self._last[0]:
            return False
        if trade_id > self._known_from or ts_event_ns > self._last[1]:
            return False
        self._contradicting.clear()
        return True

    def note(self, trade_id: int, ts_event_ns: int) -> bool:
        """Remember a trade that was missing and is found; return whether it was not seen before."""
        if self._was_seen(trade_id, ts_event_ns):
            return False
        if trade_id not in self._seen:
            self._seen_in_order.append(trade_id)
        self._seen[trade_id] = ts_event_ns
        if len(self._seen_in_order) > _MEMORY_TRADES:
            forgotten = self._seen_in_order.popleft()
            del self._seen[forgotten]
            self._known_from = max(self._known_from, forgotten)
        return True

    def offer(self, trades: list[tuple[int, int]], *, is_snapshot: bool) -> tuple[list[int], list[Gap]]:
        """Return the ids that are new, and the gaps that they uncover.

        Parameters
        ----------
        trades
            Id and event time (nanoseconds since the Unix epoch) of each valid trade of one frame.
        """
        trades = sorted(trades)
        if self._last is None and is_snapshot:
            for trade in trades:
                self.note(*trade)
            if trades:
                self._begin_after(trades[-1])
            return [], []
        new: list[int] = []
        gaps: list[Gap] = []
        for trade in trades:
            if not self.is_duplicate(*trade):
                self.note(*trade)
                new.append(trade[0])
                gaps += self._gaps_before(trade)
        return new, gaps

    def on_last_trade_id(self, trade_id: int) -> Gap | None:
        """Note the id of the venue's last trade; return the gap if the id noted before is still missing.

        The gap is only reported at the next note, because the trade itself may still be on its way. A note is
        not believed if the next one is below it, or if it is over 2,000 above the last trade.
        """
        announced, self._announced = self._announced, trade_id
        if self._last is None:
            self._last = (trade_id, 0)
            return None
        last_id, last_ns = self._last
        if announced is None or not last_id < announced <= min(trade_id, last_id + NEAR_IDS):
            return None
        self._last = (announced, last_ns)
        return Gap(after_id=last_id, before_id=announced + 1, since_ns=last_ns)

    def _was_seen(self, trade_id: int, ts_event_ns: int) -> bool:
        seen_ns = self._seen.get(trade_id)
        return seen_ns is not None and abs(ts_event_ns - seen_ns) <= _SAME_TRADE_NS

    def _gaps_before(self, trade: tuple[int, int]) -> list[Gap]:
        """Learn from a new trade; return the gaps that it uncovers."""
        last = self._last
        if last is None or (not last[1] and not 0 < trade[0] - last[0] <= NEAR_IDS):
            self._begin_after(trade)
            return []
        if trade[0] <= last[0]:
            return self._contradicted_by(trade) if trade[1] > last[1] else []
        if _is_near(last, trade):
            return self._go_on([last, trade])
        far, self._far = self._far, trade
        if far is None or not _is_near(*sorted((far, trade))):
            return []
        return self._go_on([last, *sorted((far, trade))])

    def _contradicted_by(self, trade: tuple[int, int]) -> list[Gap]:
        """Note a trade that is newer than the last one and has a lower id; return the gaps it uncovers."""
        self._contradicting.append(trade)
        if len(self._contradicting) < _CONTRADICTIONS:
            return []
        trades = sorted(self._contradicting)
        self._known_from = trades[0][0] - 1
        return [gap for gap in self._go_on(trades) if gap.before_id - gap.after_id <= NEAR_IDS]

    def _begin_after(self, trade: tuple[int, int]) -> None:
        self._known_from = trade[0]
        self._go_on([trade])

    def _go_on(self, trades: list[tuple[int, int]]) -> list[Gap]:
        """Let the sequence go on after ascending trades; return the gaps between them."""
        self._last, self._far = trades[-1], None
        self._contradicting.clear()
        return [
            Gap(after_id=before[0], before_id=after[0], since_ns=before[1])
            for before, after in pairwise(trades)
            if after[0] > before[0] + 1
        ]


def _is_near(before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Return whether a venue may have given so many ids in the time between two trades."""
    seconds = max(0, after[1] - before[1]) / NS_PER_SECOND
    return after[0] - before[0] <= NEAR_IDS + _IDS_PER_SECOND * seconds


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
