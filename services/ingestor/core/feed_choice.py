"""Which of an instrument's feeds its ticks are taken from: the best that is live, without flapping.

========================= =====================================================================
the present feed          leads to
========================= =====================================================================
is live                   a feed preferred to it, once that one has been live without a break
                          for its probation
is stale                  a feed that is live, after `PATIENCE_SECONDS`
is refused, or disagrees  a feed that is live, at once
========================= =====================================================================

*Probation* is `PROBATION_SECONDS` after a feed was left for the first time. It doubles each time the feed is
left again within an hour of coming back, up to `MAX_PROBATION_SECONDS`. Where no feed has passed its
probation, one that has not is better than one that is not live.

The patience is for reconnects, which take about a second. A feed that comes and goes is left as well: each
second in which it is not live counts until it has been live for five.

Whatever the feeds do, an instrument's feed changes at most `MAX_SWITCHES_PER_HOUR` times an hour: after
`_FREE_SWITCHES` within ten minutes each further one takes twice the patience, up to a minute.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.domain.ticks import AuthorityReason

PROBATION_SECONDS: Final = 60.0
MAX_PROBATION_SECONDS: Final = 1_920.0
PATIENCE_SECONDS: Final = 3.0
MAX_PATIENCE_SECONDS: Final = 60.0
MAX_SWITCHES_PER_HOUR: Final = 96
# A feed that was taken from for so long is no longer punished for what it did before.
_FORGIVEN_SECONDS: Final = 3_600.0
_RECENT_SECONDS: Final = 600.0
_FREE_SWITCHES: Final = 4
# So long live makes up for a second in which it was not.
_ATONEMENT: Final = 5.0
# Of a longer time between two decisions nothing is known.
_LONGEST_STEP_SECONDS: Final = 2.0


class FeedHealth(StrEnum):
    """What an instrument's feed is good for now.

    ``RESTING``: its market is closed. It is neither left nor taken.
    """

    LIVE = "live"
    STALE = "stale"
    REFUSED = "refused"
    DISAGREES = "disagrees"
    RESTING = "resting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """The ticks of another feed are taken from now on.

    Parameters
    ----------
    previous
        The feed until now.
    """

    feed: str
    previous: str
    reason: AuthorityReason


_REASONS: Final = {
    FeedHealth.LIVE: AuthorityReason.PREFERRED_IS_BACK,
    FeedHealth.STALE: AuthorityReason.OTHER_STALE,
    FeedHealth.REFUSED: AuthorityReason.OTHER_REFUSED,
    FeedHealth.DISAGREES: AuthorityReason.OTHER_DISAGREES,
}


@dataclass(slots=True, kw_only=True)
class _Record:
    """What is known of one feed; instants are seconds on a monotonic clock."""

    live_since: float | None = None
    times_left: int = 0

    def probation(self, base_seconds: float) -> float:
        longest = MAX_PROBATION_SECONDS / PROBATION_SECONDS * base_seconds
        return min(base_seconds * 2.0 ** min(max(0, self.times_left - 1), 30), longest)


class FeedChoice:
    """The choice among the feeds of one instrument; instants are seconds on a monotonic clock.

    Parameters
    ----------
    feeds
        In order of preference, at least one. The first is taken from until it turns out not to be live.
    patience_seconds
        How long the present feed may be stale before it is left.
    probation_seconds
        How long a preferred feed must have been live before it is taken from again.

    Examples
    --------
    >>> choice = FeedChoice(("kraken", "coinbase"), now=0.0)
    >>> both = {"kraken": FeedHealth.LIVE, "coinbase": FeedHealth.LIVE}
    >>> dead = both | {"kraken": FeedHealth.STALE}
    >>> choice.decide(dead, now=1.0), choice.present
    (None, 'kraken')
    >>> choice.decide(dead, now=4.0).reason, choice.present
    (<AuthorityReason.OTHER_STALE: 'other_stale'>, 'coinbase')
    >>> choice.decide(both, now=5.0), choice.decide(both, now=64.0)
    (None, None)
    >>> choice.decide(both, now=65.0).reason, choice.present
    (<AuthorityReason.PREFERRED_IS_BACK: 'preferred_is_back'>, 'kraken')
    """

    def __init__(
        self,
        feeds: tuple[str, ...],
        *,
        now: float,
        patience_seconds: float = PATIENCE_SECONDS,
        probation_seconds: float = PROBATION_SECONDS,
    ) -> None:
        if not feeds or len(set(feeds)) < len(feeds):
            raise ValueError(f"an instrument needs feeds, each once, was {feeds}")
        self._feeds = feeds
        self._patience_seconds = patience_seconds
        self._probation_seconds = probation_seconds
        self._records = {feed: _Record() for feed in feeds}
        self._present = feeds[0]
        self._taken_at = now
        self._stale_seconds = 0.0
        self._decided_at = now
        self._switched_at: deque[float] = deque(maxlen=_FREE_SWITCHES + 8)

    @property
    def present(self) -> str:
        """Return the feed that ticks are taken from."""
        return self._present

    def begin(self, *, now: float) -> None:
        """Count time from now on: the feeds were not running before."""
        self._taken_at = self._decided_at = now

    def decide(self, health: Mapping[str, FeedHealth], *, now: float) -> Switch | None:
        """Take in how each feed is, and return the switch that follows, if any.

        To be asked about once a second: between two calls nothing is noticed.
        """
        for feed, record in self._records.items():
            if health[feed] is not FeedHealth.LIVE:
                record.live_since = None
            elif record.live_since is None:
                record.live_since = now
        present = health[self._present]
        step = min(now - self._decided_at, _LONGEST_STEP_SECONDS)
        self._decided_at = now
        match present:
            case FeedHealth.RESTING:
                self._stale_seconds = 0.0
                return None
            case FeedHealth.LIVE:
                self._stale_seconds = max(0.0, self._stale_seconds - step / _ATONEMENT)
                return self._return(now)
        self._stale_seconds += step
        if self._stale_seconds < self._patience(present, now):
            return None
        live = (feed for feed, record in self._records.items() if record.live_since is not None)
        return self._switch_to(self._first_proven(self._feeds, now) or next(live, None), present, now)

    def _return(self, now: float) -> Switch | None:
        """Take a preferred feed that has passed its probation, but never soon after another switch."""
        if now - self._taken_at < self._probation_seconds:
            return None
        preferred = self._feeds[: self._feeds.index(self._present)]
        return self._switch_to(self._first_proven(preferred, now), FeedHealth.LIVE, now)

    def _first_proven(self, feeds: tuple[str, ...], now: float) -> str | None:
        for feed in feeds:
            record = self._records[feed]
            if record.live_since is not None and now - record.live_since >= record.probation(
                self._probation_seconds
            ):
                return feed
        return None

    def _patience(self, present: FeedHealth, now: float) -> float:
        """Return for how many seconds the present feed may be stale: longer after many switches."""
        recent = sum(now - at < _RECENT_SECONDS for at in self._switched_at)
        if recent < _FREE_SWITCHES:
            return self._patience_seconds if present is FeedHealth.STALE else 0.0
        return min(MAX_PATIENCE_SECONDS, self._patience_seconds * 2.0 ** (recent - _FREE_SWITCHES + 1))

    def _switch_to(self, feed: str | None, present: FeedHealth, now: float) -> Switch | None:
        if feed is None:
            return None
        left = self._records[self._present]
        if present is not FeedHealth.LIVE:
            is_forgiven = now - self._taken_at >= _FORGIVEN_SECONDS
            left.times_left = 1 if is_forgiven else left.times_left + 1
        switch = Switch(feed=feed, previous=self._present, reason=_REASONS[present])
        self._present, self._taken_at, self._stale_seconds = feed, now, 0.0
        self._switched_at.append(now)
        return switch
