"""A divergence event: the whole content of an alert, and the same bytes on every replay of one log.

``pending → open → (escalated | eased)* → closed``, plus ``revised`` (better data, same divergence),
``not_confirmed`` (the close did not confirm an early warning), ``expired`` (no close came in time)
and ``test``. Everything in a `DivergenceEvent` is computed from the log, in event time. Values that depend
on the run are in Kafka headers.
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
        """Return whether the divergence ends with it."""
        return self in (Transition.CLOSED, Transition.NOT_CONFIRMED, Transition.EXPIRED)


class Kind(StrEnum):
    """Which question the divergence answers."""

    RATIO_STRETCH = "ratio_stretch"
    OPPOSITE_MOVES = "opposite_moves"
    CORRELATION_BREAK = "correlation_break"
    HEDGE_LOST = "hedge_lost"
    EVIDENCE_BREAK = "evidence_break"
    REGIME_CHANGE = "regime_change"
    DATA_FAULT = "data_fault"

    @property
    def is_market(self) -> bool:
        """Return whether it is about the market, not about the data."""
        return self is not Kind.DATA_FAULT

    @property
    def is_instant(self) -> bool:
        """Return whether it ends in the instant in which it opens."""
        return self is Kind.REGIME_CHANGE


class Direction(StrEnum):
    """In which direction the pair diverges.

    ``risk_off``: the lead, gold, outperforms; ``risk_on``: the other leg does. A correlation that rises is
    ``tightening``, one that falls ``loosening``. The direction of a data fault is the leg: ``lead`` or
    ``other``.
    """

    RISK_OFF = "risk_off"
    RISK_ON = "risk_on"
    TIGHTENING = "tightening"
    LOOSENING = "loosening"
    LEAD = "lead"
    OTHER = "other"


class Severity(StrEnum):
    """How far the statistic went."""

    WARNING = "warning"
    CRITICAL = "critical"


class Confirmation(StrEnum):
    """What the transition rests on: a close, or a live price against the last close."""

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
        Units of lead exposure per unit of the other that minimise variance, by ordinary least squares.
    beta
        Slope of the lead's returns on the other's.
    effectiveness
        Share of the other's variance that the hedge removed out of sample.
    stress_corr
        Correlation over the sessions in which the other fell most.
    ratio_tls, ratio_kalman
        The same units by total least squares, and as a Kalman filter follows them.
    """

    ratio: Estimate
    beta: Estimate
    effectiveness: Estimate
    stress_corr: Estimate
    ratio_tls: Estimate = Estimate(value=None)
    ratio_kalman: Estimate = Estimate(value=None)


class Null(StrEnum):
    """What chance alone means for a kind: the assumption under which its false alarms are counted.

    ``unrelated_legs``: two legs without a tie, each with its own volatility and persistence.
    ``constant_correlation``: two legs whose correlation never changes.
    """

    UNRELATED_LEGS = "unrelated_legs"
    CONSTANT_CORRELATION = "constant_correlation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The sessions of the first and the last close of a history."""

    first_session: str
    last_session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedOpenings:
    """How often a rule opened in the history that its false alarms were computed from.

    Parameters
    ----------
    count
        Openings.
    per_year
        Openings in 252 sessions, with the 95 % interval of a Poisson rate.
    """

    count: int
    per_year: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Significance:
    """How often chance alone would open the same divergence, and how sure a correlation is.

    Parameters
    ----------
    correlation
        The one that decided, with its 95 % interval; None for a kind that no correlation decides.
    effective_size, n_eff
        Independent pairs that the correlation's window is worth. ``n_eff`` is the same number under the name
        of the statistics.
    false_alarms_per_year
        Openings expected in 252 sessions by chance alone, at this rule's levels; None where nobody has
        computed it for this pair and rule.
    interval
        95 % interval of ``false_alarms_per_year``: for the choice of the history and for the simulation.
    null
        What chance alone means here.
    period
        The history that the number was computed from.
    observed
        How often the rule opened in that history.
    """

    correlation: Estimate | None
    effective_size: float | None
    false_alarms_per_year: float | None
    n_eff: float | None = None
    interval: Interval | None = None
    null: Null | None = None
    period: Period | None = None
    observed: ObservedOpenings | None = None

    @property
    def exceeds_chance(self) -> bool | None:
        """Return whether the rule opened more often than chance explains; None if that is not known.

        It did if the lower end of the observed rate is above the upper end of the expected one.
        """
        if self.interval is None or self.observed is None or self.observed.per_year.low is None:
            return None
        return self.observed.per_year.low > self.interval.high


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
    significance
        Of every kind that is about the market; None for a data fault.
    probability
        Of a provisional event: how likely the next close opens the divergence or keeps it open at this level;
        None for a confirmed one.
    is_flapping
        The divergence opens and closes so often that it is held open until it settles.
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
    significance: Significance | None = None
    probability: float | None = None
    is_flapping: bool = False

    @property
    def is_instant(self) -> bool:
        """Return whether it ends when it opens, as a new regime and a corrected close do."""
        return self.kind.is_instant or (not self.kind.is_market and "revised_to" in self.values)
