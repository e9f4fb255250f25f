"""What a frame says, and to whom: each symbol's events to its streams, the rest to the connection."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import structlog

from services.ingestor.core.connection_health import ConnectionHealth
from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.streaming.events import (
    Event,
    Quote,
    Rejected,
    Reply,
    Rotate,
    Unknown,
    Unreadable,
    VenueStatus,
)
from services.ingestor.feeds.streaming.instrument_stream import InstrumentStream
from services.ingestor.feeds.streaming.ports import VenueProtocol
from services.ingestor.feeds.streaming.tick_batches import PARSER_FAILED
from services.ingestor.feeds.streaming.unknown_kinds import UnknownKinds
from services.ingestor.feeds.transport.secrets import Redactor
from shared.errors import DataError, DecodeError

log = structlog.get_logger(__name__)

# Two connections are a few frames apart, not more.
MAX_WITHHELD: Final = 256


class _Withheld(NamedTuple):
    quote: Quote
    frame: str | bytes
    received_ns: int
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionEnd:
    """Why a connection is over.

    Parameters
    ----------
    reason
        Label of the metric.
    words
        What the venue said, without any key.
    refusal
        What the venue refused all symbols for; None if it did not.
    retry_after_seconds
        How long the venue asks to wait.
    at_least_seconds
        How long to wait because each symbol was refused for itself.
    """

    reason: str
    words: str = ""
    refusal: Refusal | None = None
    retry_after_seconds: float | None = None
    at_least_seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class FrameEffects:
    """What a frame means for its connection.

    Parameters
    ----------
    replies
        What to send now.
    end
        Why the connection is over; None if it is not.
    is_replacement_due
        The venue will end the connection.
    """

    replies: list[str] = field(default_factory=list)
    end: ConnectionEnd | None = None
    is_replacement_due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The streams of a feed by symbol, and what all its connections share.

    Parameters
    ----------
    last_untimed
        Bid and ask of the last quote without a time, by symbol.
    """

    feed: str
    streams: Mapping[str, tuple[InstrumentStream, ...]]
    unknown_kinds: UnknownKinds
    redactor: Redactor
    last_untimed: dict[str, tuple[float, float]] = field(default_factory=dict)


