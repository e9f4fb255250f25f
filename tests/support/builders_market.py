"""Market values with valid defaults: a test names only what it is about."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from shared.domain.bars import Bar, BarBatch, BarsMode, BarStatus
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch, TradeBatch

LEAD = "XAU/USD.TEST"
OTHER = "IWM.TEST"
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEW_YORK = ZoneInfo("America/New_York")


def ny(text: str) -> int:
    """Return New York wall time such as ``2019-06-03 16:00`` in nanoseconds since the Unix epoch."""
    since = datetime.fromisoformat(text).replace(tzinfo=_NEW_YORK) - _EPOCH
    return (since // timedelta(microseconds=1)) * 1_000


def utc(text: str) -> int:
    """Return UTC wall time such as ``2019-06-03 20:00`` in nanoseconds since the Unix epoch."""
    since = datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH
    return (since // timedelta(microseconds=1)) * 1_000


def pair(
    name: str = "gold-iwm",
    *,
    lead: str = LEAD,
    other: str = OTHER,
    is_simulated: bool = False,
    is_proxy: bool = False,
) -> Pair:
    """Return gold against IWM."""
    return Pair(
        name=name,
        title="Gold vs IWM",
        lead=lead,
        other=other,
        lead_title="Gold",
        other_title="IWM",
        is_simulated=is_simulated,
        is_proxy=is_proxy,
    )


@lru_cache(maxsize=8)
def calendar(first: str = "2019-01-02", last: str = "2019-12-31") -> SessionCalendar:
    """Return every weekday as a session, 2019-07-04 off and 2019-07-03 and 2019-11-29 until 13:00."""
    early = {"2019-07-03", "2019-11-29"}
    labels: list[str] = []
    day = date.fromisoformat(first)
    while day.isoformat() <= last:
        if day.weekday() < 5 and day.isoformat() != "2019-07-04":
            labels.append(day.isoformat())
        day += timedelta(days=1)
    return SessionCalendar(
        labels=tuple(labels),
        open_ns=tuple(ny(f"{label} 09:30") for label in labels),
        close_ns=tuple(ny(f"{label} {time(13 if label in early else 16)}") for label in labels),
    )


def quotes(
    prices: Mapping[int, float] | Sequence[tuple[int, float]],
    *,
    instrument: str = LEAD,
    feed: str = "test",
    spread: float = 0.0,
) -> QuoteBatch:
    """Return quotes whose mids are the given prices, by event time."""
    items = list(prices.items()) if isinstance(prices, Mapping) else list(prices)
    events = np.array([ts for ts, _ in items], dtype=np.int64)
    mids = np.array([price for _, price in items], dtype=np.float64)
    return QuoteBatch(
        instrument=instrument,
        feed=feed,
        ts_event_ns=events,
        ts_received_ns=events + 40_000_000,
        bid=mids - spread / 2,
        ask=mids + spread / 2,
    )


def trades(
    prices: Mapping[int, float], *, instrument: str = LEAD, feed: str = "test", size: float = 1.0
) -> TradeBatch:
    """Return trades by event time."""
    events = np.array(list(prices), dtype=np.int64)
    return TradeBatch(
        instrument=instrument,
        feed=feed,
        ts_event_ns=events,
        ts_received_ns=events + 40_000_000,
        price=np.array(list(prices.values()), dtype=np.float64),
        size=np.full(len(events), size),
        trade_id=tuple(str(number) for number in range(len(events))),
    )


def status(
    watermark_ns: int,
    *,
    state: FeedState = FeedState.LIVE,
    instrument: str = LEAD,
    feed: str = "test",
) -> FeedStatus:
    """Return a status record."""
    return FeedStatus(instrument=instrument, feed=feed, state=state, watermark_ns=watermark_ns)


def bar(
    session: str = "2019-06-03",
    close: float = 150.0,
    *,
    instrument: str = OTHER,
    adj_close: float | None = None,
    known_at_ns: int | None = None,
    status: BarStatus = BarStatus.FINAL,
    revision: int = 0,
    source: str = "test",
) -> Bar:
    """Return a session's bar, known at 20:15 New York of its session unless said otherwise."""
    return Bar(
        instrument=instrument,
        session=session,
        close=close,
        adj_close=close if adj_close is None else adj_close,
        known_at_ns=ny(f"{session} 20:15") if known_at_ns is None else known_at_ns,
        status=status,
        revision=revision,
        source=source,
    )


def bar_batch(*bars: Bar, mode: BarsMode = BarsMode.LIVE) -> BarBatch:
    """Return bars as news, or as history."""
    return BarBatch(instrument=bars[0].instrument if bars else OTHER, mode=mode, bars=bars)
