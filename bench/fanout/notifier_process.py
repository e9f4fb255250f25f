"""The notifier as it is in production, with many subscriptions, its events and its memory."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.processes import require_running, running
from shared.config import KafkaSettings
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import DivergenceEvent
from shared.kafka import topics
from shared.kafka.clients import make_reader
from shared.kafka.publisher import Publisher
from tests.support.builders import divergence

SECRET = "whsec_" + "Y29udmV4LWJlbmNobWFyay1zZWNyZXQtMzItYnl0ZXM="
_PAIR = "gold-iwm"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SAMPLE_SECONDS = 0.02


def webhook_subscriptions(count: int, *, port: int) -> str:
    """Return the subscriptions file of many paths of one server."""
    return "".join(
        f'[[subscription]]\nname = "w{number}"\nchannel = "webhook"\n'
        f'url = "http://127.0.0.1:{port}/{number}"\nsecret_env = "BENCH_SECRET"\n'
        for number in range(count)
    )


def mail_subscriptions(count: int) -> str:
    """Return the subscriptions file of many addresses."""
    return "".join(
        f'[[subscription]]\nname = "m{number}"\nchannel = "email"\naddress = "r{number}@example.com"\n'
        for number in range(count)
    )


@contextmanager
def notifier(
    bootstrap: str, folder: Path, *, subscriptions: str, smtp_port: int = 0
) -> Iterator[tuple[int, Callable[[], None]]]:
    """Run it; yield its process id and a check that it still runs."""
    pairs, receivers, log = folder / "pairs.toml", folder / "subscriptions.toml", folder / "notifier.log"
    pairs.write_text(
        f'[[pair]]\nname = "{_PAIR}"\ntitle = "Gold vs IWM"\nlead = "XAU/USD.REPLAY"\nother = "IWM.REPLAY"\n'
        'lead_title = "Gold"\nother_title = "IWM"\nis_proxy = true\n'
    )
    receivers.write_text(subscriptions)
    environ = {
        "BENCH_SECRET": SECRET,
        "CONVEX_PAIRS": str(pairs),
        "CONVEX_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "CONVEX_KAFKA_PARTITIONS": "1",
        "CONVEX_NOTIFIER_DATABASE_URL": f"sqlite:///{folder}/notifier.db",
        "CONVEX_NOTIFIER_SUBSCRIPTIONS_FILE": str(receivers),
        "CONVEX_NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    if smtp_port:
        environ |= {
            "CONVEX_NOTIFIER_SMTP__HOST": "127.0.0.1",
            "CONVEX_NOTIFIER_SMTP__PORT": str(smtp_port),
            "CONVEX_NOTIFIER_SMTP__SECURITY": "none",
            "CONVEX_NOTIFIER_SMTP__SENDER": "Convex <convex@example.com>",
        }
    with running(["-m", "convex", "notifier"], environ, log) as process:
        try:
            yield process.pid, lambda: require_running(process, log)
        except Exception as error:
            error.add_note(f"notifier:\n{log.read_text()[-3000:]}")
            raise


def new_event(number: int) -> DivergenceEvent:
    """Return the opening of a divergence of its own, valid for hours."""
    not_after = datetime.now(UTC) + timedelta(hours=4)
    onset = datetime(2014, 5, 2, 12, 30, tzinfo=UTC) + timedelta(seconds=number)
    return divergence(
        pair=_PAIR,
        onset=onset.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        not_after=not_after.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    )


class EventLog:
    """Publish events, and see when all that follows from them is on record.

    Parameters
    ----------
    deliveries_per_event
        How many records of ``deliveries.v1`` follow from each event.
    """

    def __init__(self, kafka: KafkaSettings, *, deliveries_per_event: int) -> None:
        self._publisher = Publisher(kafka, client_id="bench")
        self._reader: AIOKafkaConsumer = make_reader(kafka, client_id="bench")
        self._deliveries_per_event = deliveries_per_event
        self._published = 0

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._publisher.__aenter__()
        await self._reader.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self._reader.stop()
        await self._publisher.__aexit__(kind, error, trace)

    async def publish(self) -> int:
        """Publish another event and return when that began, Unix nanoseconds."""
        self._published += 1
        value = DIVERGENCES.encode(new_event(self._published))
        began_ns = time.time_ns()
        await self._publisher.publish(topics.DIVERGENCES.name, key=_PAIR, value=value)
        return began_ns

    async def until_idle(self, check: Callable[[], None], *, seconds: float) -> None:
        """Wait until the outcome of each delivery so far is published."""
        expected = self._published * self._deliveries_per_event
        partition = TopicPartition(topics.DELIVERIES.name, 0)
        async with asyncio.timeout(seconds):
            while (await self._reader.end_offsets([partition]))[partition] < expected:
                check()
                await asyncio.sleep(0.1)


class ResidentPeak:
    """The most resident memory of a process while the block lasts."""

    def __init__(self, pid: int) -> None:
        self._statm = Path(f"/proc/{pid}/statm")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.peak_bytes = 0

    def __enter__(self) -> Self:
        """Begin to sample."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            pages = int(self._statm.read_text().split()[1])
            self.peak_bytes = max(self.peak_bytes, pages * _PAGE_BYTES)
