"""The history of a token: its price at each XNYS close, where listed legs have theirs, from hourly candles.

A session closes on the hour, so its sample is the close of the candle that ends then. A token trades round
the clock; an hour without a trade has no candle, and its session no sample.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx

from services.ingestor.feeds.daily_bars.ports import Row
from services.ingestor.feeds.transport.http_json import get_json
from shared.domain.instants import NS_PER_SECOND, format_rfc3339
from shared.domain.sessions import SessionCalendar
from shared.errors import FeedUnavailable

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

    def __init__(self, client: httpx.AsyncClient, *, product: str, calendar: SessionCalendar) -> None:
        self._client = client
        self._path = f"/products/{product}/candles"
        self._calendar = calendar

    async def rows(self, sessions: Sequence[str]) -> list[Row]:
        """Return the samples of some sessions, ascending.

        Raises
        ------
        FeedUnavailable, FeedRefused
            If Coinbase does not answer, its answer cannot be used, or it refuses.
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
        return [
            Row(session=session, close=closes[start], adj_close=closes[start])
            for session, start in starts.items()
            if start in closes
        ]

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

    Raises
    ------
    FeedUnavailable
        If the body is not a list of ``[time, low, high, open, close, volume]``, or a close is not between
        low and high.
    """
    closes: dict[int, float] = {}
    try:
        for start, low, high, _open, close, _volume in body:
            # The order of the columns is hardly documented; this check notices when it changes.
            if not 0 < low <= close <= high:
                raise FeedUnavailable(f"Coinbase: candle {start} is out of order", reason="not_json")
            closes[int(start)] = float(close)
    except (TypeError, ValueError) as error:
        raise FeedUnavailable(
            f"Coinbase: candles have an unknown form: {error}"[:150], reason="not_json"
        ) from error
    return closes
