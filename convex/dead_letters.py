"""Read the dead letters, and replay the original record of a dead letter.

A dead letter keeps only the first bytes of a record. Replaying fetches the original record from its place and
publishes it to the same topic again, with its key, its headers and ``replayed_from``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import KafkaError

from convex.record_reader import KafkaRecord, MissingRecord, RecordReader, unreachable
from shared.config import KafkaSettings
from shared.contracts.records import DEADLETTERS as DEADLETTERS_CONTRACT
from shared.domain.deliveries import DeadLetter
from shared.domain.instants import format_rfc3339
from shared.errors import ConfigError, DataError, PermanentError
from shared.kafka.clients import make_producer
from shared.kafka.topics import DEADLETTERS

REPLAYED_FROM: Final = "replayed_from"
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDeadLetter:
    """A dead letter and the time at which Kafka stored it, Unix milliseconds."""

    letter: DeadLetter
    timestamp_ms: int

    @property
    def at(self) -> str:
        """Return the time as RFC 3339."""
        return format_rfc3339(self.timestamp_ms * _NS_PER_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOutcome:
    """What a replay did, or would do, with one record.

    Parameters
    ----------
    where
        ``topic/partition/offset`` of the original.
    text
        For people.
    """

    where: str
    is_replayed: bool
    text: str


async def list_dead_letters(settings: KafkaSettings) -> tuple[list[StoredDeadLetter], int]:
    """Return the dead letters in the order of time, and how many values this version cannot decode.

    Raises
    ------
    BrokerUnavailable
        If Kafka cannot be reached.
    """
    async with RecordReader(settings) as reader:
        return await _read(reader)


async def replay_dead_letters(
    settings: KafkaSettings, origin: str, place: tuple[int, int] | None, *, is_dry: bool
) -> list[ReplayOutcome]:
    """Publish the original records of a topic's dead letters again.

    Parameters
    ----------
    origin
        Topic that the records came from.
    place
        Partition and offset of the one record to replay; None for every dead letter of the topic.
    is_dry
        Return what would be done, and publish nothing.

    Raises
    ------
    BrokerUnavailable
        If Kafka cannot be reached or does not acknowledge.
    ConfigError
        If there is no such dead letter.
    PermanentError
        If the one record to replay is no longer in Kafka.
    """
    async with RecordReader(settings) as reader:
        letters, _ = await _read(reader)
        known = {
            (stored.letter.partition, stored.letter.offset)
            for stored in letters
            if stored.letter.origin == origin
            and stored.letter.partition is not None
            and stored.letter.offset is not None
        }
        places = sorted(known) if place is None else [each for each in sorted(known) if each == place]
        if not places:
            which = origin if place is None else f"{origin}/{place[0]}/{place[1]}"
            raise ConfigError(f"{which}: has no dead letter; see convex deadletters list")
        found = [await reader.fetch(origin, *each) for each in places]
    if place is not None and isinstance(found[0], MissingRecord):
        raise PermanentError(f"{found[0].where}: {found[0].why}", reason="record_gone")
    # Of all dead letters, a record that is itself a replay is left out: its original is among the others.
    chosen = [
        each
        for each in found
        if isinstance(each, KafkaRecord) and (place is not None or _replayed_from(each) is None)
    ]
    published = {} if is_dry else await _publish_again(settings, chosen)
    return [_outcome(each, published, is_chosen=each in chosen) for each in found]


async def _read(reader: RecordReader) -> tuple[list[StoredDeadLetter], int]:
    letters: list[StoredDeadLetter] = []
    unreadable = 0
    for record in await reader.everything(DEADLETTERS.name):
        try:
            letter = DEADLETTERS_CONTRACT.decode(record.value)
        except DataError:
            unreadable += 1
        else:
            letters.append(StoredDeadLetter(letter=letter, timestamp_ms=record.timestamp))
    # Equal times keep the order of their partition.
    return sorted(letters, key=lambda stored: stored.timestamp_ms), unreadable


async def _publish_again(settings: KafkaSettings, records: Iterable[KafkaRecord]) -> dict[str, str]:
    """Publish records to their topics; return the new place of each by its old one."""
    # Not `Publisher`: the key of a record is bytes or missing, and must stay as it is.
    producer = make_producer(settings, client_id="convex-command")
    published = {}
    try:
        await producer.start()
        for record in records:
            original = _replayed_from(record) or record.where
            others = [header for header in record.headers if header[0] != REPLAYED_FROM]
            sent = await producer.send_and_wait(
                record.topic,
                record.value,
                key=record.key,
                # The key decides the partition; without a key the record goes to the one it came from.
                partition=record.partition if record.key is None else None,
                headers=[*others, (REPLAYED_FROM, original.encode())],
            )
            published[record.where] = f"{record.topic}/{sent.partition}/{sent.offset}"
    except KafkaError as error:
        raise unreachable(settings, error) from error
    finally:
        await producer.stop()
    return published


def _replayed_from(record: KafkaRecord) -> str | None:
    """Return the place of the original; None for an original."""
    values = (value for name, value in record.headers if name == REPLAYED_FROM)
    first = next(values, None)
    return None if first is None else first.decode(errors="replace")


def _outcome(
    found: KafkaRecord | MissingRecord, published: dict[str, str], *, is_chosen: bool
) -> ReplayOutcome:
    if isinstance(found, MissingRecord):
        text = f"not replayed: {found.why}"
    elif not is_chosen:
        text = f"not replayed: is a replay of {_replayed_from(found)} itself"
    elif found.where in published:
        text = f"replayed as {published[found.where]}"
    else:
        text = f"would be replayed ({len(found.value or b'')} bytes)"
    return ReplayOutcome(where=found.where, is_replayed=is_chosen, text=text)
