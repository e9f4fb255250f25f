"""How far the topics have been read, and the sentence that says why there is nothing to show."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.dashboard.core.formatting import format_clock


class Phase(StrEnum):
    """What the reader is doing."""

    CONNECTING = "connecting"
    NO_TOPIC = "no_topic"
    CATCHING_UP = "catching_up"
    FOLLOWING = "following"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicReading:
    """Counts of one topic since this process began to read it.

    Parameters
    ----------
    records
        Read, usable or not.
    left
        Records between here and the end that the topic had at first; 0 once that was reached.
    rejected
        Records that could not be used.
    last_rejection
        Why the last of those was not.
    """

    records: int = 0
    left: int = 0
    rejected: int = 0
    last_rejection: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How far the reader is.

    Parameters
    ----------
    servers
        Where Kafka is looked for.
    since
        When this phase began, aware UTC.
    attempts
        Connections tried in this phase.
    error
        What the last attempt failed with; empty when none did.
    missing
        Topics that do not exist.
    caught_up_at
        When the ends that the topics had at first were reached; None before.
    """

    servers: str
    phase: Phase
    since: datetime
    attempts: int = 0
    error: str = ""
    missing: tuple[str, ...] = ()
    caught_up_at: datetime | None = None
    topics: dict[str, TopicReading] = field(default_factory=dict)


def why_no_snapshot(reading: Reading, *, pair: str, topic: str, of_others: int) -> str:
    """Return why there is no snapshot of a pair yet, precisely, and what to look at.

    Parameters
    ----------
    of_others
        Snapshots of other pairs that were read.

    Examples
    --------
    >>> from datetime import UTC
    >>> at = datetime(2014, 5, 2, 12, 3, 11, tzinfo=UTC)
    >>> reading = Reading(servers="kafka:9092", phase=Phase.FOLLOWING, since=at, caught_up_at=at,
    ...                   topics={"signals.v1": TopicReading()})
    >>> text = why_no_snapshot(reading, pair="gold-iwm", topic="signals.v1", of_others=0)
    >>> text[:76]
    'Waiting for the first snapshot of gold-iwm: connected to Kafka, read signals'
    >>> text[76:]
    '.v1 to its end at 12:03:11 UTC, 0 snapshots. The signals service has not published yet: is it running?'
    """
    head = f"Waiting for the first snapshot of {pair}: "
    seen = reading.topics.get(topic, TopicReading())
    match reading.phase:
        case Phase.CONNECTING:
            tried = f"{reading.attempts} attempt{'s' if reading.attempts != 1 else ''} since"
            failure = f"; the last one failed with: {reading.error}" if reading.error else ""
            return (
                f"{head}not connected to Kafka at {reading.servers} ({tried} {format_clock(reading.since)}"
                f"{failure}). {'Is Kafka running?' if reading.error else 'This takes a moment.'}"
            )
        case Phase.NO_TOPIC:
            names = " and ".join(reading.missing)
            verb = "does" if len(reading.missing) == 1 else "do"
            return (
                f"{head}connected to Kafka, but {names} {verb} not exist "
                f"(looking since {format_clock(reading.since)}). The topics are made by: convex topics create"
            )
        case Phase.CATCHING_UP:
            return (
                f"{head}connected to Kafka, reading {topic}: {seen.records:,} records, {seen.left:,} to go."
            )
        case Phase.LOST:
            return (
                f"{head}Kafka at {reading.servers} has not answered since {format_clock(reading.since)}: "
                f"{reading.error}. Is Kafka running?"
            )
        case _:
            return head + _read_all(reading, seen, topic=topic, of_others=of_others)


def trouble(reading: Reading) -> str:
    """Return what is wrong while there are snapshots to show; empty when nothing is."""
    match reading.phase:
        case Phase.LOST:
            return f"Kafka has not answered since {format_clock(reading.since)} ({reading.error})."
        case Phase.CONNECTING:
            return f"Connecting to Kafka again since {format_clock(reading.since)}."
        case Phase.NO_TOPIC:
            return f"Kafka has no {' and no '.join(reading.missing)} since {format_clock(reading.since)}."
        case _:
            return ""


def _read_all(reading: Reading, seen: TopicReading, *, topic: str, of_others: int) -> str:
    at = format_clock(reading.caught_up_at or reading.since)
    text = f"connected to Kafka, read {topic} to its end at {at}, 0 snapshots"
    if of_others:
        text += f" of this pair and {of_others:,} of others"
    text += ". "
    if seen.rejected:
        text += f"{seen.rejected:,} of its records could not be used, the last one: {seen.last_rejection}. "
    if of_others:
        return text + "Does the signals service run with the same CONVEX_PAIRS?"
    return text + "The signals service has not published yet: is it running?"
