"""Binance's past trades by id over REST, to fill gaps.

The newest thousand trades are asked for first: every host has them. Older ones (``historicalTrades``) are
at api.binance.com only, not at the host of market data that is the default. ``aggTrades`` is not used: it
adds up the trades of one order, so that the single sizes cannot be told.
"""

from typing import Any, Final

import httpx

from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.feeds.streaming.events import Trade
from services.ingestor.feeds.transport.http_json import get_json
from services.ingestor.feeds.transport.json_fields import milliseconds, number, whole
from services.ingestor.feeds.venues.binance.protocol import pair_of
from shared.errors import DecodeError, FeedRefused, FeedUnavailable

_MAX_PAGES: Final = 20
_PAGE_ROWS: Final = 1_000


class BinanceBackfill:
    """Fetch trades by id.

    Parameters
    ----------
    client
        With Binance's REST address as its base.
    symbol
        Ours, such as ``PAXG/USDT``.
    """

    def __init__(self, client: httpx.AsyncClient, *, symbol: str) -> None:
        self._client = client
        self._pair = pair_of(symbol)

    async def trades_in(self, gap: Gap) -> list[Trade]:
        """Return the trades strictly inside a gap, as far as Binance still has them.

        Raises
        ------
        FeedUnavailable, FeedRefused
            If Binance does not answer, or refuses, and there is nothing to return.
        """
        newest = await self._page("/api/v3/trades", {})
        found = {trade.trade_id: trade for trade in newest}
        oldest = min(found, default=gap.before_id)
        if oldest > gap.after_id + 1:
            try:
                found |= await self._older(gap.after_id + 1, min(oldest, gap.before_id))
            except (FeedUnavailable, FeedRefused):
                if not any(gap.after_id < trade_id < gap.before_id for trade_id in found):
                    raise
        return [found[trade_id] for trade_id in sorted(found) if gap.after_id < trade_id < gap.before_id]

    async def _older(self, from_id: int, before_id: int) -> dict[int, Trade]:
        found: dict[int, Trade] = {}
        for _ in range(_MAX_PAGES):
            page = await self._page("/api/v3/historicalTrades", {"fromId": from_id})
            found |= {trade.trade_id: trade for trade in page}
            newest = max((trade.trade_id for trade in page), default=-1)
            if newest < from_id or newest + 1 >= before_id:
                break
            from_id = newest + 1
        return found

    async def _page(self, path: str, params: dict[str, str | int]) -> list[Trade]:
        query = {"symbol": self._pair, "limit": _PAGE_ROWS, **params}
        return _trades(await get_json(self._client, path, params=query))


def _trades(body: Any) -> list[Trade]:
    try:
        return [
            Trade(
                ts_event_ns=milliseconds(row, "time"),
                price=number(row, "price"),
                size=number(row, "qty"),
                trade_id=whole(row, "id"),
            )
            for row in body
        ]
    except (DecodeError, TypeError, AttributeError) as error:
        raise FeedUnavailable(f"Binance: a trade cannot be read: {error}"[:200], reason="not_json") from error
