"""Answer from Kafka: the lead's log is replayed, and the events and deliveries that came of it are looked up.

Order of reading:

1. ``ticks.v1`` from its beginning to one session after the instant, through the engine;
2. ``divergences.v1`` for the events of the pair near the instant, and for the newest of each kind before it;
3. ``deliveries.v1`` for what became of those events.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

from convex.lead_log import LeadLog, OnProgress, open_log
from convex.record_reader import RecordReader
from convex.why_not.asked_instant import AskedInstant
from convex.why_not.inquiry import Findings, Inquiry
from convex.why_not.published import Published, as_published
from services.signals.core.engine_config import EngineConfig
from shared.config import KafkaSettings
from shared.contracts.envelope import Contract
from shared.contracts.records import DELIVERIES as DELIVERIES_CONTRACT
from shared.contracts.records import DIVERGENCES as DIVERGENCES_CONTRACT
from shared.domain.deliveries import DeliveryOutcome
from shared.domain.divergences import Direction, DivergenceEvent, Kind, Transition
from shared.domain.instants import parse_rfc3339
from shared.domain.pairs import Pair
from shared.errors import DataError
from shared.kafka.topics import DELIVERIES, DIVERGENCES, Topic

# Event time and wall time differ by seconds; a delivery may end days later.
_MOST_DELIVERIES: Final = 1_000


async def findings_of_kafka(
    asked: AskedInstant,
    settings: KafkaSettings,
    *,
    pair: Pair,
    config: EngineConfig,
    on_progress: OnProgress,
) -> tuple[Findings, Published, str]:
    """Replay the lead's log up to the instant and one session more, and look up what was published.

    Returns
    -------
    tuple
        What was found, what was published, and what was read, for people.

    Raises
    ------
    BrokerUnavailable
        If Kafka cannot be reached.
    ConfigError
        If there is no log of the pair, or the instant lies before or after it.
    """
    async with RecordReader(settings) as reader:
        log = await open_log(reader, pair)
        inquiry = Inquiry(asked, pair, config)
        async with aclosing(log.records(reader, on_progress)) as records:
            async for record in records:
                if inquiry.take(record):
                    break
        found = inquiry.findings(log.source)
        published = await _published(reader, log, found, inquiry.near_ns)
    return as_published(found, published), published, log.source


async def _published(
    reader: RecordReader, log: LeadLog, found: Findings, near_ns: tuple[int, int]
) -> Published:
    places: dict[str, str] = {}
    near: list[DivergenceEvent] = []
    opened: dict[str, DivergenceEvent] = {}
    newest: dict[tuple[Kind, Direction], DivergenceEvent] = {}
    async for record, event in _decoded(reader, DIVERGENCES, DIVERGENCES_CONTRACT):
        if event.pair != log.pair.name or event.type is Transition.TEST:
            continue
        at_ns = parse_rfc3339(event.occurred_at)
        if near_ns[0] <= at_ns <= near_ns[1]:
            near.append(event)
            places[event.event_id] = f"{DIVERGENCES.name}/{record.partition}/{record.offset}"
        if at_ns <= found.at_ns:
            newest[event.kind, event.direction] = event
            if event.type is Transition.OPEN:
                opened[event.divergence_id] = event
    deliveries: dict[str, list[DeliveryOutcome]] = {}
    if places:
        async for _, delivery in _decoded(reader, DELIVERIES, DELIVERIES_CONTRACT):
            known = deliveries.setdefault(delivery.event_id, []) if delivery.event_id in places else None
            if known is not None and len(known) < _MOST_DELIVERIES:
                known.append(delivery)
    return Published(
        source=DIVERGENCES.name,
        places=places,
        events=tuple(near),
        open_then={
            key: (event, opened.get(event.divergence_id))
            for key, event in newest.items()
            if not event.type.is_final
        },
        deliveries={event_id: tuple(each) for event_id, each in deliveries.items()},
    )


async def _decoded(
    reader: RecordReader, topic: Topic, contract: Contract[Any]
) -> AsyncGenerator[tuple[Any, Any]]:
    """Yield every record of a topic that can be decoded, one by one."""
    for partition in reader.partitions_of(topic.name):
        begin, end = await reader.bounds(topic.name, partition)
        async for record in reader.stretch(topic.name, partition, begin, until=end):
            try:
                yield record, contract.decode(record.value)
            except DataError:
                continue
