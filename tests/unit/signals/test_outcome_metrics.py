"""What followed past openings, as operators see it."""

import math

from prometheus_client import CollectorRegistry

from services.signals.core.kinds.registry import CLAIMS
from services.signals.metrics import SignalsMetrics
from shared.domain.divergences import Direction, Estimate, Kind
from shared.domain.snapshots import OutcomeSummary

NONE = Estimate(value=None)
HITS, COUNT = "convex_signals_outcome_hit_ratio", "convex_signals_outcomes"


def outcome(horizon: int, *, hits: int, count: int) -> OutcomeSummary:
    return OutcomeSummary(
        kind=Kind.HEDGE_LOST,
        direction=Direction.RISK_OFF,
        horizon_sessions=horizon,
        count=count,
        hits=hits,
        hit_rate=Estimate(value=hits / count) if count else NONE,
        lead=NONE,
        other=NONE,
        ratio=NONE,
    )


def sample(registry: CollectorRegistry, name: str, horizon: int) -> float:
    labels = {"pair": "gold-iwm", "kind": "hedge_lost", "direction": "risk_off", "horizon": str(horizon)}
    value = registry.get_sample_value(name, labels)
    assert value is not None
    return value


def test_every_kind_that_is_scored_stands_there_before_the_first_opening() -> None:
    registry = CollectorRegistry()

    SignalsMetrics(registry, pairs=["gold-iwm"])

    assert sample(registry, COUNT, 20) == 0
    assert math.isnan(sample(registry, HITS, 20))
    (family,) = (each for each in registry.collect() if each.name == COUNT)
    shown = {(each.labels["kind"], each.labels["direction"]) for each in family.samples}
    assert shown == {(kind.value, direction.value) for kind, direction in CLAIMS}
    assert len(family.samples) == 3 * len(CLAIMS)


def test_rates_and_counts_follow_the_summaries() -> None:
    registry = CollectorRegistry()
    metrics = SignalsMetrics(registry, pairs=["gold-iwm"])

    metrics.show_outcomes("gold-iwm", (outcome(1, hits=3, count=4), outcome(5, hits=0, count=0)))

    assert (sample(registry, COUNT, 1), sample(registry, HITS, 1)) == (4, 0.75)
    assert sample(registry, COUNT, 5) == 0
    assert math.isnan(sample(registry, HITS, 5))
