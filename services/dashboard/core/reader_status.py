"""How far the reader has read the topics, and why there is nothing to show yet."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.text.instants import format_clock


class Phase(StrEnum):
    """What the reader is doing."""

    CONNECTING = "connecting"
    NO_TOPIC = "no_topic"
    CATCHING_UP = "catching_up"
    FOLLOWING = "following"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicProgress:
    """Counts of one topic since this process began to read it.

    Parameters
    ----------
    records
        Records read, including those that could not be used.
    remaining
        Records still to read up to the end that the topic had when reading began.
    rejected
        Records that could not be used.
    last_rejection
        Why the last of them could not be used.
    """

    records: int = 0
    remaining: int = 0
    rejected: int = 0
    last_rejection: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderStatus:
    """What the reader is doing and how far it is.

    Parameters
    ----------
    servers
        Addresses of Kafka.
    since
        When this phase began, aware UTC.
    attempts
        Connections tried in this phase.
    error
        Why the last attempt failed; empty when none did.
    missing
        Topics that do not exist.
    caught_up_at
        When the reader reached the ends that the topics had when it began; None before.
    """

    servers: str
    phase: Phase
    since: datetime
    attempts: int = 0
    error: str = ""
    missing: tuple[str, ...] = ()
    caught_up_at: datetime | None = None
    topics: dict[str, TopicProgress] = field(default_factory=dict)


def why_no_snapshot(status: ReaderStatus, *, pair: str, topic: str, of_others: int) -> str:
    """Return exactly why there is no snapshot of a pair yet, and what to check.

    Parameters
    ----------
    of_others
        Snapshots of other pairs that were read.

    Examples
    --------
    >>> from datetime import UTC
    >>> at = datetime(2014, 5, 2, 12, 3, 11, tzinfo=UTC)
    >>> status = ReaderStatus(servers="kafka:9092", phase=Phase.FOLLOWING, since=at, caught_up_at=at,
    ...                       topics={"signals.v1": TopicProgress()})
    >>> text = why_no_snapshot(status, pair="gold-iwm", topic="signals.v1", of_others=0)
    >>> text[:76]
    'Waiting for the first snapshot of gold-iwm: connected to Kafka, read signals'
    >>> text[76:]
    '.v1 to its end at 12:03:11 UTC, 0 snapshots. The signals service has not published yet: is it running?'
    """
    head = f"Waiting for the first snapshot of {pair}: "
    seen = status.topics.get(topic, TopicProgress())
    match status.phase:
        case Phase.CONNECTING:
            tried = f"{status.attempts} attempt{'s' if status.attempts != 1 else ''} since"
            failure = f"; the last one failed with: {status.error}" if status.error else ""
            return (
                f"{head}not connected to Kafka at {status.servers} ({tried} {format_clock(status.since)}"
                f"{failure}). {'Is Kafka running?' if status.error else 'This takes a moment.'}"
            )
        case Phase.NO_TOPIC:
            names = " and ".join(status.missing)
            verb = "does" if len(status.missing) == 1 else "do"
            return (
                f"{head}connected to Kafka, but {names} {verb} not exist "
                f"(looking since {format_clock(status.since)}). Create them with: convex topics create"
            )
        case Phase.CATCHING_UP:
            done = f"{seen.records:,} records, {seen.remaining:,} to go"
            return f"{head}connected to Kafka, reading {topic}: {done}."
        case Phase.LOST:
            return (
                f"{head}Kafka at {status.servers} has not answered since {format_clock(status.since)}: "
                f"{status.error}. Is Kafka running?"
            )
        case _:
            return head + _after_catching_up(status, seen, topic=topic, of_others=of_others)


def kafka_problem(status: ReaderStatus) -> str:
    """Return what is wrong with Kafka while the page shows old snapshots; empty when nothing is."""
    match status.phase:
        case Phase.LOST:
            return f"Kafka has not answered since {format_clock(status.since)} ({status.error})."
        case Phase.CONNECTING:
            return f"Connecting to Kafka again since {format_clock(status.since)}."
        case Phase.NO_TOPIC:
            return f"Kafka has no {' and no '.join(status.missing)} since {format_clock(status.since)}."
        case _:
            return ""


def _after_catching_up(status: ReaderStatus, seen: TopicProgress, *, topic: str, of_others: int) -> str:
    at = format_clock(status.caught_up_at or status.since)
    text = f"connected to Kafka, read {topic} to its end at {at}, 0 snapshots"
    if of_others:
        text += f" of this pair and {of_others:,} of others"
    text += ". "
    if seen.rejected:
        text += f"{seen.rejected:,} of its records could not be used, the last one: {seen.last_rejection}. "
    if of_others:
        return text + "Does the signals service run with the same CONVEX_PAIRS?"
    return text + "The signals service has not published yet: is it running?"
