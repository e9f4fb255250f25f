"""Massive's quotes of currencies and metals: ``C`` events.

There are no trades and no sizes. ``t`` is in milliseconds; ``x``, the exchange, is a number or text and is
not used. Aggregates (``CA``) name their pair ``pair``, quotes ``p``.
"""

from typing import Any

from services.ingestor.feeds.streaming.events import Event, OneSided, Quote, Unknown
from services.ingestor.feeds.transport.json_fields import milliseconds, number, optional, shown, text


def read_forex(row: dict[str, Any]) -> Event:
    """Return what one event means.

    Raises
    ------
    DecodeError
        If it is not what the protocol allows.

    Examples
    --------
    >>> read_forex({"ev": "C", "p": "XAU/USD", "x": 48, "a": 4389.71, "b": 4389.05, "t": 1787059781084})
    Quote(ts_event_ns=1787059781084000000, bid=4389.05, ask=4389.71, is_snapshot=False, symbol='XAU/USD')
    """
    if row.get("ev") != "C":
        return Unknown(kind=shown(row.get("ev")))
    # Older servers write a pair with a hyphen.
    symbol = text(row, "p").replace("-", "/")
    bid, ask = optional(number, row, "b"), optional(number, row, "a")
    if not bid or not ask:
        return OneSided(symbol=symbol)
    return Quote(ts_event_ns=milliseconds(row, "t"), bid=bid, ask=ask, is_snapshot=False, symbol=symbol)
