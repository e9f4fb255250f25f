"""What Tiingo's websockets have in common: how a client logs in, and the envelope of every frame.

- The key stands in the frame that subscribes, not in the address: never log or record that frame.
- ``I`` acknowledges the whole subscription, ``H`` is a heartbeat every 30 seconds, ``E`` an error and
  ``A`` data.
- A ticker that does not exist is acknowledged like any other, and then sends nothing.
- Data is an array whose fields have no names, in another order for each service.
- Which ``thresholdLevel`` an account may ask for depends on its plan; another one is answered with error 400.

References
----------
tiingo.com/documentation/websockets: overview, forex, iex.
"""

from typing import Any, Final

import orjson

from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.streaming.events import Acknowledged, Event, Heartbeat, Rejected, Unknown
from services.ingestor.feeds.transport.json_fields import whole
from shared.errors import DecodeError

# 400 is an unknown thresholdLevel, or one that the plan does not have.
_REFUSALS: Final = {
    400: Refusal.ACCESS,
    401: Refusal.ACCESS,
    403: Refusal.ACCESS,
    404: Refusal.UNKNOWN_SYMBOL,
    429: Refusal.THROTTLED,
}

# A middle is rounded to the digits of its price: far less than a hundred-thousandth of it.
_MID_TOLERANCE: Final = 1e-5


def subscription(*, token: str, threshold_level: int, tickers: tuple[str, ...]) -> str:
    """Return the frame that logs in and subscribes; it contains the key."""
    return orjson.dumps(
        {
            "eventName": "subscribe",
            "authorization": token,
            "eventData": {"thresholdLevel": threshold_level, "tickers": list(tickers)},
        }
    ).decode()


def data_or_event(fields: dict[str, Any]) -> list[Any] | Event:
    """Return the array of a frame of data, or what any other frame means.

    Raises
    ------
    DecodeError
        If the frame does not follow the protocol.
    """
    kind = fields.get("messageType")
    if kind == "A":
        data = fields.get("data")
        if not isinstance(data, list):
            raise DecodeError("data must be an array")
        return data
    if kind == "H":
        return Heartbeat()
    if kind not in ("I", "E"):
        return Unknown(kind=str(kind)[:40])
    response = fields.get("response")
    if not isinstance(response, dict):
        raise DecodeError("response must be an object")
    code = whole(response, "code")
    if kind == "I" and code == 200:
        return Acknowledged()
    message = f"{code}: {response.get('message')}"[:200]
    return Rejected(message=message, refusal=_REFUSALS.get(code, Refusal.OTHER))


def named(data: list[Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return an array's fields by name.

    Raises
    ------
    DecodeError
        If it has fewer fields than names; more are allowed.
    """
    if len(data) < len(names):
        raise DecodeError(f"data must have {len(names)} fields, had {len(data)}")
    return dict(zip(names, data, strict=False))


def require_mid(*, bid: float, ask: float, mid: float) -> None:
    """Refuse a quote whose middle is not between its bid and ask: its fields are in another order.

    Tiingo's own table of the order is wrong for currencies; clients that follow it take a size for a price.

    Raises
    ------
    DecodeError
        If they differ by more than rounding.
    """
    if abs(mid - (bid + ask) / 2) > _MID_TOLERANCE * abs(mid):
        raise DecodeError(f"mid must be the middle of bid and ask, was {mid} of {bid} and {ask}")
