"""Which feed a leg's ticks and status are taken from: the one that the log says is authoritative.

Before the first `FeedAuthority` of an instrument every feed is used, as in the logs of older ingestors.

========================= ====================================================================================
record                    effect
========================= ====================================================================================
the same feed again       none
another feed              what was kept of the feed before it is reset: its quotes, its late ticks, its jumps.
                          The last price stays until the first tick of the new feed; that tick may be older
ticks, status of another  they are not used, and counted
sixty status records in   that feed is authoritative: the record that said so was lost, or an older ingestor
a row of another feed     writes again. The feed that is used has a status every second, so it is gone
========================= ====================================================================================
"""

from typing import Final

from services.signals.core.legs.last_price import LastPrice
from shared.domain.ticks import AuthorityReason, FeedAuthority, FeedStatus

_ADOPTED_AFTER: Final = 60


def is_used(last_price: LastPrice, feed: str) -> bool:
    """Return whether the ticks and status of a feed are used.

    Examples
    --------
    >>> last_price = LastPrice()
    >>> is_used(last_price, "kraken"), is_used(last_price, "coinbase")
    (True, True)
    >>> authority = FeedAuthority(
    ...     instrument="PAXG/USD.KRAKEN", feed="coinbase", since_ns=0, reason=AuthorityReason.FIRST)
    >>> _ = take_authority(last_price, authority, event_time_ns=0)
    >>> is_used(last_price, "kraken"), is_used(last_price, "coinbase")
    (False, True)
    """
    return last_price.authority is None or last_price.authority.feed == feed


def take_authority(last_price: LastPrice, authority: FeedAuthority, *, event_time_ns: int) -> bool:
    """Use the ticks of a feed from now on; return whether that changes anything.

    Parameters
    ----------
    event_time_ns
        The newest event time applied. A feed that is authoritative from later on is so from then: a clock
        that is wrong must not make all its ticks late.
    """
    last_price.other_feed_statuses = 0
    if last_price.authority is not None and last_price.authority.feed == authority.feed:
        return False
    is_new_feed = last_price.feed is not None and last_price.feed != authority.feed
    last_price.authority = authority
    if is_new_feed:
        last_price.quote_ts_ns = 0
        last_price.jump_price, last_price.jump_count = None, 0
        last_price.rejected_ts_ns = min(authority.since_ns, event_time_ns)
    return True


def adopted_after(last_price: LastPrice, status: FeedStatus) -> FeedAuthority | None:
    """Count a status record of a feed that is not used; return its authority once it must be assumed."""
    known = last_price.authority
    last_price.other_feed_statuses += 1
    if known is None or last_price.other_feed_statuses < _ADOPTED_AFTER:
        return None
    return FeedAuthority(
        instrument=status.instrument,
        feed=status.feed,
        since_ns=status.watermark_ns,
        reason=AuthorityReason.TAKEN_OVER,
        previous=known.feed,
    )
