"""Binance's past trades by id over REST, to fill gaps.

The newest thousand trades are asked for first: every host has them. Older ones (``historicalTrades``) are
at api.binance.com only, not at the host of market data that is the default. ``aggTrades`` is not used: it
adds up the trades of one order, so that their single sizes are unknown.
"""

from typing import Any, Final

import httpx

from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.feeds.streaming.events import Trade
from services.ingestor.feeds.transport.http_json import get_json
from services.ingestor.feeds.transport.json_fields import milliseconds, number, whole
from services.ingestor.feeds.venues.binance.protocol import pair_of
from shared.errors import DecodeError, FeedUnavailable

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
        FeedUnavailable
            If Binance gave none of them: it does not answer, or refuses.
        """
        found = _by_id(await self._page("/api/v3/trades", {}))
        oldest = min(found, default=gap.before_id)
        inside = {each: trade for each, trade in found.items() if gap.after_id < each < gap.before_id}
        if oldest > gap.after_id + 1:
            try:
                await self._add_older(inside, gap, before_id=min(oldest, gap.before_id))
            except FeedUnavailable:
                if not inside:
                    raise
        return [inside[trade_id] for trade_id in sorted(inside)]

    async def _add_older(self, found: dict[int, Trade], gap: Gap, *, before_id: int) -> None:
        from_id = gap.after_id + 1
        for _ in range(_MAX_PAGES):
            page = _by_id(await self._page("/api/v3/historicalTrades", {"fromId": from_id}))
            found |= {each: trade for each, trade in page.items() if gap.after_id < each < before_id}
            newest = max(page, default=-1)
            if newest < from_id or newest + 1 >= before_id:
                break
            from_id = newest + 1

    async def _page(self, path: str, params: dict[str, str | int]) -> list[Trade]:
        query = {"symbol": self._pair, "limit": _PAGE_ROWS, **params}
        return _trades(await get_json(self._client, path, params=query))


def _by_id(trades: list[Trade]) -> dict[int, Trade]:
    return {trade.trade_id: trade for trade in trades}


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
