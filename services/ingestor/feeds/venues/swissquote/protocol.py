"""Swissquote's public quotes, without I/O: bodies of answers in, events out.

An answer lists platforms and, in each, spread profiles, in an order that varies: one platform and one profile
are chosen by name, for another one's bid and ask are no change of the market. ``ts`` is in milliseconds and
stays the same while the market is shut. There are no terms for this service: it is for comparison only.
"""

from typing import Any, Final

from services.ingestor.feeds.streaming.events import (
    Event,
    OneSided,
    Refusal,
    Rejected,
    Unreadable,
)
from services.ingestor.feeds.streaming.polled_quotes import PolledQuotes
from services.ingestor.feeds.transport.json_fields import (
    milliseconds,
    number,
    optional,
    read_json,
    rows,
)
from shared.errors import DecodeError

_LIST: Final = "answer"


class SwissquoteProtocol:
    """The protocol of one polled symbol.

    Parameters
    ----------
    platform, profile
        Whose quote to take, such as ``SwissquoteLtd`` and ``premium``.
    """

    def __init__(self, symbol: str, *, platform: str, profile: str) -> None:
        self._symbol = symbol
        self._platform = platform
        self._profile = profile
        self._quotes = PolledQuotes(symbol)

    def opening_frames(self) -> tuple[str, ...]:
        """Return nothing: the request says it all."""
        self._quotes.connect()
        return ()

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what an answer means; never raises on any input."""
        try:
            return self._answer(rows({_LIST: read_json(frame)}, _LIST))
        except DecodeError as error:
            return [Unreadable(error=error)]

    def _answer(self, platforms: list[dict[str, Any]]) -> list[Event]:
        if not platforms:
            return [
                Rejected(
                    message="an answer without quotes",
                    refusal=Refusal.UNKNOWN_SYMBOL,
                    symbol=self._symbol,
                )
            ]
        # A platform may have several servers; the newest of them counts.
        found = [
            (milliseconds(each, "ts"), prices)
            for each in platforms
            if self._is_chosen(each)
            for prices in rows(each, "spreadProfilePrices")
            if prices.get("spreadProfile") == self._profile
        ]
        if not found:
            return [
                Rejected(
                    message=f"no quote of platform {self._platform} with profile {self._profile}",
                    refusal=Refusal.OTHER,
                    symbol=self._symbol,
                )
            ]
        ts_event_ns, prices = max(found, key=lambda each: each[0])
        bid, ask = optional(number, prices, "bid"), optional(number, prices, "ask")
        if not bid or not ask:
            return [OneSided(symbol=self._symbol)]
        return self._quotes.events(ts_event_ns=ts_event_ns, bid=bid, ask=ask)

    def _is_chosen(self, platform: dict[str, Any]) -> bool:
        topology = platform.get("topo")
        return isinstance(topology, dict) and topology.get("platform") == self._platform
