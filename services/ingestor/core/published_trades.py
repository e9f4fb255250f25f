"""The newest trades of each log: what of an instrument is published, what is missing, what would be twice.

An instrument that several leads have is in each of their logs, and a process may die after a trade is in the
first and before it is in the second. So a trade counts as published when all logs have it; one that some have
is fetched again and left out where it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from services.ingestor.core.duplicates_and_gaps import NEAR_IDS, Gap
from shared.domain.ticks import TradeBatch

# More are not looked back on: what is missing among older ones is the past.
MOST_TRADES: Final = 20_000

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedUntil:
    """Where the trades of a feed end in the log.

    Parameters
    ----------
    last_id, last_ns
        The newest trade that every log has, and its event time in nanoseconds since the Unix epoch.
    gaps
        What is missing before it, ascending.
    """

    last_id: int
    last_ns: int
    gaps: tuple[Gap, ...] = ()


class PublishedTrades:
    """The trades that are in the logs when a process begins.

    Examples
    --------
    >>> published = PublishedTrades()
    >>> for trade_id in (7, 8, 11):
    ...     published.add("A", "PAXG/USD.KRAKEN", "kraken", trade_id, ts_event_ns=trade_id)
    >>> published.until("PAXG/USD.KRAKEN", "kraken", leads=("A",))
    PublishedUntil(last_id=11, last_ns=11, gaps=(Gap(after_id=8, before_id=11, since_ns=8),))
    """

    def __init__(self) -> None:
        self._times: dict[Key, dict[int, int]] = {}

    def add(self, lead: str, instrument: str, feed: str, trade_id: int, *, ts_event_ns: int) -> None:
        """Note a trade that a lead's log has."""
        times = self._times.setdefault((lead, instrument, feed), {})
        times[trade_id] = ts_event_ns
        if len(times) > MOST_TRADES:
            del times[next(iter(times))]

    def clear(self) -> None:
        """Forget everything."""
        self._times.clear()

    def until(self, instrument: str, feed: str, *, leads: Sequence[str]) -> PublishedUntil | None:
        """Return where an instrument's trades of a feed end in the logs of some leads; None without any."""
        logs = [self._times.get((lead, instrument, feed), {}) for lead in leads]
        if not all(logs):
            return None
        first = max(map(min, logs))
        ids = sorted(trade_id for trade_id in set.intersection(*map(set, logs)) if trade_id >= first)
        if not ids:
            return None
        times = logs[0]
        while len(ids) > 1 and ids[-1] - ids[-2] > NEAR_IDS and times[ids[-1]] <= times[ids[-2]]:
            # Older than the trade below it: its id was wrong, and nothing is missing before it.
            del ids[-1]
        gaps = tuple(
            Gap(after_id=before, before_id=after, since_ns=times[before])
            for before, after in pairwise(ids)
            if after > before + 1
        )
        return PublishedUntil(last_id=ids[-1], last_ns=times[ids[-1]], gaps=gaps)

    def without(self, lead: str, batch: TradeBatch) -> TradeBatch | None:
        """Return the trades of a batch that a lead's log does not have; None if it has all."""
        times = self._times.get((lead, batch.instrument, batch.feed))
        if not times:
            return batch
        is_new = np.array([not _is_in(text, times) for text in batch.trade_id])
        if is_new.all():
            return batch
        return batch.where(is_new) if is_new.any() else None


def _is_in(text: str, times: dict[int, int]) -> bool:
    return text.isdecimal() and int(text) in times
