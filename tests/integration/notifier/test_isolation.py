"""Nothing that one receiver or the relay does delays another receiver.

Two notifiers run side by side, and only one of them has receivers that misbehave. Messages to a receiver that
is well are timed at both by turns, so that a machine that is busy slows both.
"""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.config import KafkaSettings
from shared.kafka.publisher import Publisher
from tests.integration.notifier.conftest import email, notifier_settings, running_notifier, webhook
from tests.integration.notifier.test_events_to_receivers import publish
from tests.support.builders import divergence
from tests.support.hostile_http import (
    HostileServer,
    before_the_request,
)
from tests.support.hostile_smtp import HostileSmtp, Says
from tests.support.receivers import WebhookReceiver

NOISE = 'pairs = ["noise"]\n'
OK = b"HTTP/1.1 204 No Content\r\n\r\n"
# Generous: a median over a few rounds on a machine with other work.
MOST_GROWTH = 2.0
LONGEST_SECONDS = 1.0


@pytest.fixture
async def kafka(embedded_kafka: KafkaSettings) -> AsyncIterator[Publisher]:
    async with Publisher(embedded_kafka, client_id="test") as publisher:
        yield publisher


@dataclass(kw_only=True)
class Neighbours:
    """Two receivers that are well: one beside those that misbehave, one far from them."""

    kafka: Publisher
    receivers: dict[str, WebhookReceiver]
    notifier: asyncio.Task[None]
    taken: dict[str, list[float]] = field(default_factory=lambda: {"near": [], "far": []})
    number: int = 0

    async def make_noise(self, count: int = 1) -> None:
        """Publish events for those that misbehave."""
        for _ in range(count):
            await self._publish("noise")

    async def time(self, count: int) -> None:
        """Time messages to both by turns."""
        for pair in ("near", "far") * count:
            receiver, taken = self.receivers[pair], self.taken[pair]
            began = time.perf_counter()
            await self._publish(pair)
            await receiver.wait_for(len(taken) + 1)
            taken.append(time.perf_counter() - began)

    def check(self) -> None:
        """Fail if the one near those that misbehave had to wait for them."""
        near, far = (statistics.median(self.taken[pair]) for pair in ("near", "far"))
        assert near < max(MOST_GROWTH * far, 0.05), f"median {near:.3f} s beside them, {far:.3f} s far away"
        slowest = sorted(self.taken["near"])[-2]
        assert slowest < LONGEST_SECONDS
        assert not self.notifier.done()

    async def _publish(self, pair: str) -> None:
        self.number += 1
        await publish(self.kafka, divergence(onset=f"event {self.number}", sequence=self.number, pair=pair))


@contextlib.asynccontextmanager
async def neighbours_of(
    tables: Sequence[str], settings: KafkaSettings, kafka: Publisher, folder: Path, **changes: Any
) -> AsyncIterator[Neighbours]:
    """Run a notifier with tables of receivers that misbehave, and one without."""
    async with WebhookReceiver() as near, WebhookReceiver() as far:
        for name in ("near", "far"):
            (folder / name).mkdir()
        with_them = notifier_settings(
            folder / "near",
            *(table + NOISE for table in tables),
            webhook("well", near.url, 'pairs = ["near"]\n'),
            **changes,
        )
        without = notifier_settings(
            folder / "far", webhook("well", far.url, 'pairs = ["far"]\n'), group="far"
        )
        async with contextlib.AsyncExitStack() as stack:
            with capture_logs() as logs:
                notifier = await stack.enter_async_context(running_notifier(settings, with_them))
                # One after the other: Alembic migrates one database of a process at a time.
                while not any(line["event"] == "notifier_started" for line in logs):  # noqa: ASYNC110 - a log only
                    await asyncio.sleep(0.02)
            await stack.enter_async_context(running_notifier(settings, without))
            yield Neighbours(kafka=kafka, receivers={"near": near, "far": far}, notifier=notifier)


async def test_hanging_endpoints_and_a_hanging_relay_delay_nobody(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    async with (
        HostileServer(before_the_request(end="hold")) as server,
        HostileSmtp({"greeting": Says(wait_seconds=3_600)}) as relay,
    ):
        tables = [
            *(webhook(f"h{number}", f"{server.url}/{number}") for number in range(40)),
            *(email(f"m{number}", f"m{number}@example.com") for number in range(40)),
        ]
        async with neighbours_of(
            tables, embedded_kafka, kafka, tmp_path, mail_port=relay.port
        ) as all_of_them:
            await all_of_them.time(3)
            await all_of_them.make_noise(3)
            await all_of_them.time(30)
            all_of_them.check()
    assert server.connections >= 40
    assert relay.connections >= 1


async def test_more_hanging_endpoints_than_may_be_in_flight_delay_nobody(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    async with HostileServer(before_the_request(end="hold")) as server:
        tables = [webhook(f"h{number}", f"{server.url}/{number}") for number in range(60)]
        async with neighbours_of(
            tables, embedded_kafka, kafka, tmp_path, max_concurrent_webhooks=32, request_timeout_seconds=4
        ) as all_of_them:
            await all_of_them.time(3)
            await all_of_them.make_noise()
            await all_of_them.time(30)
            await asyncio.sleep(4)
            await all_of_them.time(10)
            all_of_them.check()
    assert server.connections >= 16
