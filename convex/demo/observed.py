"""Count the records of the topics, the mails and the webhooks, and measure the time from tick to webhook."""

from collections import deque
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from rich.markup import escape

from convex.demo.sinks import ReceivedMail, ReceivedWebhook
from convex.demo.wording import happened
from shared.config import KafkaSettings
from shared.contracts.records import DIVERGENCES, SIGNALS
from shared.contracts.ticks import decode_tick_record
from shared.domain.snapshots import PairSnapshot
from shared.domain.ticks import QuoteBatch, TradeBatch
from shared.kafka import topics
from shared.kafka.clients import make_reader

_WATCHED = (topics.TICKS, topics.BARS, topics.SIGNALS, topics.DIVERGENCES)


@dataclass(slots=True)
class Observed:
    """What was observed so far.

    Parameters
    ----------
    snapshots
        The latest of each pair, by its name.
    news
        The latest lines for people, newest last.
    unprinted
        The lines that were not printed yet.
    """

    ticks: int = 0
    bars: int = 0
    divergences: int = 0
    emails: int = 0
    webhooks: int = 0
    unverified: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    snapshots: dict[str, PairSnapshot] = field(default_factory=dict)
    news: deque[str] = field(default_factory=lambda: deque(maxlen=14))
    unprinted: deque[str] = field(default_factory=lambda: deque(maxlen=1_000))
    _received_ns: dict[str, int] = field(default_factory=dict)
    _arrived_ns: dict[str, int] = field(default_factory=dict)

    def add_news(self, line: str) -> None:
        """Add a line to the news."""
        self.news.append(line)
        self.unprinted.append(line)

    def take_mail(self, mail: ReceivedMail) -> None:
        """Count a mail."""
        self.emails += 1
        self.add_news(f"[cyan]e-mail[/]      to {mail.recipient}: {mail.subject}")

    def take_webhook(self, webhook: ReceivedWebhook) -> None:
        """Count a webhook; one that does not verify does not count."""
        if not webhook.is_verified:
            self.unverified += 1
            self.add_news(f"[red]webhook[/]     {webhook.event_id}: signature does not verify")
            return
        self.webhooks += 1
        self._arrived_ns[webhook.event_id] = webhook.received_ns
        self._measure(webhook.event_id)
        self.add_news(f"[green]webhook[/]     {webhook.event_type} {webhook.event_id}: signature verified")

    def take_record(self, record: ConsumerRecord) -> None:
        """Count a record of a watched topic."""
        if record.topic == topics.TICKS.name:
            batch = decode_tick_record(record.value)
            if isinstance(batch, QuoteBatch | TradeBatch):
                self.ticks += len(batch.ts_event_ns)
        elif record.topic == topics.BARS.name:
            self.bars += 1
        elif record.topic == topics.SIGNALS.name:
            snapshot = SIGNALS.decode(record.value)
            self.snapshots[snapshot.pair] = snapshot
        else:
            self.divergences += 1
            event = DIVERGENCES.decode(record.value)
            received = dict(record.headers).get("ts_received_ns")
            if received is not None:
                self._received_ns[event.event_id] = int(received)
                self._measure(event.event_id)
            self.add_news(f"[bold yellow]divergence[/]  {escape(happened(event))}")

    def summary(self) -> dict[str, object]:
        """Return the counts and the latency from tick to webhook, in milliseconds."""
        return {
            "ticks": self.ticks,
            "bars": self.bars,
            "divergences": self.divergences,
            "emails": self.emails,
            "webhooks": self.webhooks,
            "latency_ms": {
                "p50": _percentile(self.latencies_ms, 0.50),
                "p99": _percentile(self.latencies_ms, 0.99),
            },
        }

    def _measure(self, event_id: str) -> None:
        received, arrived = self._received_ns.get(event_id), self._arrived_ns.get(event_id)
        if received is not None and arrived is not None:
            self.latencies_ms.append((arrived - received) / 1e6)


async def observe(settings: KafkaSettings, observed: Observed) -> None:
    """Read the watched topics from their beginning until cancelled."""
    consumer: AIOKafkaConsumer = make_reader(settings, client_id="convex-demo")
    # Without a group it is assigned every partition, from the beginning.
    consumer.subscribe([topic.name for topic in _WATCHED])
    await consumer.start()
    try:
        while True:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    observed.take_record(record)
    finally:
        await consumer.stop()


def _percentile(values: list[float], share: float) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)
