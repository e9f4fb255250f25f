"""Twelve Data's daily time series: raw and adjusted, newest first, all numbers as text; the key is a header.

An error's HTTP status is usually its ``code``, and sometimes 200.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

import httpx
from pydantic import SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.core.adjusted_closes import splits_between
from services.ingestor.core.daily_rows import PulledRows, Row
from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.daily_bars.ports import BarProvider
from services.ingestor.feeds.daily_bars.row_reading import label, listed, read_each, row_of, with_adjusted
from services.ingestor.feeds.transport.http_errors import Refused, error_of
from services.ingestor.feeds.transport.http_json import get_json
from services.ingestor.feeds.transport.required_keys import required_key
from shared.errors import FeedUnavailable

_PROVIDER: Final = "Twelve Data"
_MOST_ROWS: Final = 5_000
_REFUSALS: Final = {
    401: Refusal.ACCESS,
    403: Refusal.ACCESS,
    404: Refusal.UNKNOWN_SYMBOL,
    429: Refusal.THROTTLED,
}
# The free plan has eight credits a minute, and a request costs at least one.
_LEAST_INTERVAL_SECONDS: Final = 8.0


class TwelveDataSeries:
    """Fetch daily rows of one symbol.

    Parameters
    ----------
    client
        With Twelve Data's address as its base.
    symbol
        Such as ``IWM``.
    """

    name = "twelvedata"
    is_split_adjusted = False

    def __init__(self, client: httpx.AsyncClient, *, symbol: str, key: SecretStr) -> None:
        self._client = client
        self._symbol = symbol
        self._key = key

    async def rows(self, sessions: Sequence[str]) -> PulledRows:
        """Return the rows from the first to the last of some sessions.

        Raises
        ------
        FeedUnavailable
            If Twelve Data does not answer, refuses, or its answer cannot be read.
        """
        raw, unreadable = await self._series(sessions, "none")
        adjusted, _ = await self._series(sessions, "all")
        closes = {row.session: row.close for row in adjusted}
        return PulledRows(
            rows=with_adjusted(raw, closes), unreadable=unreadable, splits=splits_between(raw, closes)
        )

    async def _series(self, sessions: Sequence[str], adjust: str) -> tuple[tuple[Row, ...], tuple[str, ...]]:
        params: dict[str, str | int] = {
            "symbol": self._symbol,
            "interval": "1day",
            "start_date": sessions[0],
            # Whether the end is included differs between intervals.
            "end_date": (date.fromisoformat(sessions[-1]) + timedelta(days=1)).isoformat(),
            "outputsize": _MOST_ROWS,
            "adjust": adjust,
            "timezone": "Exchange",
        }
        headers = {"Authorization": f"apikey {self._key.get_secret_value()}"}
        try:
            body = await get_json(self._client, "/time_series", params=params, headers=headers)
        except Refused as error:
            if error.refusal is Refusal.OTHER and "not found" in str(error):
                raise Refused(str(error), refusal=Refusal.UNKNOWN_SYMBOL) from None
            raise
        return parse_series(body)


def parse_series(body: Any) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Return the rows of an answer, oldest first, and the entries that cannot be read.

    Raises
    ------
    Refused, Throttled, FeedUnavailable
        If the body is an error or not a series.
    """
    if not isinstance(body, dict):
        raise FeedUnavailable(f"{_PROVIDER}: no series: {str(body)[:120]}", reason="not_json")
    if body.get("status") == "error" or ("values" not in body and "message" in body):
        message, code = str(body.get("message"))[:150], body.get("code")
        refusal = _REFUSALS.get(code, Refusal.OTHER) if isinstance(code, int) else Refusal.OTHER
        if refusal is Refusal.OTHER and "not found" in message:
            refusal = Refusal.UNKNOWN_SYMBOL
        raise error_of(refusal, f"{_PROVIDER}: {message}")
    if "values" not in body:
        raise FeedUnavailable(f"{_PROVIDER}: no series: {str(body)[:120]}", reason="not_json")
    # Reversed, so that the later of two rows of a session comes last.
    entries = listed(body["values"] or [], provider=_PROVIDER)[::-1]
    return read_each(entries, lambda each: row_of(label(each["datetime"]), each), provider=_PROVIDER)


def _make_source(client: httpx.AsyncClient, symbol: str, settings: IngestorSettings) -> TwelveDataSeries:
    key = required_key(settings.twelvedata_key, variable="CONVEX_INGESTOR_TWELVEDATA_KEY", provider=_PROVIDER)
    return TwelveDataSeries(client, symbol=symbol, key=SecretStr(key))


TWELVEDATA_BARS: Final = BarProvider(
    name=TwelveDataSeries.name,
    rest_url=lambda settings: settings.twelvedata_rest_url,
    make_source=_make_source,
    least_interval_seconds=_LEAST_INTERVAL_SECONDS,
)
