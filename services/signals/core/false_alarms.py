"""How often chance alone would open one rule on one pair, and the history that says so."""

from dataclasses import dataclass

from services.signals.core.statistics.poisson import poisson_rate
from shared.domain.divergences import Interval, Kind, Null, ObservedOpenings, Period, Significance
from shared.domain.pairs import Pair
from shared.errors import ConfigError

YEAR = 252
"""Sessions in a year."""
MOST_OPENINGS = 2.0 * YEAR
"""One of each direction at every session of a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """The expected number for one rule and pair, with what a reader needs to evaluate it.

    The fields are those of the file that ``convex calibrate`` writes. A field that is None is left out there:
    a file of an earlier version has no interval, null or observed openings.

    Parameters
    ----------
    pair, kind, rule_version
        The pair and the rule; another version of the rule has another number.
    per_year
        Openings in 252 sessions, both directions of the kind together.
    standard_error
        Of ``per_year``, from the spread between the paths. It does not include how well the one history from
        which the paths were drawn represents the market.
    low, high
        95 % interval of ``per_year``, for the choice of the history and for the simulation.
    refits
        Resampled histories that the interval was computed from.
    null
        What chance alone means: the assumption under which the paths were drawn.
    correlation
        The constant correlation of the synthetic histories; None for legs without a tie.
    agreement_low, agreement_high
        The baseline that ``evidence_break`` was held against; None for the other kinds.
    block_length
        Mean length of the bootstrap's blocks, sessions.
    paths, years, seed
        The number of synthetic histories, the years of each that were counted, and the seed of the random
        numbers.
    first_session, last_session, returns
        Of the history: its first and last session, and the number of return pairs between them.
    observed, observed_sessions
        Openings of the rule in that history, and the sessions there in which its statistic had a value.
    budget
        Openings in 252 sessions that the rule's levels were found for; None for levels that were given.
    warning_low, warning_high
        95 % interval of the warning level of that budget; None where no level is low enough for it.

    Raises
    ------
    ConfigError
        With the field, if a number is out of its range.
    """

    pair: str
    kind: Kind
    rule_version: str
    per_year: float
    standard_error: float
    low: float | None = None
    high: float | None = None
    refits: int | None = None
    null: Null | None = None
    correlation: float | None = None
    agreement_low: float | None = None
    agreement_high: float | None = None
    block_length: float
    paths: int
    years: int
    seed: int
    first_session: str
    last_session: str
    returns: int
    observed: int | None = None
    observed_sessions: int | None = None
    budget: float | None = None
    warning_low: float | None = None
    warning_high: float | None = None

    def __post_init__(self) -> None:
        ranges = {
            "per_year": 0.0 <= self.per_year <= MOST_OPENINGS,
            "standard_error": 0.0 <= self.standard_error <= MOST_OPENINGS,
            "low": self.low is None or 0.0 <= self.low <= self.per_year,
            "high": self.high is None or self.per_year <= self.high <= MOST_OPENINGS,
            "correlation": self.correlation is None or -1.0 <= self.correlation <= 1.0,
            "block_length": 1.0 <= self.block_length < float("inf"),
            "observed": self.observed is None or self.observed >= 0,
            "observed_sessions": self.observed_sessions is None or self.observed_sessions >= 0,
            "budget": self.budget is None or 0.0 < self.budget <= MOST_OPENINGS,
            "warning_low": self.warning_low is None or 0.0 < self.warning_low < float("inf"),
            "warning_high": self.warning_high is None or 0.0 < self.warning_high < float("inf"),
        }
        for name, is_within in ranges.items():
            if not is_within:
                raise ConfigError(f"{name}: is out of range, was {getattr(self, name)}")

    def holds_for(self, pair: Pair) -> bool:
        """Return whether it was computed for a pair as it is: ``evidence_break`` depends on the baseline."""
        baseline = pair.agreement_low, pair.agreement_high
        return self.kind is not Kind.EVIDENCE_BREAK or (self.agreement_low, self.agreement_high) == baseline

    @property
    def significance(self) -> Significance:
        """Return what events and reports show of it; events add the correlation that decided."""
        return Significance(
            correlation=None,
            effective_size=None,
            false_alarms_per_year=self.per_year,
            interval=self.interval,
            null=self.null,
            period=self.period,
            observed=self.openings,
        )

    @property
    def interval(self) -> Interval | None:
        """Return the 95 % interval of ``per_year``."""
        if self.low is None or self.high is None:
            return None
        return Interval(low=self.low, high=self.high)

    @property
    def period(self) -> Period:
        """Return the history that the figure was computed from."""
        return Period(first_session=self.first_session, last_session=self.last_session)

    @property
    def openings(self) -> ObservedOpenings | None:
        """Return how often the rule opened in that history; None if that is not known.

        Examples
        --------
        >>> figure = FalseAlarms(
        ...     pair="gold-iwm", kind=Kind.HEDGE_LOST, rule_version="hedge_lost-1-0", per_year=0.5,
        ...     standard_error=0.01, block_length=1.0, paths=2, years=1, seed=1, first_session="2001-01-02",
        ...     last_session="2008-12-31", returns=2_016, observed=4, observed_sessions=2_016,
        ... )
        >>> figure.openings.per_year.value, round(figure.openings.per_year.high, 3)
        (0.5, 1.28)
        """
        if self.observed is None or not self.observed_sessions:
            return None
        return ObservedOpenings(
            count=self.observed, per_year=poisson_rate(self.observed, self.observed_sessions / YEAR)
        )
