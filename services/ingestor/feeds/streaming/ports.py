"""What a streaming feed needs from a venue."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Protocol

import httpx

from services.ingestor.config import IngestorSettings
from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.feeds.streaming.events import Event, Trade
from services.ingestor.feeds.streaming.symbols import is_any
from services.ingestor.feeds.transport.carrier import Endpoint as Endpoint


class Carrier(StrEnum):
    """How frames come: from a websocket, as lines of one HTTP answer, or by asking again and again."""

    WEBSOCKET = "websocket"
    LINES = "lines"
    POLLING = "polling"


class Sharing(StrEnum):
    """How many connections a venue's symbols take.

    Where a key allows one connection, all symbols share it; elsewhere each has its own, so that a fault of
    one does not touch another.
    """

    EACH_ITS_OWN = "each_its_own"
    ALL_SHARE_ONE = "all_share_one"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAlive:
    """A frame that the venue wants from its clients at an interval."""

    frame: str
    every_seconds: float


class VenueProtocol(Protocol):
    """The protocol of one connection, without any I/O."""

    def opening_frames(self) -> tuple[str, ...]:
        """Return what to send first."""
        ...

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what a frame means; never raises on any input."""
        ...


class Backfill(Protocol):
    """Fetch trades that were missed."""

    async def trades_in(self, gap: Gap) -> list[Trade]:
        """Return the trades strictly inside a gap, as far as the venue still has them.

        Raises
        ------
        FeedUnavailable
            If the venue does not answer.
        FeedRefused
            If it refuses.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamingVenue:
    """A venue that streams ticks.

    Parameters
    ----------
    name
        Name of its feeds and their label in the metrics, such as ``kraken``. In capitals it is the venue of
        its instruments: ``PAXG/USD.KRAKEN``.
    endpoint
        Returns where a connection for some symbols goes; raises ``ConfigError`` where a key is missing.
    has_acknowledgement
        The venue acknowledges subscriptions. Where it does not, one counts as acknowledged as soon as the
        opening frames are sent, and only its first data shows that it works.
    has_symbol
        Whether it can have a symbol at all, such as a listed one; for the rest it is asked.
    make_protocol
        Returns the protocol of a new connection for some symbols, such as ``PAXG/USD``.
    rest_url, make_backfill
        The address of its REST service, and what fetches missed trades of a symbol with a client of that
        address; None for a venue without trade ids.
    idle_seconds, no_data_seconds
        No frame, and no data of a symbol in an open market, for so long: reconnect. None: as set for all.
    lateness_seconds
        How far the times of its ticks are behind the present, at most, where that is more than as set for
        all: a polled price is as old as the interval, and older where the provider itself lags.
    daily_break
        From when to when, New York time, its metals do not tick; None: 17:00 to 18:00.
    rotate_seconds
        The venue ends a connection at a known age: open the next one this long after the first was opened.
    poll_seconds
        Between two requests of a polled venue.
    """

    name: str
    carrier: Carrier
    sharing: Sharing
    endpoint: Callable[[IngestorSettings, tuple[str, ...]], Endpoint]
    make_protocol: Callable[[IngestorSettings, tuple[str, ...]], VenueProtocol]
    has_symbol: Callable[[str], bool] = is_any
    rest_url: Callable[[IngestorSettings], str] | None = None
    make_backfill: Callable[[httpx.AsyncClient, str], Backfill] | None = None
    has_acknowledgement: bool = True
    keep_alive: KeepAlive | None = None
    idle_seconds: float | None = None
    no_data_seconds: float | None = None
    lateness_seconds: float | None = None
    daily_break: tuple[time, time] | None = None
    rotate_seconds: float | None = None
    poll_seconds: float | None = None
