"""The declaration of every topic; ``convex topics create`` creates them from it."""

from dataclasses import dataclass, field
from typing import Final

_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic and how Kafka stores it.

    Parameters
    ----------
    key
        What its records are keyed by.
    is_partitioned_by_lead
        It has as many partitions as ``ticks.v1``, and the records of one lead are in the same partition.
    config
        Kafka's topic settings.
    partitions
        How many it has; None: as many as the settings say.
    """

    name: str
    key: str
    is_partitioned_by_lead: bool = False
    config: dict[str, str] = field(default_factory=dict)
    partitions: int | None = None


def _deleted_after(days: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS)}


TICKS: Final = Topic(
    name="ticks.v1", key="lead instrument", is_partitioned_by_lead=True, config=_deleted_after(7)
)
BARS: Final = Topic(name="bars.v1", key="instrument|session", config={"cleanup.policy": "compact"})
MACRO: Final = Topic(name="macro.v1", key="series|date|vintage", config={"cleanup.policy": "compact"})
STATE: Final = Topic(
    name="state.v1",
    key="pair",
    is_partitioned_by_lead=True,
    # A checkpoint is rewritten all day: compact soon, so that a restart does not read yesterday's too.
    config={"cleanup.policy": "compact", "segment.ms": "3600000", "min.cleanable.dirty.ratio": "0.2"},
)
SIGNALS: Final = Topic(
    name="signals.v1",
    key="pair",
    config={"cleanup.policy": "compact", "segment.ms": "3600000", "min.cleanable.dirty.ratio": "0.2"},
)
DIVERGENCES: Final = Topic(name="divergences.v1", key="pair", config=_deleted_after(90))
DELIVERIES: Final = Topic(name="deliveries.v1", key="subscription", config=_deleted_after(30))
# It holds no record: whoever has its one partition in the ingestors' consumer group publishes.
LEASE: Final = Topic(name="ingestor-lease.v1", key="none", config=_deleted_after(1), partitions=1)
# Kept for ever: a proof is a kilobyte or two a day. The copies of checkpoints beside it are of eight days.
PROOFS: Final = Topic(
    name="proofs.v1",
    key="lead|day",
    is_partitioned_by_lead=True,
    config={"cleanup.policy": "compact"},
)
DEADLETTERS: Final = Topic(name="deadletters.v1", key="origin", config=_deleted_after(30))

ALL_TOPICS: Final = (TICKS, BARS, MACRO, STATE, SIGNALS, DIVERGENCES, DELIVERIES, LEASE, PROOFS, DEADLETTERS)
