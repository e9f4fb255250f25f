"""Coinbase Exchange's feed, without I/O: frames in, events out.

The acknowledgement lists everything subscribed so far; a channel that is not in it was rejected.
``last_match`` and the first ``ticker`` come because we subscribed, with old times. ``sequence`` counts the
full book, so its gaps are normal; ``trade_id`` of matches is contiguous, and the heartbeat has the last one
also when nothing trades. ``match.side`` is the maker's side; sides are not used here.

References
----------
docs.cdp.coinbase.com, exchange/websocket-feed: overview, channels.
"""

from typing import Any, Final

import orjson

from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    OneSided,
    Quote,
    Refusal,
    Rejected,
    Trade,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.transport.json_fields import instant, number, read_object, shown, whole
from shared.errors import DecodeError

_CHANNELS: Final = ("ticker", "matches", "heartbeat")
_UNKNOWN_SYMBOL: Final = ("not a valid product", "delisted")


class CoinbaseProtocol:
    """The protocol of one connection.

    Parameters
    ----------
    product
        Such as ``PAXG-USD``.
    """

    def __init__(self, product: str) -> None:
        self._product = product
        self._has_ticker = False

    def opening_frames(self) -> tuple[str, ...]:
        """Return what to send on a new connection, within five seconds."""
        subscribe = {"type": "subscribe", "product_ids": [self._product], "channels": list(_CHANNELS)}
        return (orjson.dumps(subscribe).decode(),)

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what a frame means; never raises on any input."""
        try:
            return self._message(read_object(frame))
        except DecodeError as error:
            return [Unreadable(error=error)]

    def _message(self, fields: dict[str, Any]) -> list[Event]:
        kind = fields.get("type")
        if kind == "subscriptions":
            return [self._acknowledgement(fields)]
        if kind == "error":
            return [_rejection(fields)]
        if fields.get("product_id") != self._product:
            return [Unknown(kind=shown(kind))]
        match kind:
            case "heartbeat":
                return [Heartbeat(last_trade_id=whole(fields, "last_trade_id"))]
            case "ticker":
                return [self._quote(fields)]
            case "match" | "last_match":
                return [_trade(fields)]
            case _:
                return [Unknown(kind=shown(kind))]

    def _acknowledgement(self, fields: dict[str, Any]) -> Event:
        channels = fields.get("channels")
        if not isinstance(channels, list):
            raise DecodeError("an acknowledgement must list its channels")
        named = {shown(channel.get("name")) for channel in channels if self._has_product(channel)}
        missing = [channel for channel in _CHANNELS if channel not in named]
        if missing:
            # Acknowledgements are cumulative and may come one by one; the ack timeout ends the wait.
            return Heartbeat()
        return Acknowledged()

    def _has_product(self, channel: Any) -> bool:
        products = channel.get("product_ids") if isinstance(channel, dict) else None
        return isinstance(products, list) and self._product in products

    def _quote(self, fields: dict[str, Any]) -> Event:
        is_snapshot, self._has_ticker = not self._has_ticker, True
        bid, ask = number(fields, "best_bid"), number(fields, "best_ask")
        if bid == 0 or ask == 0:
            return OneSided()
        return Quote(ts_event_ns=instant(fields, "time"), bid=bid, ask=ask, is_snapshot=is_snapshot)


def _trade(fields: dict[str, Any]) -> Event:
    return Trade(
        ts_event_ns=instant(fields, "time"),
        price=number(fields, "price"),
        size=number(fields, "size"),
        trade_id=whole(fields, "trade_id"),
        is_snapshot=fields["type"] == "last_match",
    )


def _rejection(fields: dict[str, Any]) -> Rejected:
    message = f"{shown(fields.get('message'), most=100)}: {shown(fields.get('reason'), most=100)}"
    if any(part in message for part in _UNKNOWN_SYMBOL):
        return Rejected(message=message, refusal=Refusal.UNKNOWN_SYMBOL)
    is_access = "require authentication" in message
    return Rejected(message=message, refusal=Refusal.ACCESS if is_access else Refusal.OTHER)
