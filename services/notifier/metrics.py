"""The notifier's metrics; every label is known at the start and begins at zero."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from services.notifier.core.attempt_result import Deferred, Delivered, FailureReason, Gone, Rejected, Unknown
from services.notifier.core.deliveries import Backlog
from services.notifier.core.notices import Notice, ReceiverCondition
from services.notifier.core.routing import Suppression
from shared.domain.deliveries import Channel
from shared.domain.instants import NS_PER_SECOND
from shared.kafka.topics import DELIVERIES
from shared.version import CODE_VERSION

# From a local receiver to the longest timeout that can be set.
_DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0)
# The same, extended to deliveries that were deferred for hours.
_DELAY_BUCKETS = (*_DURATION_BUCKETS, 300.0, 1_800.0, 7_200.0, 43_200.0, 86_400.0)
ATTEMPT_OUTCOMES = tuple(result.name for result in (Delivered, Deferred, Rejected, Gone, Unknown))
DEAD_LETTER_REASONS = (
    "empty",
    "not_json",
    "not_object",
    "unknown_schema",
    "schema_mismatch",
    "too_large",
    "bad_identity",
    "bad_sequence",
    "bad_instant",
    "bad_text",
    "internal",
)
# What `services.notifier.api` answers with.
API_STATUSES = (200, 400, 401, 404, 405, 429, 503)
UNENCODABLE = "unencodable"


class NotifierMetrics:
    """The notifier's metrics on a registry.

    Parameters
    ----------
    registry
        The registry that ``/metrics`` exports.
    topic
        The topic that is consumed.
    """

    def __init__(self, registry: CollectorRegistry, *, topic: str) -> None:
        self.build = Info("convex_build", "Which code runs.", registry=registry)
        self.build.info({"version": CODE_VERSION, "service": "notifier"})
        self.notifications = Counter(
            "convex_notifier_notifications",
            "Deliveries that were planned.",
            ["channel"],
            registry=registry,
        )
        self.suppressed = Counter(
            "convex_notifier_notifications_suppressed",
            "Subscriptions that did not get an event.",
            ["reason"],
            registry=registry,
        )
        self.failed = Counter(
            "convex_notifier_notifications_failed",
            "Deliveries that ended without having been delivered.",
            ["channel", "reason"],
            registry=registry,
        )
        self.attempts = Counter(
            "convex_notifier_delivery_attempts",
            "Attempts to deliver.",
            ["channel", "outcome"],
            registry=registry,
        )
        self.attempt_duration = Histogram(
            "convex_notifier_delivery_duration_seconds",
            "Time that one attempt took.",
            ["channel"],
            buckets=_DURATION_BUCKETS,
            registry=registry,
        )
        self.event_to_delivery = Histogram(
            "convex_notifier_event_to_delivery_seconds",
            "Time from the event's publication until the receiver accepted it.",
            ["channel"],
            buckets=_DELAY_BUCKETS,
            registry=registry,
        )
        self.pending = Gauge(
            "convex_notifier_pending_deliveries",
            "Deliveries that have not ended.",
            ["channel"],
            registry=registry,
        )
        self.oldest_pending = Gauge(
            "convex_notifier_oldest_pending_timestamp_seconds",
            "When the event of the oldest pending delivery was received; NaN while none is pending.",
            ["channel"],
            registry=registry,
        )
        self.internal_errors = Counter(
            "convex_notifier_internal_errors",
            "Attempts that failed by a fault of this program.",
            ["channel"],
            registry=registry,
        )
        self.commit_seconds = Histogram(
            "convex_notifier_store_commit_seconds",
            "Time in which results of attempts were stored in one transaction.",
            buckets=_DURATION_BUCKETS,
            registry=registry,
        )
        self.store_available = Gauge(
            "convex_notifier_store_available",
            "1 while the delivery store can be written; nothing is sent while it cannot.",
            registry=registry,
        )
        self.store_behind = Counter(
            "convex_notifier_store_behind",
            "Times that a partition of the log was ahead of a store that was deleted or restored.",
            registry=registry,
        )
        self.relay_usable = Gauge(
            "convex_notifier_relay_usable",
            "0 while the mail server cannot be reached or refuses this notifier; mails wait.",
            registry=registry,
        )
        self.receivers_paused = Gauge(
            "convex_notifier_receivers_paused",
            "Receivers that fail and get only single messages, to find out whether they are well again.",
            ["channel"],
            registry=registry,
        )
        self.receivers_gone = Gauge(
            "convex_notifier_receivers_gone",
            "Receivers of the subscriptions file that want no more messages.",
            registry=registry,
        )
        self.notices = Counter(
            "convex_notifier_notices",
            "Changes of receivers: failing, works again, gone; whether their owner gets a mail.",
            ["condition", "is_mailed"],
            registry=registry,
        )
        self.api_requests = Counter(
            "convex_notifier_api_requests",
            "Requests for GET /v1/events, by the status of the answer.",
            ["status"],
            registry=registry,
        )
        self.ready = Gauge(
            "convex_notifier_ready_deliveries",
            "Deliveries that wait in memory.",
            ["channel"],
            registry=registry,
        )
        self.dead_lettered = Counter(
            "convex_kafka_dead_lettered",
            "Records that could not be processed and were kept as dead letters.",
            ["topic", "reason"],
            registry=registry,
        )
        self.lag = Gauge(
            "convex_kafka_consumer_lag_records",
            "Records that are in the log and not read yet.",
            ["topic", "partition"],
            registry=registry,
        )
        self.store_available.set(1)
        self.relay_usable.set(1)
        for reason in DEAD_LETTER_REASONS:
            self.dead_lettered.labels(topic, reason)
        self.dead_lettered.labels(DELIVERIES.name, UNENCODABLE)
        for condition in ReceiverCondition:
            for is_mailed in (False, True):
                self.notices.labels(condition.value, str(is_mailed).lower())
        for status in API_STATUSES:
            self.api_requests.labels(str(status))
        for suppression in Suppression:
            self.suppressed.labels(suppression.value)
        for channel in (each.value for each in Channel):
            self.notifications.labels(channel)
            self.attempt_duration.labels(channel)
            self.internal_errors.labels(channel)
            self.receivers_paused.labels(channel).set(0)
            self.ready.labels(channel).set(0)
            self.event_to_delivery.labels(channel)
            self.pending.labels(channel).set(0)
            self.oldest_pending.labels(channel).set(float("nan"))
            for outcome in ATTEMPT_OUTCOMES:
                self.attempts.labels(channel, outcome)
            for failure in FailureReason:
                self.failed.labels(channel, failure.value)

    def count_attempt(self, channel: Channel, *, outcome: str, duration_seconds: float) -> None:
        """Count one attempt."""
        self.attempts.labels(channel.value, outcome).inc()
        self.attempt_duration.labels(channel.value).observe(duration_seconds)

    def count_delivered(self, channel: Channel, *, since_event_seconds: float) -> None:
        """Count a delivery that its receiver accepted."""
        self.event_to_delivery.labels(channel.value).observe(max(since_event_seconds, 0.0))

    def count_failed(self, channel: Channel, *, reason: str, count: int) -> None:
        """Count deliveries that ended without having been delivered."""
        self.failed.labels(channel.value, reason).inc(count)

    def set_queue(self, channel: Channel, *, ready: int, paused: int) -> None:
        """Set how much waits in memory, and how many receivers are paused."""
        self.ready.labels(channel.value).set(ready)
        self.receivers_paused.labels(channel.value).set(paused)

    def set_relay_usable(self, is_usable: bool) -> None:
        """Set whether the mail server takes mails."""
        self.relay_usable.set(is_usable)

    def set_store_available(self, is_available: bool) -> None:
        """Set whether the store can be written."""
        self.store_available.set(is_available)

    def set_gone(self, count: int) -> None:
        """Set how many receivers want no more messages."""
        self.receivers_gone.set(count)

    def count_notice(self, notice: Notice, is_mailed: bool) -> None:
        """Count a change of a receiver."""
        self.notices.labels(notice.condition.value, str(is_mailed).lower()).inc()

    def count_api_request(self, status: int) -> None:
        """Count an answer of the API."""
        self.api_requests.labels(str(status)).inc()

    def count_unencodable(self) -> None:
        """Count an outcome that became a dead letter."""
        self.dead_lettered.labels(DELIVERIES.name, UNENCODABLE).inc()

    def set_backlog(self, backlog: Iterable[Backlog]) -> None:
        """Set how many deliveries are pending; a channel without an entry has none."""
        waiting = {each.channel: each for each in backlog}
        for channel in Channel:
            each = waiting.get(channel)
            self.pending.labels(channel.value).set(each.count if each else 0)
            oldest = each.oldest_received_at_ns / NS_PER_SECOND if each else float("nan")
            self.oldest_pending.labels(channel.value).set(oldest)
