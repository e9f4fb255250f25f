"""Alpaca's daily bars: raw and adjusted, of all exchanges (``feed=sip``), with a key in two headers.

Both series are asked for, because a bar carries no splits or dividends. A bar's time is midnight New York of
its session. Without ``feed=sip`` the free plan answers with IEX alone, a few per cent of the volume.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import httpx
from pydantic import SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.core.adjusted_closes import splits_between
from services.ingestor.core.daily_rows import PulledRows, Row
from services.ingestor.feeds.daily_bars.ports import BarProvider
from services.ingestor.feeds.daily_bars.row_reading import label_at, read_each, row_of, with_adjusted
from services.ingestor.feeds.transport.http_json import get_json
from services.ingestor.feeds.transport.json_fields import instant
from services.ingestor.feeds.transport.required_keys import required_key
from shared.domain.instants import NS_PER_SECOND
from shared.domain.sessions import NEW_YORK
from shared.errors import FeedUnavailable

_PROVIDER: Final = "Alpaca"
_PATH: Final = "/v2/stocks/bars"
# A page has up to 10,000 bars; a history needs one.
_MOST_PAGES: Final = 10


class AlpacaBars:
    """Fetch daily rows of one symbol.

    Parameters
    ----------
    client
        With Alpaca's data service as its base.
    symbol
        Such as ``IWM``.
    """

    name = "alpaca"
    is_split_adjusted = False

    def __init__(
        self, client: httpx.AsyncClient, *, symbol: str, key_id: SecretStr, secret_key: SecretStr
    ) -> None:
        self._client = client
        self._symbol = symbol
        self._key_id = key_id
        self._secret_key = secret_key

    async def rows(self, sessions: Sequence[str]) -> PulledRows:
        """Return the rows from the first to the last of some sessions.

        Raises
        ------
        FeedUnavailable
            If Alpaca does not answer, refuses, or its answer cannot be read.
        """
        raw, unreadable = await self._series(sessions, "raw")
        adjusted, _ = await self._series(sessions, "all")
        closes = {row.session: row.close for row in adjusted}
        return PulledRows(
            rows=with_adjusted(raw, closes), unreadable=unreadable, splits=splits_between(raw, closes)
        )

    async def _series(
        self, sessions: Sequence[str], adjustment: str
    ) -> tuple[tuple[Row, ...], tuple[str, ...]]:
        params: dict[str, str | int] = {
            "symbols": self._symbol,
            "timeframe": "1Day",
            "start": _midnight(sessions[0], timedelta()),
            # The last bar's time is midnight, so that the end is hours in the past: later is refused.
            "end": _midnight(sessions[-1], timedelta(hours=1)),
            "adjustment": adjustment,
            "feed": "sip",
            "limit": 10_000,
            "sort": "asc",
        }
        headers = {
            "APCA-API-KEY-ID": self._key_id.get_secret_value(),
            "APCA-API-SECRET-KEY": self._secret_key.get_secret_value(),
        }
        rows: list[Row] = []
        unreadable: list[str] = []
        for _ in range(_MOST_PAGES):
            page, bad, token = parse_bars(
                await get_json(self._client, _PATH, params=params, headers=headers), symbol=self._symbol
            )
            rows += page
            unreadable += bad
            if not token:
                return tuple(rows), tuple(unreadable)
            params["page_token"] = token
        raise FeedUnavailable(f"{_PROVIDER}: more than {_MOST_PAGES} pages", reason="too_long")


def parse_bars(body: Any, *, symbol: str) -> tuple[tuple[Row, ...], tuple[str, ...], str]:
    """Return the rows of a page, the entries that cannot be read, and the next page's token or an empty text.

    Raises
    ------
    FeedUnavailable
        If the body is not a page of bars.
    """
    if not isinstance(body, dict) or "bars" not in body:
        raise FeedUnavailable(f"{_PROVIDER}: no bars: {str(body)[:120]}", reason="not_json")
    bars = body["bars"] or []
    entries = (bars.get(symbol) or []) if isinstance(bars, dict) else bars
    rows, unreadable = read_each(
        entries,
        lambda each: row_of(
            label_at(instant(each, "t") / NS_PER_SECOND),
            each,
            close="c",
            open="o",
            high="h",
            low="l",
            volume="v",
        ),
        provider=_PROVIDER,
    )
    token = body.get("next_page_token")
    return rows, unreadable, token if isinstance(token, str) else ""


def _midnight(session: str, later: timedelta) -> str:
    return (datetime.combine(date.fromisoformat(session), time(), NEW_YORK) + later).isoformat()


def _make_source(client: httpx.AsyncClient, symbol: str, settings: IngestorSettings) -> AlpacaBars:
    key_id, secret_key = (
        SecretStr(required_key(key, variable=f"CONVEX_INGESTOR_ALPACA_{name}", provider=_PROVIDER))
        for key, name in (
            (settings.alpaca_key_id, "KEY_ID"),
            (settings.alpaca_secret_key, "SECRET_KEY"),
        )
    )
    return AlpacaBars(client, symbol=symbol, key_id=key_id, secret_key=secret_key)


ALPACA_BARS: Final = BarProvider(
    name=AlpacaBars.name, rest_url=lambda settings: settings.alpaca_rest_url, make_source=_make_source
)
