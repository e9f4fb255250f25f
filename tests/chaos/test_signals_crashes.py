"""The power goes off before or after any acknowledgement, again and again: the output is the same."""

import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from prometheus_client import CollectorRegistry

from services.signals.false_alarms.loading import load_false_alarms
from services.signals.metrics import SignalsMetrics
from services.signals.rules_file import load_rules_of_pairs
from services.signals.worker import Worker
from shared.calendars import xnys_calendar
from shared.clock import SystemClock
from shared.config import KafkaSettings
from shared.kafka import topics
from shared.kafka.publisher import Message, Published, Publisher
from tests.support.direct_engine import run_directly
from tests.support.log_records import cut_in_batches, log_records
from tests.support.market_log import RULES, Market, cut, pairs
from tests.support.paced_feed import PARTITIONS, partition_of
from tests.support.whole_output import assert_output_is

_T = TypeVar("_T")

pytestmark = [pytest.mark.chaos, pytest.mark.slow]

_SEED = 1
# Records that are acknowledged between two cuts, on average.
_BETWEEN = 15
# Records in a batch, at most: a batch has often more effects than one lifetime of the worker.
_BATCH = 8


class _PowerCut(Exception):
    """The process ends here."""


class _DyingPublisher(Publisher):
    """Ends the process before or after a record, whichever it is; snapshots do not count."""

    left = 0
    is_after = False
    # False: every batch is too large, so its records are published one by one.
    has_room = True

    async def publish_in_order(self, messages: Sequence[Message]) -> list[Published]:
        """Publish one after the other, so that the power can be cut between any two."""
        return [
            await self.publish(each.topic, key=each.key, value=each.value, headers=each.headers)
            for each in messages
        ]

    async def publish_as_one(self, messages: Sequence[Message], *, partition: int) -> Published | None:
        """Publish all or, if the power is cut first, none."""
        if not self.has_room:
            return None
        return await self._until_cut(
            lambda: super(_DyingPublisher, self).publish_as_one(messages, partition=partition)
        )

    async def publish(self, topic: str, **record: Any) -> Published:
        """Publish, unless the power is cut first."""
        if topic == topics.SIGNALS.name:
            return await super().publish(topic, **record)
        return await self._until_cut(lambda: super(_DyingPublisher, self).publish(topic, **record))

    async def publish_batched(
        self, topic: str, records: Sequence[tuple[str, bytes]], *, partition: int | None = None
    ) -> None:
        """Publish all or, if the power is cut first, none."""
        await self._until_cut(
            lambda: super(_DyingPublisher, self).publish_batched(topic, records, partition=partition)
        )

    async def _until_cut(self, publish: Callable[[], Awaitable[_T]]) -> _T:
        self.left -= 1
        if self.left > 0:
            return await publish()
        # Of those under way together, any can be the last.
        if self.is_after and self.left == 0:
            await publish()
        raise _PowerCut


async def test_power_cut_at_any_acknowledgement_changes_no_byte(embedded_broker: str, tmp_path: Path) -> None:
    rng = random.Random(_SEED)
    (tmp_path / "rules.toml").write_text(RULES)
    written = cut(Market(_SEED, count=2).told, seed=_SEED, most=20)
    expected = run_directly(written, pairs=pairs(), rules=tmp_path / "rules.toml", partition_of=partition_of)
    kafka = KafkaSettings(bootstrap_servers=embedded_broker, fetch_max_wait_ms=10)
    cuts = 0
    for partition in range(PARTITIONS):
        values = [value for lead, value in written if partition_of(lead) == partition]
        is_done = False
        while not is_done:
            async with _DyingPublisher(kafka, client_id="test") as publisher:
                publisher.left = 1 + int(rng.expovariate(1 / _BETWEEN))
                publisher.is_after = rng.random() < 0.5
                publisher.has_room = rng.random() < 0.5
                worker = _worker(kafka, publisher, tmp_path / "rules.toml")
                is_done = await _apply(worker, partition, values, rng)
                cuts += not is_done
                await worker.flush()
    assert cuts >= 50
    repeats = await assert_output_is(expected, embedded_broker)
    print(f"\n{len(expected.events)} events, {cuts} cuts, {repeats} repeats")


def _worker(kafka: KafkaSettings, publisher: Publisher, rules: Path) -> Worker:
    return Worker(
        kafka=kafka,
        publisher=publisher,
        pairs=pairs(),
        rules=load_rules_of_pairs(rules, [pair.name for pair in pairs()]),
        false_alarms=load_false_alarms(None),
        calendar=xnys_calendar(),
        metrics=SignalsMetrics(CollectorRegistry(), pairs=[pair.name for pair in pairs()]),
        clock=SystemClock(),
        checkpoint_every_records=10,
    )


async def _apply(worker: Worker, partition: int, values: list[bytes], rng: random.Random) -> bool:
    """Apply what is left of a partition; return False if the power was cut before its end."""
    start = (await worker.restore(frozenset({partition})))[partition]
    try:
        for batch in cut_in_batches(log_records(values)[start or 0 :], rng, most=_BATCH):
            await worker.process(partition, batch)
    except _PowerCut:
        return False
    return True
