"""Massive's (Polygon.io's) daily aggregates: raw, split-adjusted, and dividends apart; the key is a header.

An aggregate's time is midnight New York of its session. Its adjusted series knows splits only, so the
adjusted closes are computed from it and from the declared dividends; a plan without dividends has closes that
are adjusted for splits.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import structlog
from pydantic import SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.core.adjusted_closes import splits_between
from services.ingestor.core.daily_rows import PulledRows, Row
from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.daily_bars.ports import BarProvider
from services.ingestor.feeds.daily_bars.row_reading import (
    label,
    label_at,
    positive_actions,
    read_each,
    row_of,
)
from services.ingestor.feeds.transport.http_errors import Refused, error_of
from services.ingestor.feeds.transport.http_json import get_json
from services.ingestor.feeds.transport.json_fields import number
from services.ingestor.feeds.transport.required_keys import required_key
from shared.errors import DecodeError, FeedUnavailable

log = structlog.get_logger(__name__)

_PROVIDER: Final = "Massive"
_GOOD: Final = frozenset({"OK", "DELAYED"})
_MOST_PAGES: Final = 10
# The free plan allows five requests a minute.
_LEAST_INTERVAL_SECONDS: Final = 12.5


class MassiveAggregates:
    """Fetch daily rows of one ticker.

    Parameters
    ----------
    client
        With Massive's address as its base.
    ticker
        Such as ``IWM``.
    """

    name = "massive"
    is_split_adjusted = False

    def __init__(self, client: httpx.AsyncClient, *, ticker: str, key: SecretStr) -> None:
        self._client = client
        self._ticker = ticker
        self._key = key

    async def rows(self, sessions: Sequence[str]) -> PulledRows:
        """Return the rows from the first to the last of some sessions.

        Raises
        ------
        FeedUnavailable
            If Massive does not answer, refuses, or its answer cannot be read.
        """
        raw, unreadable = await self._series(sessions, adjusted="false")
        adjusted, _ = await self._series(sessions, adjusted="true")
        return PulledRows(
            rows=raw,
            unreadable=unreadable,
            splits=splits_between(raw, {row.session: row.close for row in adjusted}),
            dividends=await self._dividends(sessions[0]),
        )

    async def _series(
        self, sessions: Sequence[str], *, adjusted: str
    ) -> tuple[tuple[Row, ...], tuple[str, ...]]:
        path = f"/v2/aggs/ticker/{quote(self._ticker, safe='')}/range/1/day/{sessions[0]}/{sessions[-1]}"
        params: dict[str, str | int] = {"adjusted": adjusted, "sort": "asc", "limit": 50_000}
        rows: list[Row] = []
        unreadable: list[str] = []
        for _ in range(_MOST_PAGES):
            body = await get_json(self._client, path, params=params, headers=self._headers())
            page, bad = parse_aggregates(body)
            rows += page
            unreadable += bad
            following = body.get("next_url")
            if not isinstance(following, str) or not following:
                return tuple(rows), tuple(unreadable)
            # Its path and query only: the key must not go to whatever host an answer names.
            target = urlsplit(following)
            path, params = target.path, dict(parse_qsl(target.query))
        raise FeedUnavailable(f"{_PROVIDER}: more than {_MOST_PAGES} pages", reason="too_long")

    async def _dividends(self, since: str) -> dict[str, float]:
        params: dict[str, str | int] = {
            "ticker": self._ticker,
            "ex_dividend_date.gte": since,
            "limit": 1_000,
        }
        try:
            body = await get_json(
                self._client, "/v3/reference/dividends", params=params, headers=self._headers()
            )
        except Refused as error:
            log.warning("dividends_refused", feed=self.name, error=str(error))
            return {}
        return parse_dividends(body)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key.get_secret_value()}"}


def parse_aggregates(body: Any) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Return the rows of a page, and the entries that cannot be read.

    Raises
    ------
    Refused, FeedUnavailable
        If the body is an error or not a page of aggregates.
    """
    if not isinstance(body, dict) or "status" not in body:
        raise FeedUnavailable(f"{_PROVIDER}: no aggregates: {str(body)[:120]}", reason="not_json")
    status = body["status"]
    if status not in _GOOD:
        refusal = Refusal.ACCESS if status == "NOT_AUTHORIZED" else Refusal.OTHER
        raise error_of(refusal, f"{_PROVIDER}: {str(body)[:150]}")
    return read_each(
        body.get("results") or [],
        lambda each: row_of(
            label_at(number(each, "t") / 1_000), each, close="c", open="o", high="h", low="l", volume="v"
        ),
        provider=_PROVIDER,
    )


def parse_dividends(body: Any) -> dict[str, float]:
    """Return the dividends of an answer by ex-date; what cannot be read is left out."""
    found: dict[str, float] = {}
    results = body.get("results") if isinstance(body, dict) else None
    for each in results if isinstance(results, list) else ():
        try:
            found[label(each["ex_dividend_date"])] = number(each, "cash_amount")
        except (DecodeError, KeyError, TypeError, AttributeError, ValueError):
            continue
    return positive_actions(found)


def _make_source(client: httpx.AsyncClient, symbol: str, settings: IngestorSettings) -> MassiveAggregates:
    key = required_key(settings.massive_key, variable="CONVEX_INGESTOR_MASSIVE_KEY", provider=_PROVIDER)
    return MassiveAggregates(client, ticker=symbol, key=SecretStr(key))


MASSIVE_BARS: Final = BarProvider(
    name=MassiveAggregates.name,
    rest_url=lambda settings: settings.massive_rest_url,
    make_source=_make_source,
    least_interval_seconds=_LEAST_INTERVAL_SECONDS,
)
