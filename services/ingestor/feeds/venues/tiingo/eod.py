"""Tiingo's end-of-day rows: raw and adjusted, with a key that is only ever sent as a header.

Splits and dividends stand on the row of their ex-date. ``date`` is a label at midnight UTC, not an instant to
convert.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.core.daily_rows import PulledRows
from services.ingestor.feeds.daily_bars.ports import BarProvider
from services.ingestor.feeds.daily_bars.row_reading import (
    label,
    listed,
    positive_actions,
    read_each,
    row_of,
    side_value,
)
from services.ingestor.feeds.transport.http_json import get_json
from services.ingestor.feeds.transport.required_keys import required_key

_PROVIDER: Final = "Tiingo"


class TiingoEod:
    """Fetch daily rows of one ticker.

    Parameters
    ----------
    client
        With Tiingo's address as its base.
    ticker
        Such as ``IWM``.
    """

    name = "tiingo"
    is_split_adjusted = False

    def __init__(self, client: httpx.AsyncClient, *, ticker: str, token: SecretStr) -> None:
        self._client = client
        self._path = f"/tiingo/daily/{quote(ticker, safe='')}/prices"
        self._token = token

    async def rows(self, sessions: Sequence[str]) -> PulledRows:
        """Return the rows from the first to the last of some sessions.

        Raises
        ------
        FeedUnavailable
            If Tiingo does not answer, refuses, or its answer cannot be read.
        """
        body = await get_json(
            self._client,
            self._path,
            params={"startDate": sessions[0], "endDate": sessions[-1], "format": "json"},
            headers={"Authorization": f"Token {self._token.get_secret_value()}"},
        )
        return parse_prices(body)


def parse_prices(body: Any) -> PulledRows:
    """Return the rows of an answer.

    Raises
    ------
    FeedUnavailable
        If the body is not a list of rows.
    """
    entries = listed(body, provider=_PROVIDER)
    rows, unreadable = read_each(
        entries, lambda each: row_of(label(each["date"]), each, adj_close="adjClose"), provider=_PROVIDER
    )
    dated = [each for each in entries if isinstance(each, dict) and isinstance(each.get("date"), str)]
    splits = {each["date"][:10]: side_value(each, "splitFactor") or 1.0 for each in dated}
    dividends = {each["date"][:10]: side_value(each, "divCash") or 0.0 for each in dated}
    return PulledRows(
        rows=tuple(sorted(rows, key=lambda row: row.session)),
        unreadable=unreadable,
        splits={day: ratio for day, ratio in positive_actions(splits).items() if ratio != 1.0},
        dividends=positive_actions(dividends),
    )


def _make_source(client: httpx.AsyncClient, symbol: str, settings: IngestorSettings) -> TiingoEod:
    key = required_key(settings.tiingo_token, variable="CONVEX_INGESTOR_TIINGO_TOKEN", provider=_PROVIDER)
    return TiingoEod(client, ticker=symbol, token=SecretStr(key))


TIINGO: Final = BarProvider(
    name=TiingoEod.name, rest_url=lambda settings: settings.tiingo_url, make_source=_make_source
)
