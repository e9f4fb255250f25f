"""A worker meets a topic that a worker of version 2 wrote, at a real Kafka wire."""

import json

import pytest
from prometheus_client import CollectorRegistry

from services.signals.checkpoint.reader import read_checkpoints
from services.signals.core.divergence.rules_by_pair import RulesByPair
from services.signals.false_alarms.loading import load_false_alarms
from services.signals.metrics import SignalsMetrics
from services.signals.worker import Worker
from shared.clock import SystemClock
from shared.config import KafkaSettings
from shared.contracts.ticks import encode_tick_record
from shared.kafka import topics
from shared.kafka.publisher import Publisher
from tests.golden.six_pairs import RULES, sessions
from tests.integration.signals.test_worker import values_of
from tests.support.builders_market import LEAD
from tests.support.log_records import log_records
from tests.support.old_topic import PAIRS, OldTopic, old_topics

CHOSEN = ("early_warning", "pair_retired", "pairs_ahead_of_lead")


@pytest.mark.parametrize(
    "topic", [each for each in old_topics() if each.name in CHOSEN], ids=lambda topic: topic.name
)
async def test_a_worker_goes_on_from_the_old_topic_and_writes_the_new_version(
    topic: OldTopic, embedded_broker: str
) -> None:
    kafka = KafkaSettings(bootstrap_servers=embedded_broker, fetch_max_wait_ms=10)
    last = min(topic.last_offset, topic.applied_offset + 500)
    async with Publisher(kafka, client_id="test") as publisher:
        partition = await publisher.partition_for(topics.TICKS.name, LEAD)
        for key, value in topic.records.items():
            await publisher.publish(topics.STATE.name, key=key, value=value, partition=partition)
        worker = Worker(
            kafka=kafka,
            publisher=publisher,
            pairs=PAIRS,
            rules=RulesByPair(general=RULES),
            false_alarms=load_false_alarms(None),
            calendar=sessions(),
            metrics=SignalsMetrics(CollectorRegistry(), pairs=[pair.name for pair in PAIRS]),
            clock=SystemClock(),
            checkpoint_every_records=200,
        )
        start = (await worker.restore(frozenset({partition})))[partition]
        # Nothing before is asked for: those records may have expired.
        assert start == topic.applied_offset + 1
        for offset in range(start, last + 1):
            value = encode_tick_record(topic.log()[offset])
            await worker.process(partition, log_records([value], first=offset))
        await worker.flush()

    published = [json.loads(value) for value in await values_of(embedded_broker, topics.DIVERGENCES.name)]
    # The rule of ratio stretches has a new field since version 2, so their ids are others.
    ids = [event["event_id"] for event in published if event["kind"] != "ratio_stretch"]
    assert len(ids) > 5
    assert set(ids) <= set(topic.event_ids)
    for pair in PAIRS:
        numbers = [event["sequence"] for event in published if event["pair"] == pair.name]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))

    states = await values_of(embedded_broker, topics.STATE.name)
    assert {json.loads(value)["v"] for value in states[len(topic.records) :]} == {6}
    read = (await read_checkpoints(kafka, frozenset({partition})))[partition]
    assert topic.applied_offset < read.leads[LEAD].applied_offset <= last
