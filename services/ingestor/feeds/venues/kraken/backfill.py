"""Kraken's recent trades over REST, to fill gaps after a reconnect or a lost frame."""

from typing import Any, Final

import httpx

from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.feeds.streaming.events import Refusal, Trade
from services.ingestor.feeds.transport.http_errors import Refused, Throttled
from services.ingestor.feeds.transport.http_json import get_json
from services.ingestor.feeds.transport.json_fields import number, whole
from shared.errors import DecodeError, FeedUnavailable

# Far more than a reconnect misses; filling a gap of days would take an hour of requests.
_MAX_PAGES: Final = 20
_PAGE_ROWS: Final = 1_000
# The websocket calls it BTC; REST still uses Kraken's older names.
_REST_ASSETS: Final = {"BTC": "XBT", "DOGE": "XDG"}


class KrakenBackfill:
    """Fetch trades by time and keep those inside a gap.

    Parameters
    ----------
    client
        With Kraken's REST address as its base.
    symbol
        Such as ``PAXG/USD``, which REST calls ``PAXGUSD``, or ``BTC/USD``: ``XBTUSD``.
    """

    def __init__(self, client: httpx.AsyncClient, *, symbol: str) -> None:
        self._client = client
        self._pair = "".join(_REST_ASSETS.get(asset, asset) for asset in symbol.split("/"))

    async def trades_in(self, gap: Gap) -> list[Trade]:
        """Return the trades strictly inside a gap, as far as Kraken still has them.

        Raises
        ------
        FeedUnavailable
            If Kraken does not answer, or answers with an error.
        """
        found: dict[int, Trade] = {}
        since = str(max(0, gap.since_ns - 1))
        for _ in range(_MAX_PAGES):
            result = await self._page(since)
            trades = _trades(result)
            found |= {each.trade_id: each for each in trades if gap.after_id < each.trade_id < gap.before_id}
            following = str(result.get("last", since))
            is_past = any(trade.trade_id >= gap.before_id for trade in trades)
            if is_past or len(trades) < _PAGE_ROWS or following == since:
                break
            since = following
        return [found[trade_id] for trade_id in sorted(found)]

    async def _page(self, since: str) -> dict[str, Any]:
        params: dict[str, str | int] = {"pair": self._pair, "since": since, "count": _PAGE_ROWS}
        body = await get_json(self._client, "/0/public/Trades", params=params)
        errors = body.get("error") if isinstance(body, dict) else None
        if errors:
            # The status is HTTP 200 all the same.
            text = str(errors)[:200]
            if "Rate limit" in text or "Throttled" in text:
                raise Throttled(f"Kraken: {text}")
            if "Unknown asset pair" in text:
                raise Refused(f"Kraken: {text}", refusal=Refusal.UNKNOWN_SYMBOL)
            raise FeedUnavailable(f"Kraken: {text}", reason="server_error")
        result = body.get("result") if isinstance(body, dict) else None
        if not isinstance(result, dict):
            raise FeedUnavailable("Kraken: trades without a result", reason="not_json")
        return result


def _trades(result: dict[str, Any]) -> list[Trade]:
    """Return the rows of the only key that is not ``last``: its name differs from the requested one."""
    rows: list[list[Any]] = next((value for key, value in result.items() if key != "last"), [])
    try:
        return [_trade(row) for row in rows]
    except (DecodeError, TypeError, IndexError) as error:
        raise FeedUnavailable(f"Kraken: a trade cannot be read: {error}"[:200], reason="not_json") from error


def _trade(row: list[Any]) -> Trade:
    fields = {"price": row[0], "volume": row[1], "time": row[2], "trade_id": row[6]}
    return Trade(
        # Seconds with a fraction: a double holds microseconds of this century, no more.
        ts_event_ns=round(number(fields, "time") * 1e6) * 1_000,
        price=number(fields, "price"),
        size=number(fields, "volume"),
        trade_id=whole(fields, "trade_id"),
    )
