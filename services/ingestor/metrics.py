"""The ingestor's metrics; every known label is created at zero."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from services.ingestor.core.connection_health import FeedCondition
from services.ingestor.core.send_queue import Dropped
from services.ingestor.macro_metrics import MacroMetrics
from services.ingestor.rejected_reasons import REJECTED_REASONS
from shared.domain.ticks import AuthorityReason, FeedFaultKind
from shared.version import CODE_VERSION

RECONNECT_REASONS: Final = (
    "closed",
    "refused",
    "unreachable",
    "idle",
    "rejected",
    "ack_timeout",
    "no_first_data",
    "no_data",
    "too_many_bad_frames",
    "rotated",
)
RECORD_KINDS: Final = ("quotes", "trades", "status", "bars", "authority", "fault")
BAR_OUTCOMES: Final = (
    "new",
    "unchanged",
    "corrected",
    "adjusted",
    "rejected",
    "side_fields_dropped",
    "action_ignored",
    "missing",
    "held",
    "duplicate",
    "extra_session",
    "no_trade",
    "partial_volume",
)
DEAD_LETTER_REASONS: Final = REJECTED_REASONS
# From a colocated venue to a feed that is minutes behind.
_DELAY_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class IngestorMetrics:
    """Counts what comes in, what goes out and what is lost.

    Parameters
    ----------
    feeds
        Names of the feeds that run in this process, such as ``kraken``.
    instruments
        Every instrument of every pair.
    streams
        The feeds of each instrument that ticks. The feeds of one venue share a name; the metrics that show a
        silent one have the label ``instrument`` too, so that it is not hidden by another that ticks.
    macro_series
        Every macro series, such as ``fred:DFII10``.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        feeds: Iterable[str],
        instruments: Iterable[str],
        streams: Mapping[str, tuple[str, ...]],
        macro_series: Iterable[str] = (),
    ) -> None:
        feeds, instruments = tuple(feeds), tuple(instruments)
        self.build = Info("convex_build", "Version of the code.", registry=registry)
        self.build.info({"version": CODE_VERSION, "service": "ingestor"})
        self.ticks_received = Counter(
            "convex_ingestor_ticks_received_total", "Usable ticks.", ["feed"], registry=registry
        )
        self.ticks_rejected = Counter(
            "convex_ingestor_ticks_rejected_total",
            "Frames and ticks rejected.",
            ["feed", "reason"],
            registry=registry,
        )
        self.ticks_duplicate = Counter(
            "convex_ingestor_ticks_duplicate_total", "Ticks seen before.", ["feed"], registry=registry
        )
        self.ticks_dropped = Counter(
            "convex_ingestor_ticks_dropped_total",
            "Ticks dropped because Kafka did not take them in time.",
            ["instrument", "kind"],
            registry=registry,
        )
        self.queued_ticks = Gauge(
            "convex_ingestor_queued_ticks", "Ticks that wait for Kafka.", ["instrument"], registry=registry
        )
        self.tick_delay = Histogram(
            "convex_ingestor_tick_delay_seconds",
            "From the venue's event time to our receive time; live feeds only.",
            ["feed"],
            buckets=_DELAY_BUCKETS,
            registry=registry,
        )
        self.last_tick = Gauge(
            "convex_ingestor_last_tick_timestamp_seconds",
            "When the last tick was received.",
            ["feed", "instrument"],
            registry=registry,
        )
        self.feed_connected = Gauge(
            "convex_ingestor_feed_connected", "1 while data flows.", ["feed", "instrument"], registry=registry
        )
        self.feed_open = Gauge(
            "convex_ingestor_feed_open",
            "1 while the instrument's market trades, whether or not ticks arrive.",
            ["feed", "instrument"],
            registry=registry,
        )
        self.feed_reconnects = Counter(
            "convex_ingestor_feed_reconnects_total",
            "Connections ended.",
            ["feed", "reason"],
            registry=registry,
        )
        self.unknown_frames = Counter(
            "convex_ingestor_unknown_frames_total",
            "Frames of an unknown type; ignored.",
            ["feed"],
            registry=registry,
        )
        self.trade_gaps = Counter(
            "convex_ingestor_trade_gaps_total",
            "Gaps in the venue's trade ids, by whether they were filled.",
            ["feed", "outcome"],
            registry=registry,
        )
        self.missing_trades = Gauge(
            "convex_ingestor_missing_trades",
            "Trades that a venue's ids say are missing, and that are asked for.",
            ["feed", "instrument"],
            registry=registry,
        )
        self.feed_condition = Gauge(
            "convex_ingestor_feed_condition",
            "1 for the condition that the feed of an instrument is in, 0 for the others.",
            ["feed", "instrument", "condition"],
            registry=registry,
        )
        self.feed_restarts = Counter(
            "convex_ingestor_feed_restarts_total",
            "Feeds started again after an error that nobody expected.",
            ["feed"],
            registry=registry,
        )
        self.records_published = Counter(
            "convex_ingestor_records_published_total",
            "Records that Kafka acknowledged.",
            ["instrument", "kind"],
            registry=registry,
        )
        self.records_unencodable = Counter(
            "convex_ingestor_records_unencodable_total",
            "Records that could not be encoded.",
            ["topic"],
            registry=registry,
        )
        self.lease_held = Gauge(
            "convex_ingestor_lease_held",
            "1 while this ingestor runs the feeds; always 1 where it is the only one.",
            registry=registry,
        )
        self.publish_failures = Counter(
            "convex_ingestor_publish_failures_total",
            "Sends that Kafka did not acknowledge; each is tried again.",
            ["topic"],
            registry=registry,
        )
        self.bars_received = Counter(
            "convex_ingestor_bars_received_total",
            "Bars pulled.",
            ["instrument", "outcome"],
            registry=registry,
        )
        self.sessions_missing = Gauge(
            "convex_ingestor_sessions_missing",
            "Sessions whose bar the provider does not have, after an hour of requests.",
            ["instrument"],
            registry=registry,
        )
        self.closes_held = Gauge(
            "convex_ingestor_closes_held",
            "Closes that are not used yet because nothing explains them.",
            ["instrument"],
            registry=registry,
        )
        self.closes_disagree = Gauge(
            "convex_ingestor_closes_disagree",
            "Recent closes that differ between the two configured sources.",
            ["instrument"],
            registry=registry,
        )
        self.bars_refused = Gauge(
            "convex_ingestor_bars_refused",
            "1 while a provider of bars counts as refusing us for good.",
            ["feed", "instrument"],
            registry=registry,
        )
        self.pull_failures = Counter(
            "convex_ingestor_pull_failures_total",
            "Failed requests for history and bars.",
            ["feed"],
            registry=registry,
        )
        self.last_bar_session = Gauge(
            "convex_ingestor_last_bar_session_timestamp_seconds",
            "Midnight UTC of the newest bar's session label.",
            ["instrument"],
            registry=registry,
        )
        self.dead_lettered = Counter(
            "convex_kafka_dead_lettered_total",
            "Input published as a dead letter.",
            ["topic", "reason"],
            registry=registry,
        )
        self.dead_letters_dropped = Counter(
            "convex_ingestor_dead_letters_dropped_total",
            "Dead letters lost while Kafka was unreachable.",
            registry=registry,
        )
        self.macro = MacroMetrics(registry, series=macro_series)
        self.recording_dropped = Counter(
            "convex_ingestor_recording_dropped_total",
            "Frames and answers that are missing in the recording.",
            registry=registry,
        )
        self.closures_inferred = Gauge(
            "convex_ingestor_closures_inferred",
            "Recent days that count as closed because nobody has a trade of them; not declared.",
            registry=registry,
        )
        self.ticks_standby = Counter(
            "convex_ingestor_ticks_standby_total",
            "Ticks of a feed that its instrument's are not taken from; only compared.",
            ["feed"],
            registry=registry,
        )
        self.feed_authoritative = Gauge(
            "convex_ingestor_feed_authoritative",
            "1 while the instrument's ticks are taken from the feed.",
            ["instrument", "feed"],
            registry=registry,
        )
        self.feed_switches = Counter(
            "convex_ingestor_feed_switches_total",
            "A feed became the one that the instrument's ticks are taken from.",
            ["instrument", "reason"],
            registry=registry,
        )
        self.feed_disagrees = Gauge(
            "convex_ingestor_feed_disagrees",
            "1 while the feed's price contradicts most others of the instrument.",
            ["instrument", "feed"],
            registry=registry,
        )
        self.feed_faults = Gauge(
            "convex_ingestor_feed_fault",
            "1 while such a fault of the instrument's data is open.",
            ["instrument", "fault"],
            registry=registry,
        )
        self.basis_ratio = Gauge(
            "convex_ingestor_basis_ratio",
            "By which fraction the price of the feed that ticks are taken from is above this feed's: the "
            "median of half an hour.",
            ["instrument", "feed"],
            registry=registry,
        )
        for feed in feeds:
            self._start_feed(feed)
        for instrument, names in streams.items():
            for feed in names:
                self._start_stream(feed, instrument)
        for instrument in instruments:
            self._start_instrument(instrument)
        for topic in ("ticks.v1", "bars.v1", "macro.v1", "deadletters.v1"):
            self.publish_failures.labels(topic)
            self.records_unencodable.labels(topic)

    def follow_lease(self, is_held: Callable[[], bool]) -> None:
        """Show at each scrape whether this ingestor runs the feeds."""
        self.lease_held.set_function(is_held)

    def _start_stream(self, feed: str, instrument: str) -> None:
        for metric in (self.last_tick, self.feed_connected, self.feed_open, self.missing_trades):
            metric.labels(feed, instrument)
        for condition in FeedCondition:
            self.feed_condition.labels(feed, instrument, condition)
        for choice in (self.feed_authoritative, self.feed_disagrees):
            choice.labels(instrument, feed)
        for reason in AuthorityReason:
            self.feed_switches.labels(instrument, reason)
        for fault in FeedFaultKind:
            self.feed_faults.labels(instrument, fault)

    def _start_instrument(self, instrument: str) -> None:
        self.queued_ticks.labels(instrument)
        self.last_bar_session.labels(instrument)
        for dropped in Dropped:
            self.ticks_dropped.labels(instrument, dropped)
        for kind in RECORD_KINDS:
            self.records_published.labels(instrument, kind)
        for gauge in (self.sessions_missing, self.closes_held, self.closes_disagree):
            gauge.labels(instrument)
        for outcome in BAR_OUTCOMES:
            self.bars_received.labels(instrument, outcome)

    def _start_feed(self, feed: str) -> None:
        for metric in (
            self.ticks_received,
            self.ticks_duplicate,
            self.ticks_standby,
            self.tick_delay,
            self.unknown_frames,
            self.pull_failures,
            self.feed_restarts,
        ):
            metric.labels(feed)
        for reason in REJECTED_REASONS:
            self.ticks_rejected.labels(feed, reason)
            self.dead_lettered.labels(f"feed:{feed}", reason)
        for reason in RECONNECT_REASONS:
            self.feed_reconnects.labels(feed, reason)
        for outcome in ("filled", "unfillable"):
            self.trade_gaps.labels(feed, outcome)
