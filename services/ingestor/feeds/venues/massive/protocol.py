"""Massive's websockets (Polygon.io before), without I/O: frames in, events out.

Every frame is an array, often of many events. The server speaks first; the key is sent in one frame, the
login, and nowhere else. A connection too many is refused only after the login and the subscription
succeeded: neither shows that a connection is good. There is no heartbeat: when nothing is quoted, nothing is
sent. A symbol that does not exist is acknowledged like any other.

======================= ====================================
status                  answer or event
======================= ====================================
``connected``           `Reply` with the login
``auth_success``        `Reply` with the subscription
``success``             `Acknowledged` once all of a symbol's
                        channels are
``max_connections``     `Rejected`, too many connections
``auth_failed``         `Rejected`, access
any other known failure `Rejected`
======================= ====================================

References
----------
massive-com/client-python, ``massive/websocket`` and ``.massive/websocket.json``.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson
from pydantic import SecretStr

from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    Refusal,
    Rejected,
    Reply,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.transport.json_fields import read_objects, shown
from shared.errors import DecodeError

_REFUSALS: Final = {
    "auth_failed": Refusal.ACCESS,
    "auth_timeout": Refusal.OTHER,
    "max_connections": Refusal.TOO_MANY_CONNECTIONS,
    "not_authorized": Refusal.ACCESS,
    "subscribe_failed": Refusal.ACCESS,
    "error": Refusal.OTHER,
}
# An ``error`` with one of these words is about the key or its plan; older servers sent a failed login so.
_ABOUT_ACCESS: Final = ("authenticat", "authoriz", "your plan", "upgrade", "access")
# Longer than the acknowledgement of any subscription that we make.
_LONGEST_MESSAGE: Final = 1_000


class MassiveProtocol:
    """The protocol of one connection.

    Parameters
    ----------
    channels
        What to subscribe of each symbol, such as ``C`` for the quotes of a currency pair.
    read
        Returns what one event of the market means, with its symbol.
    """

    def __init__(
        self,
        *,
        key: SecretStr,
        symbols: tuple[str, ...],
        channels: tuple[str, ...],
        read: Callable[[dict[str, Any]], Event],
    ) -> None:
        self._key = key
        self._symbols = frozenset(symbols)
        self._read = read
        self._subscriptions = {f"{channel}.{symbol}": symbol for symbol in symbols for channel in channels}
        self._unacknowledged = set(self._subscriptions)

    def opening_frames(self) -> tuple[str, ...]:
        """Return nothing: the server greets first."""
        return ()

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what a frame means; never raises on any input."""
        try:
            rows = read_objects(frame)
        except DecodeError as error:
            return [Unreadable(error=error)]
        events: list[Event] = []
        for row in rows:
            try:
                events += self._status(row) if row.get("ev") == "status" else [self._data(row)]
            except DecodeError as error:
                # The other events of the frame are good all the same.
                events.append(Unreadable(error=error))
        return events

    def _data(self, row: dict[str, Any]) -> Event:
        event = self._read(row)
        symbol = getattr(event, "symbol", None)
        if symbol is not None and symbol not in self._symbols:
            return Unknown(kind="another symbol")
        return event

    def _status(self, row: dict[str, Any]) -> list[Event]:
        status, message = shown(row.get("status")), shown(row.get("message"), most=_LONGEST_MESSAGE)
        if status == "connected":
            return [_request("auth", self._key.get_secret_value())]
        if status == "auth_success" or (status == "success" and message.startswith("authenticated")):
            return [_request("subscribe", ",".join(self._subscriptions))]
        if status == "success":
            return self._acknowledgement(message)
        if status in _REFUSALS:
            return [self._rejection(status, message)]
        return [Unknown(kind=f"status {status}")]

    def _acknowledgement(self, message: str) -> list[Event]:
        _, _, names = message.partition(":")
        # Older servers write a pair with a hyphen.
        named = {name.strip().replace("-", "/") for name in names.split(",")}
        before = self._unacknowledged_symbols()
        self._unacknowledged -= named
        complete = before - self._unacknowledged_symbols()
        acknowledged: list[Event] = [Acknowledged(symbol=symbol) for symbol in sorted(complete)]
        return acknowledged or [Heartbeat()]

    def _unacknowledged_symbols(self) -> set[str]:
        return {self._subscriptions[subscription] for subscription in self._unacknowledged}

    def _rejection(self, status: str, message: str) -> Rejected:
        refusal = _REFUSALS[status]
        if refusal is Refusal.OTHER and any(word in message.lower() for word in _ABOUT_ACCESS):
            # "No authentication request received" is a slow network, not a bad key.
            refusal = refusal if status == "auth_timeout" else Refusal.ACCESS
        named = [symbol for subscription, symbol in self._subscriptions.items() if subscription in message]
        return Rejected(
            message=f"{status}: {message}"[:200],
            refusal=refusal,
            symbol=named[0] if named else None,
        )


def _request(action: str, parameters: str) -> Reply:
    return Reply(frame=orjson.dumps({"action": action, "params": parameters}).decode())
