"""A divergence event: what is told to people and machines, whole, and the same on every replay.

``pending → open → (escalated | eased)* → closed``, plus ``revised`` (better data, same divergence),
``not_confirmed`` (the close did not bear out an early warning), ``expired`` (no close came that could)
and ``test``. Everything in a `DivergenceEvent` comes from the log's content in event time; what depends
on the run travels in Kafka headers.
"""

from dataclasses import dataclass
from enum import StrEnum


class Transition(StrEnum):
    """What happened to the divergence."""

    OPEN = "open"
    ESCALATED = "escalated"
    EASED = "eased"
    REVISED = "revised"
    CLOSED = "closed"
    NOT_CONFIRMED = "not_confirmed"
    EXPIRED = "expired"
    TEST = "test"

    @property
    def is_final(self) -> bool:
        """Tell whether the divergence ends with it."""
        return self in (Transition.CLOSED, Transition.NOT_CONFIRMED, Transition.EXPIRED)


class Kind(StrEnum):
    """Which question the divergence answers."""

    RATIO_STRETCH = "ratio_stretch"


class Direction(StrEnum):
    """Which leg outperforms: ``risk_off`` is the lead, gold."""

    RISK_OFF = "risk_off"
    RISK_ON = "risk_on"


class Severity(StrEnum):
    """How far the statistic went."""

    WARNING = "warning"
    CRITICAL = "critical"


class Confirmation(StrEnum):
    """Whether closes bear it out, or only a live price against the last close."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its 95 % interval; None where it is undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedge:
    """Whether the lead still hedges the other leg, and with how much of it.

    Parameters
    ----------
    ratio
        Units of lead exposure per unit of the other that minimise variance.
    beta
        Slope of the lead's returns on the other's.
    effectiveness
        Share of the other's variance that the hedge removed out of sample.
    stress_corr
        Correlation over the sessions in which the other fell most.
    """

    ratio: Estimate
    beta: Estimate
    effectiveness: Estimate
    stress_corr: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One leg's raw price as of the event.

    Parameters
    ----------
    age_seconds
        Event time between the price and ``occurred_at``.
    source
        The feed of a live price, the source of a bar.
    """

    instrument: str
    price: float
    age_seconds: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceInput:
    """One value that decided: a session's bar, or a tick at an instant."""

    instrument: str
    session: str | None = None
    ts_event_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is needed to recompute the event from the log.

    Parameters
    ----------
    window_sha256
        Over the window's log ratios as little-endian float64, oldest first.
    """

    inputs: tuple[EvidenceInput, ...]
    window_sha256: str
    rule_version: str
    code_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DivergenceEvent:
    """One transition of one divergence.

    Parameters
    ----------
    sequence
        Gap-free per pair, from 1.
    occurred_at, opened_at, not_after
        RFC 3339, UTC, event time; after ``not_after`` no attempt to deliver it is made.
    values, thresholds
        The statistics that decided and what they were held against; None is undefined.
    links
        Paths on the dashboard.
    """

    type: Transition
    event_id: str
    divergence_id: str
    fingerprint: str
    sequence: int
    pair: str
    kind: Kind
    direction: Direction
    severity: Severity
    confirmation: Confirmation
    occurred_at: str
    opened_at: str
    not_after: str
    values: dict[str, float | None]
    thresholds: dict[str, float]
    hedge: Hedge
    legs: tuple[Leg, ...]
    evidence: Evidence
    links: dict[str, str]
