"""Do the feeds of one instrument tell the same price, and if not, which of them is wrong.

Two venues never have the same price: a token has a premium over the metal, USDT is not USD. What is usual for
two feeds, their *basis*, is the median of ``log(mid / other mid)`` over half an hour. They are *apart* while
their ratio is more than a limit away from that: `FLOOR`, or `SCALE` of the basis's own scatter where that is
more. Whatever is usual, more than `MOST` between them is too much.

====================================== ===============================================================
two feeds are apart, and                then
====================================== ===============================================================
one of them has not ticked for long    it is *silent*: its market moved on, and it did not say so
both tick, for `APART_SECONDS`         they *disagree*, until they have agreed for as long
========================================================================================================

Of feeds that disagree, those are *odd* that disagree with the majority. Where there is no majority, as among
two, the present feed's price is *in doubt*.

What two feeds say while they are apart is not learnt as usual. If they stay apart for half an hour, within
`MOST`, it is the new basis.
"""

import math
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median
from typing import Final

FLOOR: Final = 0.003
SCALE: Final = 8.0
MOST: Final = 0.01
APART_SECONDS: Final = 30.0
SILENT_SECONDS: Final = 15.0
BASIS_SECONDS: Final = 1_800.0
SAMPLE_SECONDS: Final = 5.0
LEAST_SAMPLES: Final = 24
# The scatter of a normal distribution with the same median of absolute deviations.
_NORMAL: Final = 1.4826
# A price is as fresh as its feed's pace allows; a feed that is asked once a minute has a pace of a minute.
_FRESH_SECONDS: Final = 5.0
_FRESH_INTERVALS: Final = 2.0
_SILENT_INTERVALS: Final = 4.0
_SLOWEST_SECONDS: Final = 120.0
_SMOOTHING: Final = 0.1
_LEAST_TICKS: Final = 2
# Two feeds agree again well inside the limit, so that a fault does not open and close around it.
_AGREE_LIMIT, _AGREE_MOST = 0.5, 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a comparison found.

    Parameters
    ----------
    silent
        Feeds whose market moved on without them.
    odd
        Feeds that disagree with the majority.
    doubt
        Why the present feed's price is in doubt, in one sentence; None if it is not.
    """

    silent: frozenset[str] = frozenset()
    odd: frozenset[str] = frozenset()
    doubt: str | None = None


@dataclass(slots=True, kw_only=True)
class _Price:
    """The last price of a feed, and how often it gives one."""

    mid: float
    at: float
    interval: float = 0.0
    count: int = 1

    def take(self, mid: float, now: float) -> None:
        if now > self.at:
            gap = min(now - self.at, _SLOWEST_SECONDS)
            self.interval += _SMOOTHING * (gap - self.interval) if self.count > 1 else gap
        self.mid, self.at, self.count = mid, now, self.count + 1

    def is_fresh(self, now: float) -> bool:
        return now - self.at <= max(_FRESH_SECONDS, _FRESH_INTERVALS * self.interval)

    def is_quiet(self, now: float) -> bool:
        return now - self.at > max(SILENT_SECONDS, _SILENT_INTERVALS * self.interval)


@dataclass(slots=True, kw_only=True)
class _Basis:
    """How two feeds differ, and since when by too much."""

    samples: deque[float] = field(default_factory=lambda: deque(maxlen=int(BASIS_SECONDS / SAMPLE_SECONDS)))
    sampled_at: float = -math.inf
    usual: float | None = None
    limit: float = FLOOR
    apart_since: float | None = None
    disagrees: bool = False
    # Since when they are about to change from one to the other, and how many prices both had given by then.
    turning_since: float | None = None
    counts: tuple[int, int] = (0, 0)

    def excess(self, ratio: float) -> tuple[float, float]:
        """Return how far a ratio is from the usual and from none, as multiples of what is allowed."""
        away = abs(ratio - self.usual) / self.limit if self.usual is not None else 0.0
        return away, abs(ratio) / MOST

    def follow(self, ratio: float, counts: tuple[int, int], now: float) -> None:
        """Take in the ratio of two fresh prices, and how many prices each feed has given."""
        away, most = self.excess(ratio)
        is_apart = max(away, most) > 1.0
        if is_apart:
            self._stay_apart(now)
        else:
            self.apart_since = None
            self._learn(ratio, now)
        is_turning = (away < _AGREE_LIMIT and most < _AGREE_MOST) if self.disagrees else is_apart
        if not is_turning:
            self.turning_since = None
            return
        if self.turning_since is None:
            self.turning_since, self.counts = now, counts
        have_ticked = all(new - old >= _LEAST_TICKS for new, old in zip(counts, self.counts, strict=True))
        if have_ticked and now - self.turning_since >= APART_SECONDS:
            self.disagrees, self.turning_since = not self.disagrees, None

    def forget_disagreement(self) -> None:
        """Begin again with what is usual: one of the two is not there."""
        self.disagrees, self.turning_since, self.apart_since = False, None, None

    def _learn(self, ratio: float, now: float) -> None:
        if now - self.sampled_at < SAMPLE_SECONDS:
            return
        self.sampled_at = now
        self.samples.append(ratio)
        if len(self.samples) >= LEAST_SAMPLES:
            self.usual = median(self.samples)
            scatter = median(abs(each - self.usual) for each in self.samples)
            self.limit = max(FLOOR, SCALE * _NORMAL * scatter)

    def _stay_apart(self, now: float) -> None:
        if self.apart_since is None:
            self.apart_since = now
        elif now - self.apart_since > BASIS_SECONDS:
            # Nothing is usual any more: what follows is learnt anew.
            self.samples.clear()
            self.usual, self.limit, self.apart_since = None, FLOOR, now


class FeedComparison:
    """The comparison of one instrument's feeds, those included that are only compared.

    Instants are seconds on a monotonic clock.

    Examples
    --------
    >>> comparison = FeedComparison()
    >>> for second in range(60):
    ...     for feed, mid in (("kraken", 4_400.0), ("coinbase", 4_450.0)):
    ...         comparison.on_price(feed, mid, now=float(second))
    ...     findings = comparison.compare({"kraken", "coinbase"}, present="kraken", now=float(second))
    >>> findings.doubt
    'kraken 4400 and coinbase 4450 are 1.12 % apart'
    """

    def __init__(self) -> None:
        self._prices: dict[str, _Price] = {}
        self._bases: dict[tuple[str, str], _Basis] = {}

    def on_price(self, feed: str, mid: float, *, now: float) -> None:
        """Note the newest price of a feed."""
        price = self._prices.get(feed)
        if price is None:
            self._prices[feed] = _Price(mid=mid, at=now)
        else:
            price.take(mid, now)

    def basis(self, present: str, feed: str) -> float | None:
        """Return by which fraction the present feed's price is usually above another's; None if unknown."""
        pair = self._bases.get(_key(present, feed))
        if pair is None or pair.usual is None:
            return None
        return math.expm1(pair.usual if present < feed else -pair.usual)

    def expected(self, feed: str, *, now: float) -> tuple[float, ...]:
        """Return the prices that a feed should have by what each other one says now."""
        fresh = {other: price.mid for other, price in self._prices.items() if price.is_fresh(now)}
        return tuple(
            mid * (1.0 + (self.basis(feed, other) or 0.0)) for other, mid in fresh.items() if other != feed
        )

    def compare(self, live: Collection[str], *, present: str, now: float) -> Findings:
        """Compare the feeds that are live; to be asked about once a second.

        Parameters
        ----------
        present
            The feed whose ticks are taken.
        """
        for (first, second), basis in self._bases.items():
            if first not in live or second not in live:
                basis.forget_disagreement()
        priced = sorted(feed for feed in live if feed in self._prices)
        silent = self._silent(priced, now)
        spoken = [feed for feed in priced if feed not in silent]
        for first, second in combinations(spoken, 2):
            prices = self._prices[first], self._prices[second]
            if all(price.is_fresh(now) for price in prices):
                self._basis(first, second).follow(_ratio(*prices), (prices[0].count, prices[1].count), now)
        against = {
            feed: {other for other in spoken if other != feed and self._basis(feed, other).disagrees}
            for feed in spoken
        }
        odd = frozenset(feed for feed in spoken if _is_odd(feed, against))
        doubt = None
        if against.get(present) and (present in odd or not against[present] <= odd):
            doubt = self._sentence(present, sorted(against[present]))
        return Findings(silent=frozenset(silent), odd=odd, doubt=doubt)

    def _silent(self, priced: list[str], now: float) -> set[str]:
        silent = set()
        for first, second in combinations(priced, 2):
            prices = self._prices[first], self._prices[second]
            quiet = [feed for feed, price in zip((first, second), prices, strict=True) if price.is_quiet(now)]
            is_apart = max(self._basis(first, second).excess(_ratio(*prices))) > 1.0
            if is_apart and len(quiet) == 1 and any(price.is_fresh(now) for price in prices):
                silent.add(quiet[0])
        return silent

    def _basis(self, feed: str, other: str) -> _Basis:
        return self._bases.setdefault(_key(feed, other), _Basis())

    def _sentence(self, present: str, others: list[str]) -> str:
        sentences = []
        for other in others:
            mid, other_mid = self._prices[present].mid, self._prices[other].mid
            usual = self.basis(present, other)
            words = (
                f"{present} {mid:.7g} and {other} {other_mid:.7g} are {_percent(mid / other_mid - 1)} apart"
            )
            sentences.append(words if usual is None else f"{words}, usually {_percent(usual)}")
        return "; ".join(sentences)


def _is_odd(feed: str, against: dict[str, set[str]]) -> bool:
    """Return whether a feed and those that agree with it are fewer than those that contradict it together."""
    contradicting = against[feed]
    agreeing = set(against) - contradicting - {feed}
    return len(contradicting) > len(agreeing) + 1 and any(
        other not in against[another] for another, other in combinations(sorted(contradicting), 2)
    )


def _ratio(first: _Price, second: _Price) -> float:
    return math.log(first.mid / second.mid)


def _key(feed: str, other: str) -> tuple[str, str]:
    return (feed, other) if feed < other else (other, feed)


def _percent(fraction: float) -> str:
    return f"{100 * abs(fraction):.2f} %"
