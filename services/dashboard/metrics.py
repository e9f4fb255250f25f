"""The metrics of the dashboard."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Info

from shared.version import CODE_VERSION

REJECTIONS: Final = ("undecodable", "implausible", "unknown_pair")
DROPS: Final = ("slow",)


class DashboardMetrics:
    """Count on a given registry; every label is there from the start, at zero.

    Parameters
    ----------
    topics, pairs
        The labels there can be.
    """

    def __init__(
        self, registry: CollectorRegistry, *, topics: tuple[str, ...], pairs: tuple[str, ...]
    ) -> None:
        Info("convex_build", "Which code this is.", registry=registry).info(
            {"version": CODE_VERSION, "service": "dashboard"}
        )
        self.records = Counter(
            "convex_dashboard_records_total", "Records read.", ["topic"], registry=registry
        )
        self.rejected = Counter(
            "convex_dashboard_records_rejected_total",
            "Records that could not be used.",
            ["topic", "reason"],
            registry=registry,
        )
        self.snapshot_at = Gauge(
            "convex_dashboard_last_snapshot_timestamp_seconds",
            "Wall time at which the latest snapshot was published; 0 before the first.",
            ["pair"],
            registry=registry,
        )
        self.connected = Gauge(
            "convex_dashboard_kafka_connected", "1 while Kafka answers.", registry=registry
        )
        self.lag = Gauge(
            "convex_dashboard_consumer_lag_records",
            "Records behind the topic's end.",
            ["topic"],
            registry=registry,
        )
        self.streams = Gauge("convex_dashboard_streams", "Open live connections.", registry=registry)
        self.streams_refused = Counter(
            "convex_dashboard_streams_refused_total",
            "Live connections refused because the limit was reached.",
            registry=registry,
        )
        self.streams_dropped = Counter(
            "convex_dashboard_streams_dropped_total",
            "Live connections that the dashboard ended because the client did not read.",
            ["reason"],
            registry=registry,
        )
        for topic in topics:
            self.records.labels(topic)
            self.lag.labels(topic)
            for reason in REJECTIONS:
                self.rejected.labels(topic, reason)
        for pair in pairs:
            self.snapshot_at.labels(pair)
        for reason in DROPS:
            self.streams_dropped.labels(reason)
