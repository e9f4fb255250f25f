"""Which trades of an instrument are missing, what to ask for next, and what is given up.

Gaps are collected while a request is under way, and the next request covers all of them that fit into one:
from the oldest missing id on, at most `MAX_SPAN` ids. Each request that does not bring a trade counts as one
try for it; after `max_tries` the trade is given up. Bounded are the gaps, the missing ids and the tries.
"""

from dataclasses import dataclass, field
from typing import Final

from services.ingestor.core.duplicates_and_gaps import Gap

# Twenty pages of a thousand: what one request turns at most.
MAX_SPAN: Final = 20_000
# An outage of minutes in a busy market.
MAX_MISSING: Final = 20_000
MAX_GAPS: Final = 1_000
MAX_TRIES: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedGap:
    """A gap about which nothing more will be asked.

    Parameters
    ----------
    given_up
        How many of its trades are missing for good; 0: it is filled.
    """

    gap: Gap
    given_up: int


@dataclass(slots=True, kw_only=True)
class _OpenGap:
    gap: Gap
    ids: set[int]
    given_up: int = 0
    tries: int = 0
    asked: set[int] = field(default_factory=set)


class MissingTrades:
    """The gaps of one instrument that are not filled yet, oldest first.

    Examples
    --------
    >>> missing = MissingTrades()
    >>> missing.add(Gap(after_id=6, before_id=8, since_ns=60))
    []
    >>> missing.add(Gap(after_id=11, before_id=14, since_ns=110))
    []
    >>> missing.next_request()  # one request for all three
    Gap(after_id=6, before_id=14, since_ns=60)
    >>> missing.found([7, 8, 12])  # 8 was not missing
    ([7, 12], [ClosedGap(gap=Gap(after_id=6, before_id=8, since_ns=60), given_up=0)])
    >>> missing.count
    1
    """

    def __init__(self, *, max_tries: int = MAX_TRIES) -> None:
        self._max_tries = max_tries
        self._open: list[_OpenGap] = []

    @property
    def count(self) -> int:
        """Return how many trades are missing and not given up."""
        return sum(len(each.ids) for each in self._open)

    @property
    def since_ns(self) -> int | None:
        """Return the event time of the last trade before the oldest gap; None if none is open."""
        return min((each.gap.since_ns for each in self._open), default=None)

    @property
    def tries(self) -> int:
        """Return how many requests in a row have not brought the oldest missing trades."""
        return max((each.tries for each in self._open), default=0)

    def add(self, gap: Gap) -> list[ClosedGap]:
        """Note a gap; return the gaps that are given up because too much is missing."""
        first = gap.after_id + 1
        size = gap.before_id - first
        kept = min(size, MAX_MISSING)
        self._open.append(
            # The oldest are kept: providers that page by time begin there.
            _OpenGap(gap=gap, ids=set(range(first, first + kept)), given_up=size - kept)
        )
        closed: list[ClosedGap] = []
        while len(self._open) > MAX_GAPS or self.count > MAX_MISSING:
            oldest = self._open.pop(0)
            closed.append(ClosedGap(gap=oldest.gap, given_up=oldest.given_up + len(oldest.ids)))
        return closed

    def next_request(self) -> Gap | None:
        """Return the gap that the next request must cover, or None when nothing is missing."""
        ids = [trade_id for each in self._open for trade_id in each.ids]
        if not ids:
            return None
        first = min(ids)
        last = max(trade_id for trade_id in ids if trade_id < first + MAX_SPAN)
        oldest = next(each for each in self._open if first in each.ids)
        for each in self._open:
            each.asked = {trade_id for trade_id in each.ids if first <= trade_id <= last}
        return Gap(after_id=first - 1, before_id=last + 1, since_ns=oldest.gap.since_ns)

    def found(self, ids: list[int]) -> tuple[list[int], list[ClosedGap]]:
        """Take out trades that were found; return those that were missing, and the gaps now closed."""
        new: list[int] = []
        for each in self._open:
            of_gap = each.ids.intersection(ids)
            each.ids -= of_gap
            new += sorted(of_gap)
        return new, self._closed()

    def answered(self) -> list[ClosedGap]:
        """Note that the request is over, whatever it brought; return the gaps that are given up now."""
        for each in self._open:
            if each.ids & each.asked:
                each.tries += 1
            each.asked = set()
            if each.tries >= self._max_tries:
                each.given_up += len(each.ids)
                each.ids = set()
        return self._closed()

    def _closed(self) -> list[ClosedGap]:
        closed = [ClosedGap(gap=each.gap, given_up=each.given_up) for each in self._open if not each.ids]
        self._open = [each for each in self._open if each.ids]
        return closed
