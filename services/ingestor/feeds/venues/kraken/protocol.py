"""Kraken WebSocket v2, without I/O: frames in, events out.

One acknowledgement comes for each channel and symbol. After a rejected subscription the socket stays open and
heartbeats go on, as in a quiet market: only ``success: false`` shows the rejection.

References
----------
docs.kraken.com, exchange/api-reference/spot-websocket-v2: ticker, trade, heartbeat, status.
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
    VenueStatus,
)
from services.ingestor.feeds.transport.json_fields import instant, number, read_object, shown, whole
from shared.errors import DecodeError

# Set explicitly: the documentation's default for trades has changed between versions.
_SUBSCRIPTIONS: Final[dict[str, dict[str, Any]]] = {
    "ticker": {"event_trigger": "bbo", "snapshot": True},
    "trade": {"snapshot": True},
}
# Errors with these words are about the symbol.
_UNKNOWN_SYMBOL: Final = ("not supported", "not found", "not in iso", "name invalid")


class KrakenProtocol:
    """The protocol of one connection.

    Parameters
    ----------
    symbol
        Such as ``PAXG/USD``.
    """

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._unacknowledged = set(_SUBSCRIPTIONS)

    def opening_frames(self) -> tuple[str, ...]:
        """Return what to send on a new connection; subscriptions end with a connection."""
        return tuple(
            orjson.dumps(
                {
                    "method": "subscribe",
                    "params": {"channel": channel, "symbol": [self._symbol], **options},
                    "req_id": number_,
                }
            ).decode()
            for number_, (channel, options) in enumerate(_SUBSCRIPTIONS.items(), 1)
        )

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what a frame means; never raises on any input."""
        try:
            fields = read_object(frame)
            if fields.get("method") == "subscribe":
                return self._acknowledgement(fields)
            if fields.get("success") is False or "Error" in fields:
                return [_rejection(fields)]
            return self._message(fields)
        except DecodeError as error:
            return [Unreadable(error=error)]

    def _acknowledgement(self, fields: dict[str, Any]) -> list[Event]:
        if fields.get("success") is not True:
            return [_rejection(fields)]
        result = fields.get("result")
        if not isinstance(result, dict):
            raise DecodeError("an acknowledgement must have a result")
        if result.get("symbol") == self._symbol:
            self._unacknowledged.discard(shown(result.get("channel")))
        return [Acknowledged()] if not self._unacknowledged else [Heartbeat()]

    def _message(self, fields: dict[str, Any]) -> list[Event]:
        match fields.get("channel"):
            case "heartbeat":
                return [Heartbeat()]
            case "status":
                return [_status(each) for each in _rows(fields)]
            case "ticker":
                return [_quote(row, fields) for row in _rows(fields) if row.get("symbol") == self._symbol]
            case "trade":
                return [_trade(row, fields) for row in _rows(fields) if row.get("symbol") == self._symbol]
            case other:
                return [Unknown(kind=shown(other if other is not None else fields.get("method")))]


def _rows(fields: dict[str, Any]) -> list[dict[str, Any]]:
    rows = fields.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DecodeError("data must be an array of objects")
    return rows


def _quote(row: dict[str, Any], fields: dict[str, Any]) -> Event:
    bid, ask = number(row, "bid"), number(row, "ask")
    if bid == 0 or ask == 0:
        return OneSided()
    return Quote(
        # A newer field: older servers do not send it.
        ts_event_ns=instant(row, "timestamp") if row.get("timestamp") is not None else None,
        bid=bid,
        ask=ask,
        is_snapshot=fields.get("type") == "snapshot",
    )


def _trade(row: dict[str, Any], fields: dict[str, Any]) -> Event:
    return Trade(
        ts_event_ns=instant(row, "timestamp"),
        price=number(row, "price"),
        size=number(row, "qty"),
        trade_id=whole(row, "trade_id"),
        is_snapshot=fields.get("type") == "snapshot",
    )


def _status(row: dict[str, Any]) -> Event:
    system = shown(row.get("system"))
    return VenueStatus(status=system, is_degraded=system != "online")


def _rejection(fields: dict[str, Any]) -> Rejected:
    message = shown(fields.get("error", fields.get("Error", "")), most=200)
    is_unknown = any(part in message.lower() for part in _UNKNOWN_SYMBOL)
    return Rejected(message=message, refusal=Refusal.UNKNOWN_SYMBOL if is_unknown else Refusal.OTHER)
