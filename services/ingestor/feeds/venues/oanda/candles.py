"""The history of spot metals and currencies: their price at each XNYS close, from OANDA's hourly candles.

A session closes on the hour, so its sample is the close of the candle that ends then, the middle between bid
and ask.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx
from pydantic import SecretStr

from services.ingestor.core.daily_rows import PulledRows, Row
from services.ingestor.feeds.transport.http_json import get_json
from services.ingestor.feeds.transport.json_fields import instant, number, rows
from shared.domain.instants import NS_PER_SECOND, format_rfc3339
from shared.domain.sessions import SessionCalendar
from shared.errors import DecodeError, FeedUnavailable

_HOUR_NS: Final = 3_600 * NS_PER_SECOND
# An answer has at most 5,000 candles.
_MOST_HOURS: Final = 4_900


class OandaCloses:
    """The price of one instrument at session closes.

    Parameters
    ----------
    client
        With OANDA's REST address as its base.
    instrument
        Such as ``XAU_USD``. 600 sessions take five requests.
    """

    name = "oanda"
    is_split_adjusted = True

    def __init__(
        self, client: httpx.AsyncClient, *, instrument: str, token: SecretStr, calendar: SessionCalendar
    ) -> None:
        self._client = client
        self._path = f"/v3/instruments/{instrument}/candles"
        self._token = token
        self._calendar = calendar

    async def rows(self, sessions: Sequence[str]) -> PulledRows:
        """Return the samples of some sessions, ascending; of those whose candle is missing, none.

        Raises
        ------
        FeedUnavailable
            If OANDA does not answer, refuses, or its answer cannot be read.
        """
        starts = {session: self._calendar.close_of(session) - _HOUR_NS for session in sessions}
        closes: dict[int, float] = {}
        for first_ns, last_ns in _windows(sorted(starts.values())):
            params = {
                "granularity": "H1",
                "price": "M",
                "from": format_rfc3339(first_ns),
                "to": format_rfc3339(last_ns + _HOUR_NS),
            }
            headers = {
                "Authorization": f"Bearer {self._token.get_secret_value()}",
                "Accept-Datetime-Format": "RFC3339",
            }
            closes |= parse_candles(await get_json(self._client, self._path, params=params, headers=headers))
        return PulledRows(
            rows=tuple(
                Row(session=session, close=closes[start], adj_close=closes[start])
                for session, start in starts.items()
                if start in closes
            )
        )


def _windows(starts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield spans that one answer can hold, both ends included."""
    begin = 0
    for index in range(1, len(starts) + 1):
        if index == len(starts) or starts[index] - starts[begin] > _MOST_HOURS * _HOUR_NS:
            yield starts[begin], starts[index - 1]
            begin = index


def parse_candles(body: Any) -> dict[int, float]:
    """Return the close of each complete candle by its start, nanoseconds since the Unix epoch.

    A candle that cannot be right is left out, so that its session is asked for again.

    Raises
    ------
    FeedUnavailable
        If the body is no list of candles, or most of them cannot be read.

    Examples
    --------
    >>> candle = {"complete": True, "time": "2026-03-10T19:00:00.000000000Z", "mid": {"c": "4389.21"}}
    >>> list(parse_candles({"candles": [candle, {**candle, "complete": False}]}).values())
    [4389.21]
    """
    try:
        candles = rows(body if isinstance(body, dict) else {}, "candles")
    except DecodeError as error:
        raise FeedUnavailable(f"OANDA: {error}"[:150], reason="not_json") from error
    complete = [candle for candle in candles if candle.get("complete") is not False]
    closes = dict(each for candle in complete if (each := _close(candle)) is not None)
    if len(closes) * 2 < len(complete):
        raise FeedUnavailable(
            f"OANDA: most candles cannot be read, such as {complete[0]!r}"[:150], reason="not_json"
        )
    return closes


def _close(candle: dict[str, Any]) -> tuple[int, float] | None:
    mid = candle.get("mid")
    try:
        close = number(mid if isinstance(mid, dict) else {}, "c")
        return (instant(candle, "time"), close) if close > 0 else None
    except DecodeError:
        return None
