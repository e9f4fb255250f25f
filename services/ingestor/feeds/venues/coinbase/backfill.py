"""Coinbase Exchange's trades by id over REST, to fill gaps."""

from typing import Any, Final

import httpx

from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.feeds.streaming.events import Trade
from services.ingestor.feeds.transport.http_json import get_json
from services.ingestor.feeds.transport.json_fields import instant, number, whole
from shared.errors import DecodeError, FeedUnavailable

_MAX_PAGES: Final = 20
_PAGE_ROWS: Final = 1_000


class CoinbaseBackfill:
    """Fetch trades by id, newest first, until a gap is covered.

    Parameters
    ----------
    client
        With the REST address of Coinbase Exchange as its base.
    product
        Such as ``PAXG-USD``.
    """

    def __init__(self, client: httpx.AsyncClient, *, product: str) -> None:
        self._client = client
        self._path = f"/products/{product}/trades"

    async def trades_in(self, gap: Gap) -> list[Trade]:
        """Return the trades strictly inside a gap, as far as Coinbase still has them.

        Raises
        ------
        FeedUnavailable, FeedRefused
            If Coinbase does not answer, or answers with an error.
        """
        found: dict[int, Trade] = {}
        before_id = gap.before_id
        for _ in range(_MAX_PAGES):
            params = {"limit": _PAGE_ROWS, "after": before_id}
            trades = _trades(await get_json(self._client, self._path, params=params))
            found |= {each.trade_id: each for each in trades if gap.after_id < each.trade_id < gap.before_id}
            oldest = min((trade.trade_id for trade in trades), default=gap.after_id)
            if oldest <= gap.after_id + 1 or oldest >= before_id:
                break
            before_id = oldest
        return [found[trade_id] for trade_id in sorted(found)]


def _trades(body: Any) -> list[Trade]:
    try:
        return [
            Trade(
                ts_event_ns=instant(row, "time"),
                price=number(row, "price"),
                size=number(row, "size"),
                trade_id=whole(row, "trade_id"),
            )
            for row in body
        ]
    except (DecodeError, TypeError, AttributeError) as error:
        raise FeedUnavailable(
            f"Coinbase: a trade cannot be read: {error}"[:200], reason="not_json"
        ) from error
