"""What the sink takes, whatever its instants, is read back by our own decoder; the rest is rejected."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from services.ingestor.kafka.retrying_publisher import RetryingPublisher
from services.ingestor.kafka.sink import KafkaSink
from services.ingestor.metrics import IngestorMetrics
from services.ingestor.printed_sink import PrintedSink
from shared.contracts.ticks import decode_tick_record
from shared.domain.instants import INSTANTS_END_NS
from shared.domain.ticks import FeedStatus, QuoteBatch
from shared.kafka import topics
from tests.unit.ingestor.ticks import LEAD, authority, fault, quotes, status

_instants = st.one_of(
    st.integers(-(1 << 80), 1 << 80),
    st.sampled_from([-1, 0, INSTANTS_END_NS - 1, INSTANTS_END_NS, 1 << 63, 253_402_300_799 * 10**9]),
)
_int64 = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, INSTANTS_END_NS - 1), st.just(INSTANTS_END_NS)
)


class _Log:
    """A publisher that keeps the values of each topic."""

    def __init__(self) -> None:
        self.values: dict[str, list[bytes]] = {}

    async def publish_together(self, topic: str, *, key: str, values: Sequence[bytes], **_: Any) -> int:
        self.values.setdefault(topic, []).extend(values)
        return len(values)

    async def publish(self, topic: str, *, key: str, value: bytes) -> None:
        self.values.setdefault(topic, []).append(value)

    def sink(self, registry: CollectorRegistry) -> KafkaSink:
        return KafkaSink(
            cast(RetryingPublisher, self),
            routes={LEAD: (LEAD,)},
            max_ticks=10_000,
            metrics=IngestorMetrics(
                registry, feeds=("test",), instruments=(LEAD,), streams={LEAD: ("test",)}
            ),
        )


async def _sent(sink: KafkaSink | PrintedSink) -> None:
    sink.close()
    await asyncio.wait_for(sink.run(), 10.0)


def _is_possible(*at_ns: int) -> bool:
    return all(0 <= each < INSTANTS_END_NS for each in at_ns)


@given(at_ns=st.lists(_instants, min_size=1, max_size=5))
@example(at_ns=[253_402_300_799 * 10**9, 5])
def test_a_record_with_any_instant_is_published_readable_or_rejected(at_ns: list[int]) -> None:
    log, registry = _Log(), CollectorRegistry()
    sink = log.sink(registry)
    lines: list[bytes] = []
    printed = PrintedSink(lines.append)
    for each in at_ns:
        for to in (sink, printed):
            to.put_status(status(each))
            to.put_authority(replace(authority("test"), since_ns=each))
            to.put_feed_fault(fault(each))
    asyncio.run(_sent(sink))
    asyncio.run(_sent(printed))

    read = [decode_tick_record(value) for value in log.values.get(topics.TICKS.name, [])]
    bad = sum(not _is_possible(each) for each in at_ns)
    assert len(log.values.get(topics.DEADLETTERS.name, [])) == 3 * bad
    assert b"".join(lines).count(b'"type":"rejected"') == 3 * bad
    assert any(isinstance(record, FeedStatus) for record in read) == (bad < len(at_ns))
    labels = {"feed": "test", "reason": "implausible_instant"}
    assert registry.get_sample_value("convex_ingestor_ticks_rejected_total", labels) == 3 * bad


@given(times=st.lists(st.tuples(_int64, _int64), min_size=1, max_size=20))
def test_ticks_with_any_instants_are_published_readable_or_rejected(times: list[tuple[int, int]]) -> None:
    log, registry = _Log(), CollectorRegistry()
    sink = log.sink(registry)
    lines: list[bytes] = []
    printed = PrintedSink(lines.append)
    batch = replace(
        quotes(*(100.0 + number for number in range(len(times)))),
        ts_event_ns=np.array([event for event, _ in times], dtype=np.int64),
        ts_received_ns=np.array([received for _, received in times], dtype=np.int64),
    )
    sink.put_ticks(batch)
    printed.put_ticks(batch)
    asyncio.run(_sent(sink))
    asyncio.run(_sent(printed))

    read = [decode_tick_record(value) for value in log.values.get(topics.TICKS.name, [])]
    bids = [bid for record in read if isinstance(record, QuoteBatch) for bid in record.bid.tolist()]
    good = [100.0 + number for number, both in enumerate(times) if _is_possible(*both)]
    assert bids == good
    assert b"".join(lines).count(b'"type":"quote"') == len(good)
    assert (topics.DEADLETTERS.name in log.values) == (len(good) < len(times))


def test_a_record_that_cannot_be_encoded_is_counted_and_those_behind_it_are_published() -> None:
    log, registry = _Log(), CollectorRegistry()
    sink = log.sink(registry)
    sink.put_feed_fault(replace(fault(5), detail="a\ud800"))
    sink.put_status(status(6))
    asyncio.run(_sent(sink))

    (value,) = log.values[topics.TICKS.name]
    assert decode_tick_record(value) == status(6)
    labels = {"topic": topics.TICKS.name}
    assert registry.get_sample_value("convex_ingestor_records_unencodable_total", labels) == 1.0
