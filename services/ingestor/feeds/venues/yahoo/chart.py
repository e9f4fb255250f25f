"""Yahoo's chart v8: daily rows without a key, and without any guarantee.

Arrays may hold null, whole rows may be null, the last row is unfinished until after the close, may appear
twice and may lie beyond the requested period. Numbers are 32-bit floats widened, so they are rounded to
four decimals.
``close`` is split-adjusted, ``adjclose`` split- and dividend-adjusted; splits are declared in ``events``,
hours or days before the older rows are divided.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx

from services.ingestor.core.daily_rows import PulledRows, Row
from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.daily_bars.ports import BarProvider
from services.ingestor.feeds.daily_bars.row_reading import (
    label_at,
    positive_actions,
    read_each,
    row_of,
    side_value,
)
from services.ingestor.feeds.transport.http_errors import Refused
from services.ingestor.feeds.transport.http_json import get_json
from services.ingestor.feeds.transport.json_fields import number
from shared.errors import DecodeError, FeedUnavailable

_PROVIDER: Final = "Yahoo"
_DECIMALS: Final = 4
# A split is declared before its first row is there.
_DAYS_BEYOND: Final = 8
_SIDE_FIELDS: Final = ("open", "high", "low", "volume")
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
    is_split_adjusted = True

    def __init__(self, client: httpx.AsyncClient, *, symbol: str) -> None:
        self._client = client
        self._path = f"/v8/finance/chart/{quote(symbol, safe='')}"

    async def rows(self, sessions: Sequence[str]) -> PulledRows:
        """Return the rows from the first to the last of some sessions, and some beyond.

        Raises
        ------
        FeedUnavailable
            If Yahoo does not answer, refuses, or its answer cannot be read.
        """
        begin = datetime.combine(date.fromisoformat(sessions[0]), datetime.min.time(), UTC)
        end = datetime.combine(date.fromisoformat(sessions[-1]), datetime.min.time(), UTC)
        body = await get_json(
            self._client,
            self._path,
            params={
                "period1": int(begin.timestamp()),
                "period2": int((end + timedelta(days=_DAYS_BEYOND)).timestamp()),
                "interval": "1d",
                "events": "div,splits,capitalGains",
                "includeAdjustedClose": "true",
            },
            headers={"User-Agent": USER_AGENT},
        )
        return parse_chart(body)


def parse_chart(body: Any) -> PulledRows:
    """Return the rows of a chart in its order, which is that of time; null rows are left out.

    Raises
    ------
    Refused
        If Yahoo does not have the symbol.
    FeedUnavailable
        If the body is an error or not a chart.
    """
    result = _result(body)
    try:
        zone = ZoneInfo(result["meta"]["exchangeTimezoneName"])
        stamps = list(result.get("timestamp") or [])
        quotes = result["indicators"]["quote"][0] if stamps else {}
        adjusted = _adjusted(result["indicators"])
        _ = [*quotes.get("close", []), *adjusted]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, ZoneInfoNotFoundError) as problem:
        raise FeedUnavailable(
            f"{_PROVIDER}: the chart has an unknown form: {problem!r}"[:150], reason="not_json"
        ) from problem

    entries = [
        {
            "at": stamp,
            "adj_close": _cell(adjusted, index),
            **{name: _cell(quotes.get(name), index) for name in ("close", *_SIDE_FIELDS)},
        }
        for index, stamp in enumerate(stamps)
    ]

    def read(entry: dict[str, Any]) -> Row | None:
        if entry["close"] is None:
            return None
        return row_of(label_at(number(entry, "at"), zone), entry, adj_close="adj_close")

    rows, unreadable = read_each(entries, read, provider=_PROVIDER)
    live = _unfinished(result["meta"], zone)
    return PulledRows(
        rows=tuple(row for row in rows if row.session != live),
        unreadable=unreadable,
        splits=positive_actions(_actions(result, "splits", _ratio, zone)),
        dividends=positive_actions(_actions(result, "dividends", lambda each: number(each, "amount"), zone)),
    )


def _result(body: Any) -> dict[str, Any]:
    chart = body.get("chart") if isinstance(body, dict) else None
    if not isinstance(chart, dict):
        raise FeedUnavailable(f"{_PROVIDER}: not a chart: {str(body)[:120]}", reason="not_json")
    error = chart.get("error")
    if error:
        text = f"{error.get('code')}: {error.get('description')}" if isinstance(error, dict) else str(error)
        if "Not Found" in text:
            raise Refused(f"{_PROVIDER}: {text[:150]}", refusal=Refusal.UNKNOWN_SYMBOL)
        raise FeedUnavailable(f"{_PROVIDER}: {text[:150]}", reason="server_error")
    results = chart.get("result")
    if not isinstance(results, list) or not results or not isinstance(results[0], dict):
        raise FeedUnavailable(f"{_PROVIDER}: a chart without a result", reason="not_json")
    return results[0]


def _adjusted(indicators: Mapping[str, Any]) -> Any:
    """Return the column of adjusted closes; an empty one where there is none."""
    columns = indicators.get("adjclose") or [{}]
    return columns[0].get("adjclose") or []


def _cell(column: Any, index: int) -> Any:
    value = column[index] if isinstance(column, list) and index < len(column) else None
    return round(value, _DECIMALS) if isinstance(value, float) else value


def _unfinished(meta: Mapping[str, Any], zone: ZoneInfo) -> str | None:
    """Return the session that was still trading when Yahoo made the answer, which may be an old one."""
    try:
        regular = meta["currentTradingPeriod"]["regular"]
        at, close = number({"at": meta["regularMarketTime"]}, "at"), number(regular, "end")
        return label_at(close, zone) if at < close and label_at(at, zone) == label_at(close, zone) else None
    except (KeyError, TypeError, AttributeError, DecodeError, ValueError, OverflowError, OSError):
        return None


def _actions(result: Mapping[str, Any], name: str, read: Any, zone: ZoneInfo) -> dict[str, float]:
    events = result.get("events")
    entries = events.get(name) if isinstance(events, dict) else None
    found: dict[str, float] = {}
    for each in entries.values() if isinstance(entries, dict) else ():
        try:
            found[label_at(number(each, "date"), zone)] = read(each)
        except (DecodeError, TypeError, AttributeError, ValueError, OverflowError, OSError):
            continue
    return found


def _ratio(split: dict[str, Any]) -> float:
    old = side_value(split, "denominator")
    return number(split, "numerator") / old if old else 0.0


YAHOO: Final = BarProvider(
    name=YahooChart.name,
    rest_url=lambda settings: settings.yahoo_url,
    make_source=lambda client, symbol, _: YahooChart(client, symbol=symbol),
)
