"""A pair's latest statistics, as the page and the operators see them."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.divergences import Confirmation, Direction, Estimate, Hedge, Kind, Severity, Transition
from shared.domain.ticks import AuthorityReason, FeedState


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
    source_since, source_reason, previous_source
        Of a live price: since when its feed is used (RFC 3339), why, and which feed was used before. None
        where the log does not say.
    feed_state
        Of a live price: what its feed is doing. None in records of earlier versions.
    """

    instrument: str
    title: str
    price: float | None
    price_at: str | None
    age_seconds: float | None
    source: str | None
    session: str | None
    summary: dict[str, float | None]
    source_since: str | None = None
    source_reason: AuthorityReason | None = None
    previous_source: str | None = None
    feed_state: FeedState | None = None


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
    """A divergence that has not ended.

    Parameters
    ----------
    is_inhibited
        A leg's data cannot be trusted now: nothing new opens until they can.
    is_flapping
        It is held open because it opens and closes too often.
    """

    divergence_id: str
    kind: Kind
    direction: Direction
    severity: Severity
    confirmation: Confirmation
    opened_at: str
    is_inhibited: bool = False
    is_flapping: bool = False


class OutcomeStart(StrEnum):
    """The price from which the returns after an opening are measured.

    ``next_close``: the first close of both legs after the opening was reported.
    ``last_close``: the last one before it, as in records of earlier versions. An opening by a close was known
    hours after that close, so nobody could have traded at it.
    """

    NEXT_CLOSE = "next_close"
    LAST_CLOSE = "last_close"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeSummary:
    """What the legs did after past openings of one kind and direction.

    Parameters
    ----------
    horizon_sessions
        Sessions from the start on.
    count, hits
        Openings that are that old, and those of them that were followed by what the kind's claim says.
    hit_rate
        ``hits / count`` with its 95 % interval; None without an opening.
    lead, other, ratio
        Median log return of each leg and change of the log ratio, each with its own 95 % interval.
    usual_rate
        Share of all kept sessions, opening or not, after which the same came out: what a hit rate is to be
        held against. None where no session is that old.
    start
        From which price the returns are measured.
    episodes
        Openings of which no horizon overlaps with another's: a run of openings that do overlap counts once.
        The intervals allow for it. None in records of earlier versions.
    hit_rate_adjusted
        The hit rate with a wider interval: those of all hit rates in the snapshot contain their true rates
        together with 95 %. None in records of earlier versions.
    comparisons
        How many hit rates that are. None in records of earlier versions.
    """

    kind: Kind
    direction: Direction
    horizon_sessions: int
    count: int
    hits: int
    hit_rate: Estimate
    lead: Estimate
    other: Estimate
    ratio: Estimate
    usual_rate: float | None = None
    start: OutcomeStart = OutcomeStart.LAST_CLOSE
    episodes: int | None = None
    hit_rate_adjusted: Estimate | None = None
    comparisons: int | None = None


class TriggerAt(StrEnum):
    """When a trigger price counts: now, or at the next close with the other leg unchanged."""

    LIVE = "live"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """The price of the lead at which something would happen to a divergence.

    Parameters
    ----------
    transition
        What would happen. For a live price it happens when the price has been held for the rule's time.
    lead_price
        Raw USD, on the price grid of 0.01: the price nearest to the present one at which it happens.
    """

    kind: Kind
    direction: Direction
    transition: Transition
    lead_price: float
    at: TriggerAt


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFault:
    """Why a leg's data cannot be trusted now.

    Parameters
    ----------
    causes
        Words such as ``stale`` or ``missing_bar``.
    since
        RFC 3339 event time of the first of them.
    details
        What the ingestor says of those that it reported: sentences with the numbers.
    """

    instrument: str
    causes: tuple[str, ...]
    since: str
    details: tuple[str, ...] = ()


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
    hedge
        Whether the lead hedges the other leg now; None before the first session.
    outcomes
        What followed past openings, by kind, direction and horizon.
    faults
        What is wrong with the legs' data now.
    triggers
        The lead's prices at which a divergence would open, escalate, ease or end.
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
    hedge: Hedge | None = None
    outcomes: tuple[OutcomeSummary, ...] = ()
    faults: tuple[LegFault, ...] = ()
    triggers: tuple[Trigger, ...] = ()
