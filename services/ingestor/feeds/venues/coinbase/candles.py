"""The history of a token: its price at each XNYS close, where listed legs have theirs, from hourly candles.

A session closes on the hour, so its sample is the close of the candle that ends then. A token trades round
the clock; an hour without a trade has no candle, and its session no sample.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx

from services.ingestor.core.daily_rows import PulledRows, Row
from services.ingestor.feeds.daily_bars.row_reading import listed
from services.ingestor.feeds.transport.http_json import get_json
from shared.domain.bars import MOST_PRICE
from shared.domain.instants import NS_PER_SECOND, format_rfc3339
from shared.domain.sessions import SessionCalendar
from shared.errors import FeedUnavailable

_PROVIDER: Final = "Coinbase"
_HOUR_SECONDS: Final = 3_600
_MAX_CANDLES: Final = 300


class CandleCloses:
    """The price of one product at session closes.

    Parameters
    ----------
    client
        With the REST address of Coinbase Exchange as its base.
    product
        Such as ``PAXG-USD``. 600 sessions take about 70 requests.
    """

    name = "coinbase"
    is_split_adjusted = True

    def __init__(self, client: httpx.AsyncClient, *, product: str, calendar: SessionCalendar) -> None:
        self._client = client
        self._path = f"/products/{product}/candles"
        self._calendar = calendar

    async def rows(self, sessions: Sequence[str]) -> PulledRows:
        """Return the samples of some sessions, ascending; of those whose candle is missing, none.

        Raises
        ------
        FeedUnavailable
            If Coinbase does not answer, refuses, or its answer cannot be read.
        """
        starts = {session: self._candle_start(session) for session in sessions}
        closes: dict[int, float] = {}
        for first, last in windows(sorted(starts.values())):
            params: dict[str, str | int] = {
                "granularity": _HOUR_SECONDS,
                "start": format_rfc3339(first * NS_PER_SECOND),
                "end": format_rfc3339(last * NS_PER_SECOND),
            }
            closes |= parse_candles(await get_json(self._client, self._path, params=params))
        return PulledRows(
            rows=tuple(
                Row(session=session, close=closes[start], adj_close=closes[start])
                for session, start in starts.items()
                if start in closes
            )
        )

    def _candle_start(self, session: str) -> int:
        return self._calendar.close_of(session) // NS_PER_SECOND - _HOUR_SECONDS


def windows(starts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield spans of at most 300 hourly candles that hold every start, both ends included.

    Examples
    --------
    >>> list(windows([0, 3_600, 299 * 3_600, 300 * 3_600]))
    [(0, 1076400), (1080000, 1080000)]
    """
    first = last = None
    for start in starts:
        if first is None or last is None:
            first = last = start
        elif start - first <= (_MAX_CANDLES - 1) * _HOUR_SECONDS:
            last = start
        else:
            yield first, last
            first = last = start
    if first is not None and last is not None:
        yield first, last


def parse_candles(body: Any) -> dict[int, float]:
    """Return the close of each candle by its start, seconds since the Unix epoch.

    A candle that cannot be right is left out, so that its session is asked for again.

    Raises
    ------
    FeedUnavailable
        If the body is not a list of ``[time, low, high, open, close, volume]``, or most closes are not
        between low and high: the order of the columns is hardly documented, and this notices when it changes.
    """
    entries = listed(body, provider=_PROVIDER)
    closes = dict(each for entry in entries if (each := _close(entry)) is not None)
    if len(closes) * 2 < len(entries):
        raise FeedUnavailable(
            f"{_PROVIDER}: most candles cannot be read, such as {entries[0]!r}"[:150], reason="not_json"
        )
    return closes


def _close(entry: Any) -> tuple[int, float] | None:
    try:
        start, low, high, _open, close, _volume = entry
        is_candle = 0 < low <= close <= high <= MOST_PRICE
        return (int(start), float(close)) if is_candle else None
    except (TypeError, ValueError, OverflowError):
        return None
