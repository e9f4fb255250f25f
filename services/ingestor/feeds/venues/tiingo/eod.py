"""Tiingo's end-of-day rows: raw and adjusted, with a key that is only ever sent as a header."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import httpx
from pydantic import SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.daily_bars.ports import BarProvider, Row
from services.ingestor.feeds.transport.http_json import get_json
from services.ingestor.feeds.transport.json_fields import number
from shared.errors import ConfigError, DecodeError, FeedUnavailable


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

    def __init__(self, client: httpx.AsyncClient, *, ticker: str, token: SecretStr) -> None:
        self._client = client
        self._ticker = ticker
        self._token = token

    async def rows(self, sessions: Sequence[str]) -> list[Row]:
        """Return the rows of some sessions, ascending.

        Raises
        ------
        FeedUnavailable, FeedRefused
            If Tiingo does not answer, its answer cannot be used, or it refuses: most often a bad key.
        """
        body = await get_json(
            self._client,
            f"/tiingo/daily/{self._ticker}/prices",
            params={"startDate": sessions[0], "endDate": sessions[-1], "format": "json"},
            headers={"Authorization": f"Token {self._token.get_secret_value()}"},
        )
        wanted = set(sessions)
        return [row for row in parse_prices(body) if row.session in wanted]


def parse_prices(body: Any) -> list[Row]:
    """Return the rows, ascending. ``date`` is a label at midnight UTC, not an instant to convert.

    Raises
    ------
    FeedUnavailable
        If the body is not a list of rows.
    """
    try:
        rows = [
            Row(
                session=date.fromisoformat(each["date"][:10]).isoformat(),
                close=number(each, "close"),
                adj_close=number(each, "adjClose"),
                open=number(each, "open"),
                high=number(each, "high"),
                low=number(each, "low"),
                volume=number(each, "volume"),
            )
            for each in body
        ]
    except (KeyError, TypeError, ValueError, DecodeError) as error:
        raise FeedUnavailable(
            f"Tiingo: rows have an unknown form: {error!r}"[:150], reason="not_json"
        ) from error
    return sorted(rows, key=lambda row: row.session)


def _make_source(client: httpx.AsyncClient, symbol: str, settings: IngestorSettings) -> TiingoEod:
    if settings.tiingo_token is None:
        raise ConfigError("CONVEX_INGESTOR_TIINGO_TOKEN is needed when CONVEX_INGESTOR_BARS_SOURCE is tiingo")
    return TiingoEod(client, ticker=symbol, token=settings.tiingo_token)


TIINGO: Final = BarProvider(
    name=TiingoEod.name, rest_url=lambda settings: settings.tiingo_url, make_source=_make_source
)