class FrameRouter:
    """Route the frames of one connection.

    While another connection is in use, quotes without a time are withheld: that one brings them too, and only
    a time tells a repetition from a new quote.

    Parameters
    ----------
    on_accepted
        Called when the venue has accepted the connection: a symbol is acknowledged or has data.
    """

    def __init__(
        self,
        routes: Routes,
        protocol: VenueProtocol,
        health: ConnectionHealth,
        *,
        is_following: bool,
        on_accepted: Callable[[], None],
    ) -> None:
        self._routes = routes
        self._protocol = protocol
        self._health = health
        self._is_following = is_following
        self._on_accepted = on_accepted
        self._withheld: dict[str, deque[_Withheld]] = {}
        self._rejections: dict[str, float] = {}
        self._accepted: set[str] = set()

    def route(
        self, raw: str | bytes, *, frame: str | bytes, received_ns: int, now: float, sink: Sink
    ) -> FrameEffects:
        """Hand on what a frame says, and return what it means for the connection.

        Parameters
        ----------
        frame
            The same without any key: what is kept and published.
        now
            Seconds on a monotonic clock.
        """
        effects = FrameEffects()
        is_bad = False
        of_symbols: dict[str, list[Event]] = {}
        for event in self._events(raw, frame):
            match event:
                case Unreadable(error=error):
                    is_bad = True
                    self._reject(frame, error, sink)
                case Unknown(kind=kind):
                    self._routes.unknown_kinds.note(kind)
                case Reply(frame=reply):
                    effects.replies.append(reply)
                case Rotate():
                    effects.is_replacement_due = True
                case VenueStatus():
                    self._on_venue_status(event)
                case Rejected(symbol=None):
                    effects.end = effects.end or self._end_of_rejection(event)
                case _:
                    self._assign(event, of_symbols)
        self._health.on_frame(now=now, is_bad=is_bad)
        for symbol, events in of_symbols.items():
            self._on_events(symbol, events, frame, received_ns, now, sink)
        effects.end = effects.end or self._end_when_all_are_rejected()
        return effects

    def take_over(self, sink: Sink) -> None:
        """Belong to the connection in use: give out what it has before the other one had it."""
        self._is_following = False
        for symbol, withheld in self._withheld.items():
            last = self._routes.last_untimed.get(symbol)
            for quote, frame, received_ns, now in _after(withheld, last):
                self._routes.last_untimed[symbol] = (quote.bid, quote.ask)
                for stream in self._routes.streams[symbol]:
                    stream.take([quote], frame=frame, received_ns=received_ns, now=now, sink=sink)
        self._withheld.clear()

    def hand_over(self) -> None:
        """Belong to the connection that is being closed: what it still reads, the other one has too."""
        self._is_following = True

    def _events(self, raw: str | bytes, frame: str | bytes) -> list[Event]:
        try:
            return self._protocol.receive(raw)
        except Exception as error:
            # A protocol must not raise. If one does, its frame is kept for whoever mends it.
            self._log_failure(error, frame)
            return [Unreadable(error=DecodeError(f"the parser failed: {error!r}", reason=PARSER_FAILED))]

    def _assign(self, event: Event, of_symbols: dict[str, list[Event]]) -> None:
        symbol: str | None = getattr(event, "symbol", None)
        if symbol is None:
            for each in self._routes.streams:
                of_symbols.setdefault(each, []).append(event)
        elif symbol in self._routes.streams:
            of_symbols.setdefault(symbol, []).append(event)
        else:
            self._routes.unknown_kinds.note("symbol that was not asked for")

    def _on_events(
        self,
        symbol: str,
        events: list[Event],
        frame: str | bytes,
        received_ns: int,
        now: float,
        sink: Sink,
    ) -> None:
        """Hand a frame's events of one symbol to its streams."""
        if any(isinstance(event, Quote) and event.ts_event_ns is None for event in events):
            events = self._untimed_quotes(symbol, events, frame, received_ns, now)
        for stream in self._routes.streams[symbol]:
            try:
                outcome = stream.take(events, frame=frame, received_ns=received_ns, now=now, sink=sink)
            except Exception as error:
                self._log_failure(error, frame)
                failure = DecodeError(f"a tick cannot be taken: {error!r}", reason=PARSER_FAILED)
                self._reject(frame, failure, sink)
                continue
            if outcome.has_data:
                self._health.on_data(symbol, now=now)
            if outcome.is_acknowledged:
                self._health.on_acknowledged(symbol, now=now)
            if (outcome.is_acknowledged or outcome.has_data) and stream.instrument not in self._accepted:
                self._accepted.add(stream.instrument)
                log.info("feed_subscribed", feed=self._routes.feed, instrument=stream.instrument)
                stream.on_accepted()
                self._on_accepted()
            if outcome.rejection is not None:
                self._on_rejection(symbol, stream, outcome.rejection)

    def _untimed_quotes(
        self, symbol: str, events: list[Event], frame: str | bytes, received_ns: int, now: float
    ) -> list[Event]:
        """Return the events of a frame, without quotes that have no time while another is in use."""
        kept: list[Event] = []
        for event in events:
            if not isinstance(event, Quote) or event.ts_event_ns is not None:
                kept.append(event)
            elif self._is_following:
                withheld = self._withheld.setdefault(symbol, deque(maxlen=MAX_WITHHELD))
                withheld.append(_Withheld(event, frame, received_ns, now))
                self._health.on_data(symbol, now=now)
            else:
                self._routes.last_untimed[symbol] = (event.bid, event.ask)
                kept.append(event)
        return kept

    def _on_venue_status(self, venue: VenueStatus) -> None:
        self._health.on_venue_status(is_degraded=venue.is_degraded)
        if venue.is_degraded:
            log.warning("venue_degraded", feed=self._routes.feed, status=venue.status)

    def _on_rejection(self, symbol: str, stream: InstrumentStream, rejection: Rejected) -> None:
        self._health.on_rejected(symbol)
        # A symbol with two subscriptions is rejected twice: that is one piece of evidence.
        if stream.instrument in self._rejections:
            return
        words = self._routes.redactor.words(rejection.message)
        verdict = stream.on_refused(rejection.refusal, words=words)
        self._rejections[stream.instrument] = verdict.at_least_seconds
        log.warning(
            "subscription_rejected",
            feed=self._routes.feed,
            instrument=stream.instrument,
            refusal=rejection.refusal,
            words=words,
        )

    def _end_of_rejection(self, rejection: Rejected) -> ConnectionEnd | None:
        """Return the end that a rejection means which names no symbol."""
        words = self._routes.redactor.words(rejection.message)
        if rejection.refusal is Refusal.UNKNOWN_SYMBOL and len(self._routes.streams) > 1:
            # One of several, and which one is not said: it will be the one without data.
            log.warning("subscription_rejected", feed=self._routes.feed, words=words)
            return None
        return ConnectionEnd(reason="rejected", words=words, refusal=rejection.refusal)

    def _end_when_all_are_rejected(self) -> ConnectionEnd | None:
        if not self._rejections:
            return None
        streams = [stream for of_symbol in self._routes.streams.values() for stream in of_symbol]
        if len(self._rejections) < len(streams):
            return None
        return ConnectionEnd(
            reason="rejected",
            words=streams[0].words,
            at_least_seconds=min(self._rejections.values()),
        )

    def _log_failure(self, error: Exception, frame: str | bytes) -> None:
        log.error(
            "parser_failed",
            feed=self._routes.feed,
            first_characters=frame[:200],
            traceback=self._routes.redactor.traceback(error),
        )

    def _reject(self, frame: str | bytes, error: DataError, sink: Sink) -> None:
        """Publish a frame that cannot be used; the error may quote it, so keys are removed there too."""
        message = str(error)
        shown = self._routes.redactor.text(message)
        if shown != message:
            error = type(error)(shown, reason=error.reason)
        raw = frame if isinstance(frame, bytes) else frame.encode(errors="replace")
        sink.reject(feed=self._routes.feed, raw=raw, error=error)


def _after(withheld: Sequence[_Withheld], last: tuple[float, float] | None) -> Sequence[_Withheld]:
    """Return what was withheld after the last quote of the other connection; only the last if unknown."""
    for number in range(len(withheld) - 1, -1, -1):
        if (withheld[number].quote.bid, withheld[number].quote.ask) == last:
            return list(withheld)[number + 1 :]
    return list(withheld)[-1:]
