"""What a streaming feed needs from a venue."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import httpx

from services.ingestor.config import IngestorSettings
from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.feeds.streaming.events import Event, Trade


class VenueProtocol(Protocol):
    """The protocol of one connection, without any I/O."""

    def opening_frames(self) -> tuple[str, ...]:
        """Return what to send first."""
        ...

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what a frame means."""
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
    websocket_url, rest_url
        Return its addresses.
    make_protocol
        Returns the protocol of a new connection for a symbol such as ``PAXG/USD``.
    make_backfill
        Returns what fetches missed trades of a symbol; its client has ``rest_url`` as the base.
    """

    name: str
    websocket_url: Callable[[IngestorSettings], str]
    rest_url: Callable[[IngestorSettings], str]
    make_protocol: Callable[[str], VenueProtocol]
    make_backfill: Callable[[httpx.AsyncClient, str], Backfill]
