"""Publish a record and return once Kafka has acknowledged it."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.config import KafkaSettings
from shared.errors import BrokerUnavailable
from shared.kafka.clients import make_producer

Headers = Sequence[tuple[str, bytes]]


class Published(NamedTuple):
    """Where a record is in the log, and its timestamp from the producer (Unix milliseconds)."""

    partition: int
    offset: int
    timestamp_ms: int


class Message(NamedTuple):
    """A record to be published."""

    topic: str
    key: str
    value: bytes | None
    headers: Headers = ()


# Records sent but not yet acknowledged: enough to hide the round trips, few enough to bound the memory.
_UNDER_WAY = 256


class Publisher:
    """Publish records and wait for their acknowledgements.

    After a `BrokerUnavailable` the next call makes a new producer: aiokafka's producer does not recover from
    an out-of-order sequence number. A record that is sent twice that way has the same identity.

    Parameters
    ----------
    settings
        How to reach Kafka; ``send_timeout_seconds`` bounds each call, because idempotent sends of
        aiokafka never expire by themselves.
    client_id
        Appears in the broker's logs.
    """

    def __init__(self, settings: KafkaSettings, *, client_id: str) -> None:
        self._settings = settings
        self._client_id = client_id
        self._producer: AIOKafkaProducer = None
        self._building = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._connected()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send what is buffered and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def publish(
        self,
        topic: str,
        *,
        key: str,
        value: bytes | None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> Published:
        """Publish a record and return where it is once all replicas have it.

        Raises
        ------
        BrokerUnavailable
            If no acknowledgement came in time; the record may or may not be in the log.
        """
        producer = await self._connected()
        try:
            async with asyncio.timeout(self._settings.send_timeout_seconds):
                sent = await producer.send_and_wait(
                    topic, value, key=key.encode(), partition=partition, headers=list(headers)
                )
        except (KafkaError, TimeoutError) as error:
            await self._discard(producer)
            raise BrokerUnavailable(f"{topic}: not acknowledged: {error!r}") from error
        return Published(int(sent.partition), int(sent.offset), int(sent.timestamp))

    async def publish_in_order(self, messages: Sequence[Message]) -> list[Published]:
        """Publish records in this order and return where each is once all replicas have all of them.

        They do not wait for each other's acknowledgements, so many take hardly longer than one. The records
        of one partition are in this order.

        Raises
        ------
        BrokerUnavailable
            If an acknowledgement did not come in time; any of the records may or may not be in the log.
        """
        published: list[Published] = []
        for begin in range(0, len(messages), _UNDER_WAY):
            published += await self._send_in_order(messages[begin : begin + _UNDER_WAY])
        return published

    async def _send_in_order(self, messages: Sequence[Message]) -> list[Published]:
        producer = await self._connected()
        acknowledgements: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(self._settings.send_timeout_seconds):
                for each in messages:
                    sending = producer.send(
                        each.topic, each.value, key=each.key.encode(), headers=list(each.headers)
                    )
                    acknowledgements.append(await sending)
                sent = await asyncio.gather(*acknowledgements)
        except (KafkaError, TimeoutError) as error:
            for acknowledgement in acknowledgements:
                acknowledgement.cancel()
            await self._discard(producer)
            topics = ", ".join(sorted({each.topic for each in messages}))
            raise BrokerUnavailable(f"{topics}: not acknowledged: {error!r}") from error
        return [Published(int(each.partition), int(each.offset), int(each.timestamp)) for each in sent]

    async def publish_together(self, topic: str, *, key: str, values: Sequence[bytes]) -> int:
        """Publish the first records of a list as one batch, and return how many once all replicas have them.

        They are in the log one after the other and in this order, or none of them is.

        Parameters
        ----------
        values
            At least one; the first always goes, more as long as they fit into one batch of the producer.

        Raises
        ------
        BrokerUnavailable
            If no acknowledgement came in time; all of them may be in the log, or none.
        """
        producer = await self._connected()
        count = 0
        try:
            async with asyncio.timeout(self._settings.send_timeout_seconds):
                partition = await self.partition_for(topic, key)
                batch = producer.create_batch()
                for value in values:
                    if batch.append(timestamp=None, key=key.encode(), value=value) is None:
                        break
                    count += 1
                await (await producer.send_batch(batch, topic, partition=partition))
        except (KafkaError, TimeoutError) as error:
            await self._discard(producer)
            raise BrokerUnavailable(f"{topic}: not acknowledged: {error!r}") from error
        return count

    async def publish_batched(
        self, topic: str, records: Sequence[tuple[str, bytes]], *, partition: int | None = None
    ) -> None:
        """Publish records, each a key and a value, and return once all replicas have all of them.

        The records of one partition are in this order. Whole batches go to the producer: a record costs a
        third of what `publish_in_order` costs.

        Parameters
        ----------
        partition
            Where all of them go; None for the partitions of their keys.

        Raises
        ------
        BrokerUnavailable
            If an acknowledgement did not come in time; any of the records may or may not be in the log.
        """
        producer = await self._connected()
        acknowledgements: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(self._settings.send_timeout_seconds):
                for place, batch in await self._batches(producer, topic, records, partition):
                    acknowledgements.append(await producer.send_batch(batch, topic, partition=place))
                await asyncio.gather(*acknowledgements)
        except (KafkaError, TimeoutError) as error:
            for acknowledgement in acknowledgements:
                acknowledgement.cancel()
            await self._discard(producer)
            raise BrokerUnavailable(f"{topic}: not acknowledged: {error!r}") from error

    async def _batches(
        self,
        producer: AIOKafkaProducer,
        topic: str,
        records: Sequence[tuple[str, bytes]],
        partition: int | None,
    ) -> list[tuple[int, Any]]:
        """Return the records as batches, those of one partition in their order."""
        partitions = sorted(await producer.partitions_for(topic))
        places: dict[str, int] = {}
        open_batches: dict[int, Any] = {}
        batches: list[tuple[int, Any]] = []
        for key, value in records:
            encoded = key.encode()
            place = partition if partition is not None else places.get(key)
            if place is None:
                place = places[key] = _partition_of(producer, encoded, partitions)
            batch = open_batches.get(place)
            if batch is None or batch.append(timestamp=None, key=encoded, value=value) is None:
                batch = open_batches[place] = producer.create_batch()
                batches.append((place, batch))
                # The first record of a batch always fits.
                batch.append(timestamp=None, key=encoded, value=value)
        return batches

    async def publish_as_one(self, messages: Sequence[Message], *, partition: int) -> Published | None:
        """Publish records of one topic as one batch of a partition, and return where the last one is.

        They are in the log one after the other and in this order, or none of them is. Headers are left out.

        Returns
        -------
        Published or None
            None if they do not fit into one batch of the producer; then nothing is published.

        Raises
        ------
        BrokerUnavailable
            If no acknowledgement came in time; all of them may be in the log, or none.
        """
        producer = await self._connected()
        batch = producer.create_batch()
        for each in messages:
            if batch.append(timestamp=None, key=each.key.encode(), value=each.value) is None:
                return None
        topic = messages[0].topic
        try:
            async with asyncio.timeout(self._settings.send_timeout_seconds):
                sent = await (await producer.send_batch(batch, topic, partition=partition))
        except (KafkaError, TimeoutError) as error:
            await self._discard(producer)
            raise BrokerUnavailable(f"{topic}: not acknowledged: {error!r}") from error
        # The batch is acknowledged as its first record.
        return Published(int(sent.partition), int(sent.offset) + len(messages) - 1, int(sent.timestamp))

    async def partition_for(self, topic: str, key: str) -> int:
        """Return the partition that a key's records go to."""
        producer = await self._connected()
        partitions = sorted(await producer.partitions_for(topic))
        return _partition_of(producer, key.encode(), partitions)

    async def _connected(self) -> AIOKafkaProducer:
        async with self._building:
            if self._producer is None:
                producer = make_producer(self._settings, client_id=self._client_id)
                try:
                    await producer.start()
                except KafkaError as error:
                    await producer.stop()
                    raise BrokerUnavailable(f"cannot connect: {error!r}") from error
                self._producer = producer
            return self._producer

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
            # Stopping flushes, which can wait as long as the broker is away.
            try:
                async with asyncio.timeout(1):
                    await producer.stop()
            except (KafkaError, TimeoutError):
                # Otherwise it would retry for ever, and publish its old record after newer ones.
                await producer._sender.close()  # noqa: SLF001 - no public way
                await producer.client.close()


def _partition_of(producer: AIOKafkaProducer, key: bytes, partitions: list[int]) -> int:
    return int(producer._partitioner(key, partitions, partitions))  # noqa: SLF001 - no public way
