"""What operators see of signals."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from services.signals.core.divergence.state import Suppressed
from services.signals.core.kinds.registry import CLAIMS
from services.signals.core.legs.data_quality import QUARANTINED
from services.signals.core.outcomes.scoring import HORIZONS
from shared.domain.divergences import Direction, Transition
from shared.domain.snapshots import OutcomeSummary
from shared.kafka import topics
from shared.version import CODE_VERSION

# What a record may be dead-lettered for; each is created at zero.
DEAD_LETTER_REASONS: Final = (
    "empty",
    "not_json",
    "not_object",
    "unknown_schema",
    "unknown_type",
    "schema_mismatch",
    "not_positive",
    "outside_range",
    "crossed",
    "implausible_instant",
    "negative_volume",
)
SUPPRESSED: Final = (
    *(reason.value for reason in Suppressed),
    "bar_unchanged",
    "bar_outdated",
    "bar_provisional",
    "bar_no_session",
    *(f"bar_{cause.value}" for cause in QUARANTINED),
    "other_instrument",
    "close_sample_stale",
    "trade_superseded",
    "tick_behind_watermark",
    "tick_implausible",
    "tick_outside_session",
    "tick_of_other_feed",
    "status_of_other_feed",
    "authority_assumed",
    "event_time_went_back",
    "no_pair",
)
CORRELATION_WINDOWS: Final = ("20", "60", "90", "252")
LEGS: Final = (Direction.LEAD, Direction.OTHER)
_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class SignalsMetrics:
    """Metrics on a given registry, every known label created at zero.

    Parameters
    ----------
    registry
        Where they are registered.
    pairs
        Names of the pairs that this service computes.
    leads
        Instruments that lead them.
    """

    def __init__(
        self, registry: CollectorRegistry, *, pairs: Iterable[str], leads: Iterable[str] = ()
    ) -> None:
        self.build = Info("convex_build", "Version of the running code.", registry=registry)
        self.build.info({"version": CODE_VERSION, "service": "signals"})
        self.records = Counter("convex_signals_records", "Records applied.", ["topic"], registry=registry)
        self.ticks = Counter("convex_signals_ticks", "Ticks applied.", registry=registry)
        self.late = Counter(
            "convex_signals_ticks_late", "Ticks behind the watermark: counted, not used.", registry=registry
        )
        self.warm = Gauge(
            "convex_signals_window_warm",
            "1 when the window is filled.",
            ["pair", "window"],
            registry=registry,
        )
        self.undefined = Gauge(
            "convex_signals_undefined_statistics",
            "Statistics that are None now.",
            ["pair"],
            registry=registry,
        )
        self.leg_at_fault = Gauge(
            "convex_signals_leg_at_fault",
            "1 while the leg's data cannot be trusted, so that nothing opens on them.",
            ["pair", "leg"],
            registry=registry,
        )
        self.zscore = Gauge(
            "convex_signals_zscore",
            "z_90 of the log ratio; NaN while it is undefined.",
            ["pair", "confirmation"],
            registry=registry,
        )
        self.correlation = Gauge(
            "convex_signals_correlation",
            "Correlation of returns; NaN while it is undefined.",
            ["pair", "window"],
            registry=registry,
        )
        self.outcomes = Gauge(
            "convex_signals_outcomes",
            "Past openings of which so many sessions are known from the first close after the report on.",
            ["pair", "kind", "direction", "horizon"],
            registry=registry,
        )
        self.outcome_hits = Gauge(
            "convex_signals_outcome_hit_ratio",
            "Share of them that was followed by what the kind says; NaN without one.",
            ["pair", "kind", "direction", "horizon"],
            registry=registry,
        )
        self.watermark = Gauge(
            "convex_signals_watermark_timestamp_seconds",
            "Event time up to which the pair's log was read.",
            ["pair"],
            registry=registry,
        )
        self.events = Counter(
            "convex_signals_events", "Divergence events published.", ["pair", "transition"], registry=registry
        )
        self.suppressed = Counter(
            "convex_signals_suppressed", "Decisions and inputs not acted on.", ["reason"], registry=registry
        )
        self.dead_lettered = Counter(
            "convex_kafka_dead_lettered", "Records kept but not used.", ["topic", "reason"], registry=registry
        )
        self.proofs = Counter(
            "convex_signals_proofs", "Days with a published proof.", ["lead"], registry=registry
        )
        self.proven = Gauge(
            "convex_signals_proven_timestamp_seconds",
            "Event time at which the last day with a proof ended; NaN before the first.",
            ["lead"],
            registry=registry,
        )
        self.checkpoints = Counter("convex_signals_checkpoints", "Checkpoints written.", registry=registry)
        self.lag = Gauge(
            "convex_kafka_consumer_lag_records",
            "Records not applied yet.",
            ["topic", "partition"],
            registry=registry,
        )
        self.step = Histogram(
            "convex_signals_step_duration_seconds",
            "Time from a batch of records to all their effects.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.tick_to_event = Histogram(
            "convex_signals_tick_to_event_seconds",
            "From the receipt of the tick that decided to the event's record.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.records.labels(topics.TICKS.name)
        for reason in SUPPRESSED:
            self.suppressed.labels(reason)
        for reason in DEAD_LETTER_REASONS:
            self.dead_lettered.labels(topics.TICKS.name, reason)
        for lead in leads:
            self.proofs.labels(lead)
            self.proven.labels(lead).set(float("nan"))
        for pair in pairs:
            for transition in Transition:
                self.events.labels(pair, transition.value)
            self.show_nothing(pair)

    def show_nothing(self, pair: str) -> None:
        """Set a pair's gauges as they are before anything is known of it here."""
        for window in CORRELATION_WINDOWS:
            self.warm.labels(pair, window).set(0)
            # Undefined is NaN to Prometheus, never 0: a 0 would read as "uncorrelated".
            self.correlation.labels(pair, window).set(float("nan"))
        for leg in LEGS:
            self.leg_at_fault.labels(pair, leg.value).set(0)
        for confirmation in ("confirmed", "provisional"):
            self.zscore.labels(pair, confirmation).set(float("nan"))
        self.show_outcomes(pair, ())

    def show_outcomes(self, pair: str, outcomes: Iterable[OutcomeSummary]) -> None:
        """Show what followed past openings; a kind that is not among them has none."""
        known = {(each.kind, each.direction, each.horizon_sessions): each for each in outcomes}
        for kind, direction in CLAIMS:
            for horizon in HORIZONS:
                labels = (pair, kind.value, direction.value, str(horizon))
                one = known.get((kind, direction, horizon))
                rate = one.hit_rate.value if one is not None else None
                self.outcomes.labels(*labels).set(one.count if one is not None else 0)
                self.outcome_hits.labels(*labels).set(float("nan") if rate is None else rate)
