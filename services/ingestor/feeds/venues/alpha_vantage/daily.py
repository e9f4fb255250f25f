"""Alpha Vantage's daily series: every error comes with HTTP 200, and repeats the key.

The key must be part of the query. The free plan has 25 requests a day, one a second, and answers with the
last 100 sessions as traded: enough to compare closes with. A premium key has the whole history, adjusted,
with splits and dividends.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import httpx
from pydantic import SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.core.daily_rows import PulledRows
from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.daily_bars.ports import BarProvider
from services.ingestor.feeds.daily_bars.row_reading import (
    label,
    positive_actions,
    read_each,
    row_of,
    side_value,
)
from services.ingestor.feeds.transport.http_errors import error_of, secrets_sent, words_of
from services.ingestor.feeds.transport.http_json import get_json
from services.ingestor.feeds.transport.required_keys import required_key
from shared.errors import FeedUnavailable

_PROVIDER: Final = "Alpha Vantage"
_SERIES: Final = "Time Series (Daily)"
_COMPACT_ROWS: Final = 100
_LEAST_INTERVAL_SECONDS: Final = 12.5
# The limit is one of a day: asking each minute would only use it up.
_DAILY_LIMIT_SECONDS: Final = 3_600.0


class AlphaVantageDaily:
    """Fetch daily rows of one symbol.

    Parameters
    ----------
    client
        With Alpha Vantage's address as its base.
    symbol
        Such as ``IWM``.
    is_premium
        The key may ask for the adjusted series and for the whole history.
    """

    name = "alpha_vantage"
    is_split_adjusted = False

    def __init__(self, client: httpx.AsyncClient, *, symbol: str, key: SecretStr, is_premium: bool) -> None:
        self._client = client
        self._symbol = symbol
        self._key = key
        self._is_premium = is_premium

    async def rows(self, sessions: Sequence[str]) -> PulledRows:
        """Return the rows of the last sessions: 100 of them, or all if there are more to ask for.

        Raises
        ------
        FeedUnavailable
            If Alpha Vantage does not answer, refuses, or its answer cannot be read.
        """
        is_long = self._is_premium and len(sessions) > _COMPACT_ROWS
        params: dict[str, str | int] = {
            "function": "TIME_SERIES_DAILY_ADJUSTED" if self._is_premium else "TIME_SERIES_DAILY",
            "symbol": self._symbol,
            "outputsize": "full" if is_long else "compact",
            "datatype": "json",
            "apikey": self._key.get_secret_value(),
        }
        body = await get_json(self._client, "/query", params=params)
        return parse_daily(body, secrets=secrets_sent({}, params))


def parse_daily(body: Any, *, secrets: Iterable[str] = ()) -> PulledRows:
    """Return the rows of an answer, oldest first; without the day that was still trading.

    Parameters
    ----------
    secrets
        To be cut out of what an error says.

    Raises
    ------
    Refused, Throttled, FeedUnavailable
        If the body is an error or not a series.
    """
    series = body.get(_SERIES) if isinstance(body, dict) else None
    if not isinstance(series, dict):
        words = words_of(body, secrets=secrets)
        if not words:
            raise FeedUnavailable(f"{_PROVIDER}: no daily series", reason="not_json")
        refusal, wait = _evidence(words)
        raise error_of(refusal, f"{_PROVIDER}: {words}", retry_after_seconds=wait)
    is_adjusted = any(isinstance(each, dict) and "5. adjusted close" in each for each in series.values())
    rows, unreadable = read_each(
        sorted(series.items()),
        lambda each: row_of(
            label(each[0]),
            each[1],
            close="4. close",
            adj_close="5. adjusted close" if is_adjusted else None,
            open="1. open",
            high="2. high",
            low="3. low",
            volume="6. volume" if is_adjusted else "5. volume",
        ),
        provider=_PROVIDER,
    )
    live = _unfinished(body.get("Meta Data"))
    return PulledRows(
        rows=tuple(row for row in rows if row.session != live),
        unreadable=unreadable,
        splits={
            day: ratio for day, ratio in _actions(series, "8. split coefficient").items() if ratio != 1.0
        },
        dividends=_actions(series, "7. dividend amount"),
    )


def _actions(series: Mapping[str, Any], name: str) -> dict[str, float]:
    found = {day: side_value(each, name) for day, each in series.items() if isinstance(each, dict)}
    return positive_actions({day: value for day, value in found.items() if value is not None})


def _evidence(words: str) -> tuple[Refusal, float | None]:
    """Return what an error is evidence of, and how long to wait: by its words, since all have one form."""
    said = words.lower()
    if "per day" in said and "rate limit" in said:
        return Refusal.THROTTLED, _DAILY_LIMIT_SECONDS
    if any(
        each in said for each in ("rate limit", "per second", "per minute", "call frequency", "sparingly")
    ):
        return Refusal.THROTTLED, None
    if "premium" in said or "apikey" in said or "api key" in said:
        return Refusal.ACCESS, None
    return (Refusal.UNKNOWN_SYMBOL if "invalid api call" in said else Refusal.OTHER), None


def _unfinished(meta: Any) -> str | None:
    """Return the session that was still trading: ``Last Refreshed`` then has a time."""
    refreshed = meta.get("3. Last Refreshed") if isinstance(meta, dict) else None
    return refreshed[:10] if isinstance(refreshed, str) and len(refreshed) > len("2026-04-17") else None


def _make_source(client: httpx.AsyncClient, symbol: str, settings: IngestorSettings) -> AlphaVantageDaily:
    key = required_key(
        settings.alpha_vantage_key, variable="CONVEX_INGESTOR_ALPHA_VANTAGE_KEY", provider=_PROVIDER
    )
    return AlphaVantageDaily(
        client, symbol=symbol, key=SecretStr(key), is_premium=settings.alpha_vantage_is_premium
    )


ALPHA_VANTAGE: Final = BarProvider(
    name=AlphaVantageDaily.name,
    rest_url=lambda settings: settings.alpha_vantage_url,
    make_source=_make_source,
    least_interval_seconds=_LEAST_INTERVAL_SECONDS,
)
