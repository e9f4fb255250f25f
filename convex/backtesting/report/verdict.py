"""The result of a backtest in three sentences. None of them says more than its interval allows.

============================================= =====================================================
a sentence about                              claims a difference only where
============================================= =====================================================
openings against chance                       the lower end of the observed rate is above the upper
                                              end of the expected one
what followed against what usually followed   the interval, widened for all rows together, does not
                                              contain the usual rate
============================================= =====================================================
"""

from collections.abc import Mapping, Sequence
from typing import Final

from convex.backtesting.report.data_quality import DataQuality
from services.signals.core.false_alarms import YEAR
from shared.domain.divergences import Estimate, Interval, Kind, Significance
from shared.domain.kinds import KIND_TRAITS
from shared.domain.pairs import Pair
from shared.domain.snapshots import OutcomeSummary
from shared.text.chance import format_rate
from shared.text.divergences import describe_kind
from shared.text.instants import format_session
from shared.text.numbers import format_count, format_part, format_percent, format_whole
from shared.text.outcomes import against_usual, describe_hit

_MOST_NAMED: Final = 2


def period_sentence(
    sessions: Sequence[str],
    *,
    observed: int,
    alerts: int,
    openings: int,
    faults: int,
    quality: DataQuality | None,
) -> str:
    """Return over which sessions the rules ran, how many alerts they sent, and how good the data are.

    Parameters
    ----------
    sessions
        Those that both legs have, ascending.
    observed
        In how many of them a divergence could open.
    alerts, openings
        Events, and divergences of any kind but data faults.
    faults
        Data faults that opened.
    quality
        None where the data were not looked at.
    """
    if not sessions:
        return "There is no session that both legs have, so nothing could open."
    span = f"{format_session(sessions[0])} to {format_session(sessions[-1])}"
    only = (
        "" if observed == len(sessions) else f", in {format_whole(observed)} of which a divergence could open"
    )
    count = f"{format_count(len(sessions), 'session')}{only}"
    begin = f"From {span} ({count}; {data_clause(quality)}) these rules sent"
    if not alerts:
        return f"{begin} no alert."
    rate = (
        f", {format_rate(alerts * YEAR / observed)} a year,"
        if observed >= YEAR
        else " (too short a time for a rate a year)"
    )
    about = format_count(openings, "divergence")
    if faults:
        about += f" and {format_count(faults, 'data fault')}"
    return f"{begin} {format_count(alerts, 'alert')}{rate} about {about}."


def data_clause(quality: DataQuality | None) -> str:
    """Return in a few words how complete the data are.

    Examples
    --------
    >>> data_clause(DataQuality(legs=(), held_back=2))
    'none missing, 2 closes held back'
    >>> data_clause(None)
    'the data were not checked'
    """
    if quality is None:
        return "the data were not checked"
    missing = [f"{format_whole(leg.missing)} missing in {leg.title}" for leg in quality.legs if leg.missing]
    held = format_count(quality.held_back, "close") if quality.held_back else "no close"
    return f"{', '.join(missing) or 'none missing'}, {held} held back"


def chance_sentence(chance: Mapping[Kind, Significance]) -> str:
    """Return which kinds opened more often than chance alone explains.

    Parameters
    ----------
    chance
        Of each kind that is on, with the openings of this run.
    """
    compared = {kind: each for kind, each in chance.items() if each.exceeds_chance is not None}
    if not compared and any(each.interval is not None for each in chance.values()):
        return "That is too short a time to compare how often they opened with chance."
    if not compared:
        return "How often chance alone would open these kinds is not known here, so none is compared with it."
    above = {kind: each for kind, each in compared.items() if each.exceeds_chance}
    if not above:
        only = "No kind" if len(compared) > 1 else f"{_title(next(iter(compared)))}"
        verb = "is shown" if len(compared) > 1 else "is not shown"
        return f"{only} {verb} to open more often than by chance."
    said = [_above(kind, each) for kind, each in above.items()]
    rest = len(compared) - len(above)
    others = (
        f"; {format_whole(rest)} other {'kinds are' if rest > 1 else 'kind is'} not shown to" if rest else ""
    )
    return f"More often than chance explains opened {' and '.join(said)}{others}."


def followed_sentence(outcomes: Sequence[OutcomeSummary], pair: Pair) -> str:
    """Return what followed the openings, compared with what followed all sessions."""
    known = [one for one in outcomes if one.count and one.usual_rate is not None]
    if not known:
        return "No opening is old enough to say what followed."
    unusual = [one for one in known if against_usual(one)]
    if unusual:
        named = " and ".join(_rate(one, pair) for one in unusual[:_MOST_NAMED])
        more = len(unusual) - _MOST_NAMED
        rows = "more rows below differ" if more > 1 else "more row below differs"
        others = f", and {format_whole(more)} {rows} too" if more > 0 else ""
        return f"What followed differs from what usually follows: {named}{others}."
    largest = max(known, key=lambda one: (one.count, one.horizon_sessions))
    return (
        "What followed is not shown to differ from what usually follows; with the most openings, "
        f"{_rate(largest, pair)}."
    )


def _rate(one: OutcomeSummary, pair: Pair) -> str:
    rate = one.hit_rate_adjusted or one.hit_rate
    hit = describe_hit(one.kind, one.direction, lead=pair.lead_title, other=pair.other_title)
    within = (
        f" (95%: {format_percent(rate.low, 0)} to {format_percent(rate.high, 0)})"
        if rate.low is not None and rate.high is not None
        else ""
    )
    return (
        f"{format_count(one.horizon_sessions, 'session')} after “{describe_kind(one.kind, one.direction)}”, "
        f"{hit} in {format_part(one.hits, one.count)} or {format_percent(rate.value, 0)}{within} against "
        f"{format_percent(one.usual_rate, 0)} of all sessions"
    )


def _above(kind: Kind, figure: Significance) -> str:
    observed = figure.observed.per_year if figure.observed is not None else Estimate(value=None)
    seen = format_rate(observed.value or 0.0)
    expected = format_rate(figure.false_alarms_per_year or 0.0)
    ends = Interval(low=observed.low or 0.0, high=observed.high or 0.0)
    return (
        f"{_title(kind).lower()} ({seen} a year, 95%: {_ends(ends)}; by chance {expected}, "
        f"95%: {_ends(figure.interval)})"
    )


def _ends(interval: Interval | None) -> str:
    return "" if interval is None else f"{format_rate(interval.low)} to {format_rate(interval.high)}"


def _title(kind: Kind) -> str:
    return KIND_TRAITS[kind].title
