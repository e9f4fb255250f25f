"""The metrics of the macro series; every known label is created at zero."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

OUTCOMES: Final = ("added", "revised", "unchanged", "rejected")


class MacroMetrics:
    """Counts what is pulled of each macro series.

    Parameters
    ----------
    series
        Every macro series, such as ``fred:DFII10``.
    """

    def __init__(self, registry: CollectorRegistry, *, series: Iterable[str]) -> None:
        self.observations = Counter(
            "convex_ingestor_macro_observations_total",
            "Macro observations pulled.",
            ["series", "outcome"],
            registry=registry,
        )
        self.last_pull = Gauge(
            "convex_ingestor_macro_last_pull_timestamp_seconds",
            "When a macro series was last pulled successfully.",
            ["series"],
            registry=registry,
        )
        self.refused = Gauge(
            "convex_ingestor_macro_refused",
            "1 while the provider refuses a macro series for good: its key, or the series itself.",
            ["series"],
            registry=registry,
        )
        for each in series:
            self.last_pull.labels(each)
            self.refused.labels(each)
            for outcome in OUTCOMES:
                self.observations.labels(each, outcome)
