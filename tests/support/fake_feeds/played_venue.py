"""A fake provider that plays the scenarios which all websocket providers have in common.

What differs between providers is how they write their frames: a `WireFormat`. A provider's own scenarios
(gaps in trade ids, a field in the wrong place) are in its own fake and its own tests.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import orjson
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.support.fake_feeds.venue import ENDINGS, FakeVenue, end, send, silence

Frame = dict[str, Any] | str | bytes

_BEAT_SECONDS = 0.05
_SECOND_NS = 1_000_000_000


class Fault(StrEnum):
    """What a provider refuses a subscription for."""

    BAD_KEY = "bad_key"
    UNKNOWN_SYMBOL = "unknown_symbol"
    # The last symbol is unknown, and the others are good.
    PARTIAL_FAILS = "partial_fails"
    # We are not served from here, or no longer.
    BLOCKED = "blocked"
    THROTTLED = "throttled"
    TOO_MANY_CONNECTIONS = "too_many_connections"


@dataclass(frozen=True, kw_only=True)
class ExpectedTick:
    """A tick that must be published.

    Parameters
    ----------
    prices
        Bid and ask of a quote, price and size of a trade.
    ts_event_ns
        As exact as the provider writes it; None where it writes none.
    """

    symbol: str
    prices: tuple[float, float]
    ts_event_ns: int | None


class WireFormat(Protocol):
    """How a provider writes its frames; one object for each connection."""

    def greeting(self) -> list[Frame]:
        """Return what it sends before it is asked."""
        ...

    def answer(self, request: Any, *, fault: Fault | None) -> list[Frame]:
        """Return its answer to one frame of the client, such as acknowledgements and snapshots."""
        ...

    def is_subscribed(self, requests: list[Any]) -> bool:
        """Return whether the client has asked for everything, so that data may begin."""
        ...

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[Frame, ExpectedTick]:
        """Return tick ``number`` (1, 2, ... over all connections) and what must come of it."""
        ...

    def heartbeat(self) -> Frame | None:
        """Return its heartbeat; None where it has none, or only answers ours."""
        ...

    def without_price(self, symbol: str) -> Frame:
        """Return a tick whose price is null."""
        ...


class PlayedVenue(FakeVenue):
    """Play a scenario on the first connection; later ones are good.

    Parameters
    ----------
    symbols
        Ours, such as ``PAXG/USD``.
    refusals
        HTTP status of the handshake, for each fault that this provider shows there.
    """

    def __init__(
        self,
        make_format: Callable[[], WireFormat],
        *,
        scenario: str,
        symbols: tuple[str, ...],
        refusals: Mapping[Fault, int] | None = None,
    ) -> None:
        fault = Fault(scenario) if scenario in set(Fault) else None
        status = (refusals or {}).get(fault) if fault is not None else None
        super().__init__(refuse_with=(status, {}) if status is not None else None)
        self._make_format = make_format
        self._scenario = scenario
        self._symbols = symbols
        self._fault = fault
        self._number = 0
        self.expected: list[ExpectedTick] = []

    def heal(self) -> None:
        """Refuse nothing from now on."""
        self._fault = None
        self._scenario = "happy"
        self.admit_all()

    async def converse(self, socket: ServerConnection, number: int) -> None:
        wire = self._make_format()
        scenario = self._scenario if number == 1 or self._fault is not None else "happy"
        await send(socket, *wire.greeting())
        requests: list[Any] = []
        is_subscribed = asyncio.Event()
        answers = asyncio.create_task(self._answer(socket, wire, requests, is_subscribed, scenario))
        try:
            await is_subscribed.wait()
            if scenario in ENDINGS:
                await self._ticks(socket, wire)
                await end(socket, ENDINGS[scenario])
            elif self._fault is None:
                await getattr(self, f"_{scenario}")(socket, wire)
            elif self._fault is Fault.PARTIAL_FAILS:
                await self._ticks(socket, wire, symbols=self._symbols[:-1])
            await self._beat(socket, wire)
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)

    async def _answer(
        self,
        socket: ServerConnection,
        wire: WireFormat,
        requests: list[Any],
        is_subscribed: asyncio.Event,
        scenario: str,
    ) -> None:
        try:
            async for text in socket:
                request = orjson.loads(text)
                self.received.append(request)
                requests.append(request)
                # A server that sends pings only does not answer our heartbeats either.
                is_mute = scenario == "ack_missing" or (scenario == "ping_only" and is_subscribed.is_set())
                if not is_mute:
                    await send(socket, *wire.answer(request, fault=self._fault))
                if wire.is_subscribed(requests):
                    is_subscribed.set()
        except ConnectionClosed:
            return

    async def _beat(self, socket: ServerConnection, wire: WireFormat) -> None:
        """Send heartbeats for ever; where a provider has none, wait."""
        while True:
            beat = wire.heartbeat()
            if beat is not None:
                await send(socket, beat)
            await asyncio.sleep(_BEAT_SECONDS)

    async def _ticks(
        self,
        socket: ServerConnection,
        wire: WireFormat,
        *,
        age_seconds: float = 0.0,
        symbols: tuple[str, ...] | None = None,
    ) -> None:
        """Send three ticks of each symbol."""
        for _ in range(3):
            self._number += 1
            for symbol in self._symbols if symbols is None else symbols:
                at_ns = time.time_ns() - int(age_seconds * _SECOND_NS)
                frame, expected = wire.tick(symbol, self._number, at_ns)
                if not age_seconds:
                    self.expected.append(expected)
                await send(socket, frame)

    async def _happy(self, socket: ServerConnection, wire: WireFormat) -> None:
        await self._ticks(socket, wire)

    async def _ack_missing(self, socket: ServerConnection, wire: WireFormat) -> None:
        """No subscription is acknowledged."""

    async def _no_first_data(self, socket: ServerConnection, wire: WireFormat) -> None:
        """Acknowledged, heartbeats on, and never any data."""

    async def _ack_ok_then_silence(self, socket: ServerConnection, wire: WireFormat) -> None:
        await silence(socket)

    async def _half_open(self, socket: ServerConnection, wire: WireFormat) -> None:
        await self._ticks(socket, wire)
        await silence(socket)

    async def _ping_only(self, socket: ServerConnection, wire: WireFormat) -> None:
        await self._ticks(socket, wire)
        while True:
            await socket.ping()
            await asyncio.sleep(_BEAT_SECONDS)

    async def _many_bad_frames(self, socket: ServerConnection, wire: WireFormat) -> None:
        await send(socket, *["{"] * 11)

    async def _unknown_type(self, socket: ServerConnection, wire: WireFormat) -> None:
        await send(socket, {"type": "nonsense", "event": "nonsense", "messageType": "N", "data": []})
        await self._ticks(socket, wire)

    async def _bad_json(self, socket: ServerConnection, wire: WireFormat) -> None:
        await send(socket, '{"type":"trade","da', "[", "", "NaN")
        await self._ticks(socket, wire)

    async def _binary_frame(self, socket: ServerConnection, wire: WireFormat) -> None:
        await send(socket, b"\x00\xff\x01")
        await self._ticks(socket, wire)

    async def _huge_frame(self, socket: ServerConnection, wire: WireFormat) -> None:
        await send(socket, '{"junk":"' + "x" * (1 << 20) + '"}')
        await self._ticks(socket, wire)

    async def _null_price(self, socket: ServerConnection, wire: WireFormat) -> None:
        for symbol in self._symbols:
            await send(socket, wire.without_price(symbol))
        await self._ticks(socket, wire)

    async def _stale_snapshot(self, socket: ServerConnection, wire: WireFormat) -> None:
        """Send a price from before the weekend first."""
        for symbol in self._symbols:
            frame, _ = wire.tick(symbol, 0, time.time_ns() - 3 * 86_400 * _SECOND_NS)
            await send(socket, frame)
        await self._ticks(socket, wire)

    async def _clock_skew_future(self, socket: ServerConnection, wire: WireFormat) -> None:
        await self._ticks(socket, wire, age_seconds=-3_600)
        await self._ticks(socket, wire)

    async def _clock_skew_past(self, socket: ServerConnection, wire: WireFormat) -> None:
        """Show the venue's time first: a tick is too old beside it."""
        await self._ticks(socket, wire)
        await self._ticks(socket, wire, age_seconds=3_600)
        await self._ticks(socket, wire)
