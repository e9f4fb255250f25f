"""A pair's latest statistics, as the page and the operators see them."""

from dataclasses import dataclass

from shared.domain.divergences import Confirmation, Direction, Kind, Severity
from shared.domain.ticks import FeedState


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSnapshot:
    """One leg: its price, how old it is, and its last 90 sessions.

    Parameters
    ----------
    price
        Raw USD; None before the first one.
    price_at
        RFC 3339 event time of the price; None before the first one.
    age_seconds
        Watermark less the price's event time.
    session
        The session whose close the price is; None for a live price.
    summary
        Statistics by name over the last 90 closes; None is undefined.
    """

    instrument: str
    title: str
    price: float | None
    price_at: str | None
    age_seconds: float | None
    source: str | None
    session: str | None
    summary: dict[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedStatistics:
    """Statistics of aligned closes only.

    Parameters
    ----------
    session
        The newest session that both legs have.
    known_at
        RFC 3339 instant from which its bars may be used.
    """

    session: str
    known_at: str
    values: dict[str, float | None]
    regime: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionalStatistics:
    """The live price of the lead against the last known close of the other leg."""

    ts_event: str
    other_session: str
    lead_age_seconds: float
    other_age_seconds: float
    values: dict[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDivergence:
    """A divergence that has not ended."""

    divergence_id: str
    kind: Kind
    direction: Direction
    severity: Severity
    confirmation: Confirmation
    opened_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHistory:
    """The last aligned sessions in columns, oldest first; for charts."""

    session: tuple[str, ...]
    lead: tuple[float, ...]
    other: tuple[float, ...]
    log_ratio: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSnapshot:
    """Everything the page shows of one pair.

    Parameters
    ----------
    watermark
        RFC 3339 event time up to which the pair's log was read.
    sessions_known
        Aligned sessions in the windows.
    undefined
        For each statistic that is None, why: a sentence for people.
    """

    pair: str
    title: str
    page: str
    is_simulated: bool
    is_proxy: bool
    feed: str | None
    feed_state: FeedState | None
    watermark: str
    sessions_known: int
    legs: tuple[LegSnapshot, ...]
    confirmed: ConfirmedStatistics | None
    provisional: ProvisionalStatistics | None
    undefined: dict[str, str]
    open: tuple[OpenDivergence, ...]
    history: SessionHistory
