"""Yahoo's chart v8: daily rows without a key, and without any guarantee.

Arrays may hold null, whole rows may be null, the last row is unfinished until after the close, may appear
twice and may lie beyond the requested period. Numbers are 32-bit floats widened, so they are rounded to
four decimals.
``close`` is split-adjusted, ``adjclose`` split- and dividend-adjusted.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx

from services.ingestor.feeds.daily_bars.ports import BarProvider, Row
from services.ingestor.feeds.streaming.events import Refusal
from services.ingestor.feeds.transport.http_errors import Refused
from services.ingestor.feeds.transport.http_json import get_json
from shared.errors import FeedUnavailable

_DECIMALS: Final = 4
# Yahoo only answers browsers; any other client gets "Too Many Requests" at once.
USER_AGENT: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
)


class YahooChart:
    """Fetch daily rows of one symbol.

    Parameters
    ----------
    client
        With Yahoo's chart service as its base.
    symbol
        Such as ``IWM``.
    """

    name = "yahoo"

    def __init__(self, client: httpx.AsyncClient, *, symbol: str) -> None:
        self._client = client
        self._symbol = symbol

    async def rows(self, sessions: Sequence[str]) -> list[Row]:
        """Return the rows of some sessions, ascending.

        Raises
        ------
        FeedUnavailable
            If Yahoo does not answer, its answer cannot be used, or it refuses.
        """
        begin = datetime.combine(date.fromisoformat(sessions[0]), datetime.min.time(), UTC)
        # One day beyond the last: the end of the period is excluded.
        end = datetime.combine(date.fromisoformat(sessions[-1]), datetime.min.time(), UTC) + timedelta(days=2)
        body = await get_json(
            self._client,
            f"/v8/finance/chart/{self._symbol}",
            params={
                "period1": int(begin.timestamp()),
                "period2": int(end.timestamp()),
                "interval": "1d",
                "events": "div,splits,capitalGains",
                "includeAdjustedClose": "true",
            },
            headers={"User-Agent": USER_AGENT},
        )
        wanted = set(sessions)
        return [row for row in parse_chart(body) if row.session in wanted]


def parse_chart(body: Any) -> list[Row]:
    """Return the usable rows of a chart, ascending, one for each date: of two the later one.

    Raises
    ------
    Refused
        If Yahoo does not have the symbol.
    FeedUnavailable
        If the body is an error or not a chart.
    """
    chart = body.get("chart") if isinstance(body, dict) else None
    if not isinstance(chart, dict):
        raise FeedUnavailable(f"Yahoo: not a chart: {str(body)[:120]}", reason="not_json")
    error = chart.get("error")
    if error:
        text = f"{error.get('code')}: {error.get('description')}" if isinstance(error, dict) else str(error)
        if "Not Found" in text:
            raise Refused(f"Yahoo: {text[:150]}", refusal=Refusal.UNKNOWN_SYMBOL)
        raise FeedUnavailable(f"Yahoo: {text[:150]}", reason="server_error")
    try:
        result = chart["result"][0]
        zone = ZoneInfo(result["meta"]["exchangeTimezoneName"])
        stamps = result.get("timestamp") or []
        quote = result["indicators"]["quote"][0]
        adjusted = result["indicators"]["adjclose"][0]["adjclose"] if stamps else []
        rows = [
            _row(datetime.fromtimestamp(stamp, zone).date(), quote, adjusted, index)
            for index, stamp in enumerate(stamps)
        ]
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, ZoneInfoNotFoundError) as problem:
        raise FeedUnavailable(
            f"Yahoo: the chart has an unknown form: {problem!r}"[:150], reason="not_json"
        ) from problem
    by_session = {row.session: row for row in rows if row is not None}
    return [by_session[session] for session in sorted(by_session)]


def _row(
    day: date, quote: dict[str, list[float | None]], adjusted: list[float | None], index: int
) -> Row | None:
    close, adj_close = quote["close"][index], adjusted[index]
    if close is None or adj_close is None:
        return None
    return Row(
        session=day.isoformat(),
        close=round(close, _DECIMALS),
        adj_close=round(adj_close, _DECIMALS),
        open=_rounded(quote["open"][index]),
        high=_rounded(quote["high"][index]),
        low=_rounded(quote["low"][index]),
        volume=quote["volume"][index],
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)


YAHOO: Final = BarProvider(
    name=YahooChart.name,
    rest_url=lambda settings: settings.yahoo_url,
    make_source=lambda client, symbol, _: YahooChart(client, symbol=symbol),
)
