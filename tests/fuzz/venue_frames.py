"""Drive changed frames of one venue through its parser, the rules for ticks, and the records of the log.

Whatever comes, only declared errors are allowed, each rejection has a reason of the closed set, each tick can
be encoded and is read back as it was, and nothing grows with the number of frames.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import orjson
from prometheus_client import CollectorRegistry

from services.ingestor.core.venue_clock import VenueClock
from services.ingestor.feeds.streaming.events import Event, Rejected, Reply, Unknown, VenueStatus
from services.ingestor.feeds.streaming.ports import VenueProtocol
from services.ingestor.feeds.streaming.tick_normaliser import TickNormaliser
from services.ingestor.metrics import DEAD_LETTER_REASONS, IngestorMetrics
from shared.contracts.records import DEADLETTERS
from shared.contracts.ticks import decode_tick_record, encode_tick_record
from shared.domain.deliveries import dead_letter
from shared.domain.ticks import QuoteBatch, TradeBatch
from shared.errors import DataError
from tests.support.fake_feeds.sink import RecordingSink
from tests.support.frame_mutations import FrameMutator
from tests.support.venue_sessions import VenueSession

_START_NS: Final = 1_790_000_000_000_000_000
# A connection ends after so many frames, and the next one begins with a new protocol.
_FRAMES_OF_A_CONNECTION: Final = 400


class _CheckingSink(RecordingSink):
    """Encode what comes and read it back; remember only how much there was."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks = 0
        self.digest = 0
        self.reasons: Counter[str] = Counter()

    def put_ticks(self, batch: QuoteBatch | TradeBatch) -> None:
        value = encode_tick_record(batch)
        read = decode_tick_record(value)
        assert type(read) is type(batch)
        assert encode_tick_record(read) == value
        assert np.array_equal(read.ts_event_ns, batch.ts_event_ns)
        self.ticks += len(batch.ts_event_ns)
        self.digest = hash((self.digest, value))

    def reject(self, *, feed: str, raw: bytes, error: DataError) -> None:
        assert isinstance(error, DataError), error
        assert error.reason in DEAD_LETTER_REASONS, error.reason
        letter = dead_letter(f"feed:{feed}", raw=raw, reason=error.reason, message=str(error))
        DEADLETTERS.decode(DEADLETTERS.encode(letter))
        self.reasons[error.reason] += 1


@dataclass(kw_only=True)
class FuzzResult:
    """What came of one venue's changed frames.

    Parameters
    ----------
    digest
        Of all records in their order: the same seed gives the same one within a process.
    """

    frames: int = 0
    ticks: int = 0
    digest: int = 0
    events: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)


class FrameError(AssertionError):
    """A frame that led to an error which is not declared."""


def fuzz_venue(session: VenueSession, *, seed: int, count: int) -> FuzzResult:
    """Drive ``count`` changed frames of a venue through everything.

    Raises
    ------
    FrameError
        With the frame and its number, caused by what was wrong.
    """
    chance = random.Random(seed)
    mutator = FrameMutator(seed + 1)
    sink, result = _CheckingSink(), FuzzResult()
    now = 1_000.0
    normaliser = _normaliser(session, now)
    protocol, waiting = _connect(session)
    for number in range(1, count + 1):
        now += chance.choice((0.0, 0.001, 0.05, 0.5))
        at_ns = _START_NS + int(now * 1e9)
        if number % _FRAMES_OF_A_CONNECTION == 0:
            protocol, waiting = _connect(session)
        if not waiting:
            waiting = [frame for make in session.frames(at_ns) for frame in make(number)]
        good = waiting.pop(0)
        frame = mutator.change(good)
        try:
            events = protocol.receive(frame)
            for event in events:
                _check(event)
            normaliser.take(events, frame=frame, received_ns=at_ns, now=now, sink=sink)
            if number % 64 == 0:
                normaliser.settle(now=now, sink=sink)
        except Exception as error:
            raise FrameError(f"{session.venue}: frame {number} of seed {seed}: {frame[:2_000]!r}") from error
        result.events.update(type(event).__name__ for event in events)
    result.frames, result.ticks, result.digest = count, sink.ticks, sink.digest
    result.rejected = sink.reasons
    return result


def _normaliser(session: VenueSession, now: float) -> TickNormaliser:
    instrument = f"{session.symbol}.TEST"
    metrics = IngestorMetrics(
        CollectorRegistry(),
        feeds=(session.venue,),
        instruments=(instrument,),
        streams={instrument: (session.venue,)},
    )
    return TickNormaliser(
        feed=session.venue,
        instrument=instrument,
        lateness_ns=2_000_000_000,
        metrics=metrics,
        venue_clock=VenueClock(wall_ns=_START_NS + int(now * 1e9), now=now),
    )


def _connect(session: VenueSession) -> tuple[VenueProtocol, list[str]]:
    protocol = session.protocol()
    return protocol, session.opening(protocol)


def _check(event: Event) -> None:
    """Require that what is logged, shown or sent of an event can be written and is short."""
    match event:
        case Rejected(message=words) | Unknown(kind=words) | VenueStatus(status=words):
            assert len(words) <= 300
            orjson.dumps(words)
        case Reply(frame=frame):
            frame.encode()
