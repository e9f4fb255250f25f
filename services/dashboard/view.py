"""What the pages show, in memory: the latest snapshot and the kept divergence events of each pair."""

import asyncio
from bisect import bisect_right
from dataclasses import dataclass

from services.dashboard.core.reader_status import ReaderStatus
from shared.domain.divergences import DivergenceEvent
from shared.domain.pairs import Pair
from shared.domain.snapshots import PairSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSnapshot:
    """A snapshot, its record's value, and when that was published (wall time, milliseconds)."""

    snapshot: PairSnapshot
    value: bytes
    published_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedEvent:
    """A divergence event and its record's value, which is also the body that webhooks get."""

    event: DivergenceEvent
    value: bytes


class _PairView:
    def __init__(self) -> None:
        self.latest: PublishedSnapshot | None = None
        self.events: list[PublishedEvent] = []
        self.version = 0
        self.wakes: set[asyncio.Event] = set()


class PairsView:
    """Hold what the pages show, and wake the live connections when it changes.

    Used from one event loop only.

    Parameters
    ----------
    pairs
        What this installation watches; records of other pairs are rejected.
    reader_status
        The reader's status before it starts.
    kept_events
        How many divergence events to keep of each pair; the oldest are dropped.
    """

    def __init__(self, pairs: tuple[Pair, ...], *, reader_status: ReaderStatus, kept_events: int) -> None:
        self.pairs = pairs
        self.snapshots_of_others = 0
        self._reader_status = reader_status
        self._kept_events = kept_events
        self._views = {pair.name: _PairView() for pair in pairs}

    @property
    def reader_status(self) -> ReaderStatus:
        """Return what the reader is doing."""
        return self._reader_status

    def set_reader_status(self, status: ReaderStatus, *, wakes_pages: bool) -> None:
        """Set what the reader is doing; ``wakes_pages`` updates the open pages at once."""
        self._reader_status = status
        if wakes_pages:
            for name in self._views:
                self._changed(name)

    def knows(self, pair: str) -> bool:
        """Return whether this installation watches a pair."""
        return pair in self._views

    def show(self, pair: str, published: PublishedSnapshot | None) -> None:
        """Show a snapshot from now on; None after the topic's record of it was deleted."""
        self._views[pair].latest = published
        self._changed(pair)

    def add(self, published: PublishedEvent) -> None:
        """Keep an event; one that is already kept, as after a replay, changes nothing."""
        view = self._views[published.event.pair]
        sequence = published.event.sequence
        index = bisect_right(view.events, sequence, key=_sequence)
        if index and view.events[index - 1].event.sequence == sequence:
            return
        view.events.insert(index, published)
        del view.events[: -self._kept_events]
        self._changed(published.event.pair)

    def latest(self, pair: str) -> PublishedSnapshot | None:
        """Return the latest snapshot of a known pair; None before the first."""
        return self._views[pair].latest

    def events_after(self, pair: str, sequence: int, *, limit: int) -> tuple[PublishedEvent, ...]:
        """Return at most ``limit`` kept events with a higher sequence, in the order of their sequence."""
        events = self._views[pair].events
        first = bisect_right(events, sequence, key=_sequence)
        return tuple(events[first : first + limit])

    def events(self, pair: str) -> tuple[PublishedEvent, ...]:
        """Return every kept event in the order of their sequence."""
        return tuple(self._views[pair].events)

    def last_sequence(self, pair: str) -> int:
        """Return the highest sequence; 0 before the first event."""
        events = self._views[pair].events
        return events[-1].event.sequence if events else 0

    def version(self, pair: str) -> int:
        """Return a number that grows with each change of what a pair's page shows."""
        return self._views[pair].version

    def subscribe(self, pair: str, wake: asyncio.Event) -> None:
        """Set ``wake`` on each change of a pair from now on."""
        self._views[pair].wakes.add(wake)

    def unsubscribe(self, pair: str, wake: asyncio.Event) -> None:
        """Leave ``wake`` alone from now on."""
        self._views[pair].wakes.discard(wake)

    def _changed(self, pair: str) -> None:
        view = self._views[pair]
        view.version += 1
        for wake in view.wakes:
            wake.set()


def _sequence(published: PublishedEvent) -> int:
    return published.event.sequence
