"""Faust's Kafka driver without the ways in which it loses, repeats and stalls, and one message a fetch.

A message costs Faust 100 to 200 µs, as much as decoding 500 ticks. So what one fetch brought of a partition
is one message to it: a `FetchedMessage`. What is committed to Kafka is what the worker has applied, whatever
Faust counts.

==================== ======================================== ==========================================
override             as it comes                              here
==================== ======================================== ==========================================
``wait_first``       four tasks made per record               none while nothing is suspended: 1.5x
on_partitions_revoked forgets what was acknowledged, so every  commits first, then forgets, then releases
                     rebalance repeats it
``perform_seek``     starts at the offset committed to Kafka  the rebalance has sought to the checkpoint
``_getmany``         a fetch from before a seek is delivered  its records are dropped
                     after it
``_to_message``      a message for each record                one for all records of a fetch
``_new_offset``      commits past what is in flight where     commits what the worker has applied
                     offsets have gaps
_wait_next_records   sleeps 1 s when the buffers are full     sleeps 5 ms
``resume_flow``      may resume in the middle of a revoke     only when the rebalance is done
thread ``stop``      leaks the thread right after a start     waits until it can be stopped
client ``stop``      ends early, and the thread never, when   closes the client's connections anyway
                     a fetch fails at that moment
producer ``stop``    closes the client under a start, which   cancels the start first
                     then waits for ever
livelock detector    crashes before the consumer started      off: the watchdog does this
fetch wait           1500 ms                                  a setting
producer             acks=1, retries may duplicate            acks=all, idempotent
==================== ======================================== ==========================================

These are private seams of faust-streaming 0.15.3: the version is pinned and each one has a test.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, cast

import structlog
from faust.transport.consumer import ConsumerMessage, RecordMap
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT
from mode.services import WaitResults

from services.signals.stream.rebalance import Rebalance
from shared.kafka.clients import Record

log = structlog.get_logger()

# A rebalance waits for the fetch under way: this long when there is nothing to read; 1 s as it comes.
_FETCH_SLICE_SECONDS = 0.2
# How long to wait when every partition's buffer is full. A batch is applied in some 10 ms, and the buffer
# holds a few: after the second that it is as it comes it would long be empty.
_BUFFERS_FULL_SECONDS = 0.005


class FetchedMessage(ConsumerMessage):
    """All records of one partition that one fetch brought; Faust sees the offset of the last."""

    __slots__ = ("records",)

    records: Sequence[Record]


class HardenedConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that owns the Kafka client."""

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Hard-coded to 1500 ms in the call above; the client reads it when it starts.
        wait_ms = cast(HardenedTransport, transport).fetch_max_wait_ms
        consumer._fetch_max_wait_ms = wait_ms  # noqa: SLF001  # the only way in
        return consumer

    async def stop(self) -> None:
        """Stop the thread, also when it was launched a moment ago.

        As it comes, a stop before the thread has reached its first line does nothing, and the process
        never ends.
        """
        while self._is_launching():  # noqa: ASYNC110  # the thread's event cannot be awaited from here
            await asyncio.sleep(0.01)
        await super().stop()

    async def on_thread_stop(self) -> None:
        """Stop the client, and close its connections also when one of its tasks fails meanwhile.

        As it comes, a fetch that was waiting to try again cancels the stop: the connections stay open, and
        whoever stops the thread waits for it for ever.
        """
        stopping = asyncio.ensure_future(super().on_thread_stop())
        await asyncio.wait({stopping})
        error = None if stopping.cancelled() else stopping.exception()
        if stopping.cancelled() or error is not None:
            log.warning("client_stopped_early", error=repr(error) if error else "cancelled")
            if self._consumer is not None:
                await self._consumer._client.close()  # noqa: SLF001  # what the interrupted stop had left

    def _is_launching(self) -> bool:
        return self._thread is not None and self._thread.is_alive() and not self._started.is_set()


