"""How often chance alone would open each kind, beside how often it opened here, and whose figures it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from convex.backtesting.report.episodes import Episode, Session, observed_by
from services.signals.core.false_alarms import YEAR, FalseAlarms
from services.signals.core.statistics.poisson import poisson_rate
from shared.domain.divergences import DivergenceEvent, Estimate, Kind, ObservedOpenings, Significance
from shared.domain.kinds import KIND_TRAITS
from shared.text.chance import describe_chance, format_rate
from shared.text.instants import format_session


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfCheck:
    """A figure from the first half of the data beside what opened in the second.

    Parameters
    ----------
    expected
        Openings a year by chance, from the first half.
    observed
        Openings a year in the second half.
    """

    kind: Kind
    expected: Estimate
    observed: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class ChanceFigures:
    """How often chance alone opens each kind.

    Parameters
    ----------
    by_kind
        Kinds without a figure are absent.
    source
        Whose figures these are, in sentences.
    halves
        Empty where the data were not divided.
    """

    by_kind: Mapping[Kind, Significance]
    source: tuple[str, ...]
    halves: tuple[HalfCheck, ...] = ()


def figures_of_events(
    events: Iterable[DivergenceEvent], *, why: str = "", known: Iterable[FalseAlarms] = ()
) -> ChanceFigures:
    """Return the figures that the events state.

    Parameters
    ----------
    known
        The figures of the rules from the file, also of those that opened nothing.
    why
        Why no figures were computed from the data, as a sentence.
    """
    by_kind: dict[Kind, Significance] = {}
    for event in events:
        if event.significance is not None and event.significance.false_alarms_per_year is not None:
            by_kind.setdefault(event.kind, event.significance)
    for figure in known:
        by_kind.setdefault(figure.kind, figure.significance)
    whose = (
        "The figures by chance are those that the events state. They come from the file of figures, not from "
        "these data."
        if by_kind
        else "No figure by chance is known for these rules and this pair."
    )
    return ChanceFigures(by_kind=by_kind, source=(*((why,) if why else ()), whose))


def figures_of_history(found: Sequence[FalseAlarms], halves: Iterable[HalfCheck]) -> ChanceFigures:
    """Return the figures that were computed from the data of the report itself.

    Parameters
    ----------
    found
        At least one.
    halves
        The same with the data divided.
    """
    one = found[0]
    size = f"{one.paths} synthetic histories of {one.years} years for each kind"
    error = format_rate(max(each.standard_error for each in found))
    first, last = format_session(one.first_session), format_session(one.last_session)
    return ChanceFigures(
        by_kind={each.kind: each.significance for each in found},
        source=(
            f"The figures by chance were computed from these closes, {first} to {last}, by {size}.",
            f"The simulation leaves a standard error of at most {error} a year; the intervals include it.",
            "This is in sample: the same closes gave the figures and the openings.",
            "The events state the figures of the file they were made with.",
        ),
        halves=tuple(halves),
    )


def observed_here(
    kind: Kind, episodes: Sequence[Episode], sessions: Sequence[Session], figure: Significance | None
) -> Significance:
    """Return a kind's figure with the openings of this run in the place of those it was made with.

    The openings are left out where the kind could open in less than a year of sessions.
    """
    given = figure or Significance(correlation=None, effective_size=None, false_alarms_per_year=None)
    observed = len(observed_by([kind], sessions))
    if observed < YEAR:
        return replace(given, observed=None)
    rate = poisson_rate(len(episodes), observed / YEAR)
    return replace(given, observed=ObservedOpenings(count=len(episodes), per_year=rate))


def rate_cells(significance: Significance) -> tuple[str, str]:
    """Return the cells of the overview: openings a year, and by chance, as HTML."""
    seen = significance.observed.per_year if significance.observed is not None else Estimate(value=None)
    interval = significance.interval
    expected = Estimate(
        value=significance.false_alarms_per_year,
        low=interval.low if interval is not None else None,
        high=interval.high if interval is not None else None,
    )
    return _cell(seen), _cell(expected)


def chance_section(found: Mapping[Kind, Significance], figures: ChanceFigures) -> str:
    """Return what chance explains of each kind, in sentences.

    Parameters
    ----------
    found
        By kind, with the openings of this run; kinds that are off are absent.
    """
    rows = "".join(
        f"<dt>{KIND_TRAITS[kind].title}</dt><dd>{escape(' '.join(_sentences(kind, each)))}</dd>"
        for kind, each in found.items()
    )
    source = " ".join(map(escape, figures.source))
    terms = f'<dl class="notes">{rows}</dl>' if rows else ""
    return (
        f'<section id="chance"><h2>What chance explains</h2>{terms}{_halves(figures.halves)}'
        f'<p class="source">{source}</p></section>'
    )


def _sentences(kind: Kind, significance: Significance) -> tuple[str, ...]:
    # The history is the same for all kinds and stands once, below.
    return describe_chance(kind, replace(significance, period=None))


def _cell(rate: Estimate) -> str:
    if rate.value is None:
        return ""
    if rate.low is None or rate.high is None:
        return format_rate(rate.value)
    return f"{format_rate(rate.value)}<small>{format_rate(rate.low)} to {format_rate(rate.high)}</small>"


def _halves(halves: Sequence[HalfCheck]) -> str:
    if not halves:
        return ""
    rows = "".join(
        f"<tr><td>{KIND_TRAITS[each.kind].title}</td><td class='n'>{_cell(each.expected)}</td>"
        f"<td class='n'>{_cell(each.observed)}</td></tr>"
        for each in halves
    )
    return (
        "<div class='scrolls'><table class='halves'><thead><tr><th>Out of sample</th>"
        "<th class='n'>By chance a year,<br>from the first half</th>"
        "<th class='n'>Opened a year<br>in the second half</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )
