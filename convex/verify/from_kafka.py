"""Read what is verified from Kafka's topics."""

from collections.abc import AsyncIterator

from convex.record_reader import RecordReader
from convex.verify.log_copy import AppliedRecord, LogCopy
from shared.kafka.topics import DIVERGENCES, PROOFS, TICKS


async def copy_of_topics(reader: RecordReader) -> LogCopy:
    """Return the proofs, checkpoints and events that Kafka has; the records are read later.

    Raises
    ------
    BrokerUnavailable
        If Kafka stops to answer.
    """

    async def records(partition: int, first: int, last: int) -> AsyncIterator[AppliedRecord]:
        begin, end = await reader.bounds(TICKS.name, partition)
        async for record in reader.stretch(
            TICKS.name, partition, max(begin, first), until=min(end, last + 1)
        ):
            yield AppliedRecord(offset=record.offset, value=record.value)

    copy = LogCopy(source="Kafka", records=records)
    for record in await reader.everything(PROOFS.name):
        where = f"{PROOFS.name}/{record.partition}/{record.offset}"
        if record.value is not None:
            copy.take_proof(where, (record.key or b"").decode(errors="replace"), record.value)
    for partition in {proof.partition for proof in copy.parts.values()}:
        copy.begins[partition] = (await reader.bounds(TICKS.name, partition))[0]
    for record in await reader.everything(DIVERGENCES.name):
        where = f"{DIVERGENCES.name}/{record.partition}/{record.offset}"
        if record.value is not None:
            copy.take_event(where, record.offset, record.value)
    return copy