class HardenedConsumer(driver.Consumer):
    """Starts at the checkpoint, commits before it gives up partitions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        transport = cast(HardenedTransport, self.transport)
        self._rebalance = transport.rebalance
        self._input_topic = transport.input_topic
        self._fetching = asyncio.Lock()
        # Counts seeks and revocations: a fetch that sees it change holds records of the past.
        self._epoch = 0
        self._is_settled = False

    def _new_consumer_thread(self) -> HardenedConsumerThread:
        return HardenedConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def assigned_partitions(self) -> frozenset[int]:
        """Return the partitions of the input topic assigned now."""
        return self._own(self.assignment())

    async def log_bounds(self, partitions: frozenset[int]) -> tuple[Mapping[int, int], Mapping[int, int]]:
        """Ask the broker for the first offset and the end offset of each partition."""
        tps = [TP(self._input_topic, partition) for partition in sorted(partitions)]
        earliest = await self.earliest_offsets(*tps)
        end = await self.highwaters(*tps)
        return (
            {tp.partition: offset for tp, offset in earliest.items()},
            {tp.partition: offset for tp, offset in end.items()},
        )

    def fetched_ends(self) -> dict[int, int]:
        """Return the end offset of each assigned partition that the last fetch saw, where there was one."""
        ends = {}
        for tp in self.assignment():
            try:
                end = self.highwater(tp)
            except AssertionError:
                # The client's way to say that it was unassigned since the line above, in its own thread.
                continue
            if tp.topic == self._input_topic and end is not None:
                ends[tp.partition] = end
        return ends

    async def start_at(self, offsets: Mapping[int, int]) -> None:
        """Drop what was fetched and continue from these offsets."""
        self.stop_flow()
        self._epoch += 1
        # Taken once the last fetch of the past has returned; it drops its records, then we seek.
        async with self._fetching:
            tps = {TP(self._input_topic, partition): offset for partition, offset in offsets.items()}
            await self.seek_wait(tps)
            for tp, offset in tps.items():
                # Faust reads 0 as "nothing committed yet".
                self._committed_offset[tp] = offset or None
            self._is_settled = True

    async def perform_seek(self) -> None:
        """Do nothing: the rebalance has sought already, and Kafka's offsets do not count."""

    def resume_flow(self) -> None:
        """Let records through, unless partitions are being revoked at this moment."""
        if self._is_settled:
            super().resume_flow()
        else:
            self.app.flow_control.suspend()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish and commit the batch in flight, then forget and release the partitions."""
        self._epoch += 1
        self._is_settled = False
        await self._rebalance.abandon()
        if revoked and not self.app.should_stop:
            self.stop_flow()
            self.app.flow_control.suspend()
            self.app.flow_control.clear()
            await self.wait_empty()
        await super().on_partitions_revoked(revoked)
        await self._rebalance.give_up(self._own(revoked))

    async def verify_all_partitions_active(self) -> None:
        """Do nothing: it raises when the broker is slow at start, and the watchdog sees more."""

    async def wait_first(self, *coros: Any, timeout: Any = None) -> WaitResults:
        """Await the first of two directly when nothing can make it wait."""
        if len(coros) == 2 and timeout is None and self._is_flowing():
            callback, suspended = cast(tuple[Coroutine[Any, Any, None], Coroutine[Any, Any, None]], coros)
            suspended.close()
            await callback
            return WaitResults([callback], [None], False)
        return await super().wait_first(*coros, timeout=timeout)

    async def _wait_next_records(self, timeout: float) -> tuple[RecordMap | None, set[TP] | None]:
        if self.flow_active and not self._get_active_partitions():
            await self.sleep(_BUFFERS_FULL_SECONDS)
            return {}, self._get_active_partitions()
        return cast(tuple[RecordMap | None, set[TP] | None], await super()._wait_next_records(timeout))

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> RecordMap:
        async with self._fetching:
            epoch = self._epoch
            fetched = await super()._getmany(active_partitions, min(timeout, _FETCH_SLICE_SECONDS))
            if epoch != self._epoch:
                return {}
            # One item for all: Faust makes a message of each item.
            return {tp: [records] for tp, records in fetched.items() if records}

    def _to_message(self, tp: TP, record: Any) -> FetchedMessage:
        last = record[-1]
        message = FetchedMessage(
            *(tp.topic, tp.partition, last.offset, last.timestamp / 1_000, last.timestamp_type),
            *(None, None, None, None),
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )
        message.records = record
        return message

    def _new_offset(self, tp: TP) -> int | None:
        # Faust's own lists of what was acknowledged are not needed, and must not grow.
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return self._rebalance.offsets.by_partition().get(tp.partition)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing: to Faust every batch of more than one record is a gap."""

    def _is_flowing(self) -> bool:
        return (
            not self.suspend_flow.is_set()
            and self.app.flow_control.is_active()
            and not any(topic.queue.full() for topic in self.app.topics)
        )

    def _own(self, tps: set[TP]) -> frozenset[int]:
        return frozenset(tp.partition for tp in tps if tp.topic == self._input_topic)


class HardenedProducer(driver.Producer):
    """Acknowledged by all replicas, and a retry is not a second record."""

    _starting: asyncio.Future[None] | None = None

    async def on_start(self) -> None:
        """Start the client, unless a stop comes first."""
        self._starting = asyncio.ensure_future(super().on_start())
        await asyncio.wait({self._starting})
        if not self._starting.cancelled():
            self._starting.result()

    async def on_stop(self) -> None:
        """Cancel a start that is under way, then stop the client.

        As it comes, the client is closed under the start, which then waits for ever for an answer.
        """
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait({self._starting})
        await super().on_stop()

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class HardenedTransport(driver.Transport):
    """Makes the consumer and producer above."""

    Consumer = HardenedConsumer
    Producer = HardenedProducer

    def __init__(
        self,
        url: Any,
        app: AppT,
        *,
        rebalance: Rebalance,
        input_topic: str,
        fetch_max_wait_ms: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(url, app, **kwargs)
        self.rebalance = rebalance
        self.input_topic = input_topic
        self.fetch_max_wait_ms = fetch_max_wait_ms
