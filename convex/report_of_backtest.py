"""The report of a backtest, with figures by chance that are computed from the data that it is about."""

from collections.abc import Mapping, Sequence

from convex.backtesting.report.beside import BesideFile
from convex.backtesting.report.chance import ChanceFigures, HalfCheck, figures_of_events, figures_of_history
from convex.backtesting.report.input_files import input_files
from convex.backtesting.report.page import report_bytes
from convex.backtesting.run import Backtest
from convex.calibrate.false_alarms import expect_false_alarms
from convex.calibrate.history import LEAST_RETURNS, History, read_history
from convex.calibrate.rule_openings import can_count
from convex.calibrate.second_half import check_second_half
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import FalseAlarms
from shared.calendars import xnys_calendar
from shared.domain.divergences import DivergenceEvent, Estimate
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar
from shared.errors import ConfigError
from shared.files.timeline import Recording

# A report is read, not quoted: twenty years of each history and twenty refits, as `convex calibrate` has by
# default, but only as many histories as take some seconds.
_YEARS, _REFITS, _SEED = 20, 20, 1


def report_of_backtest(backtest: Backtest, *, paths: int, beside: Sequence[BesideFile] = ()) -> bytes:
    """Return the report as HTML.

    Parameters
    ----------
    paths
        Synthetic histories for the figures by chance, at least 2; 0 shows the figures of the events.
    beside
        The files that are written with it.
    """
    figures = chance_of_data(
        backtest.recording,
        backtest.replayed.events,
        pair=backtest.pair,
        rules=backtest.rules,
        paths=paths,
        calendar=xnys_calendar(),
        figures=backtest.false_alarms,
    )
    return report_bytes(
        backtest.replayed,
        pair=backtest.pair,
        rules=backtest.rules,
        figures=figures,
        files=input_files(backtest.recording, backtest.pair, backtest.replayed.notes),
        beside=beside,
    )


def chance_of_data(
    recording: Recording,
    events: list[DivergenceEvent],
    *,
    pair: Pair,
    rules: tuple[Rule, ...],
    paths: int,
    calendar: SessionCalendar,
    figures: Mapping[tuple[str, str], FalseAlarms],
    has_halves: bool = True,
) -> ChanceFigures:
    """Return the figures of the recording's daily closes, or those of the events with the reason.

    Parameters
    ----------
    recording
        Files of ticks are left out.
    events
        What the backtest found in the recording.
    paths
        Synthetic histories, at least 2; 0 computes nothing.
    figures
        Those that the events were made with, by pair name and rule version.
    has_halves
        Whether to compute the figures of the first half, too, which takes as long again.
    """
    stated = (figures.get((pair.name, rule.version)) for rule in rules)
    known = [each for each in stated if each is not None and each.holds_for(pair)]
    if not paths:
        return figures_of_events(events, known=known)
    evaluated = tuple(rule for rule in rules if can_count(rule.kind, pair))
    daily = recording.without_ticks()
    if not evaluated or daily is None:
        missing = "daily closes of both legs" if evaluated else "a rule whose openings can be counted"
        return figures_of_events(
            events, why=f"No figure was computed from these data: it needs {missing}.", known=known
        )
    try:
        history = read_history(daily, pair=pair, calendar=calendar)
    except ConfigError as error:
        return figures_of_events(
            events, why=f"No figure was computed from these data: {_reason(error, recording)}.", known=known
        )
    found = expect_false_alarms(
        history, evaluated, pair=pair, seed=_SEED, paths=paths, years=_YEARS, refits=_REFITS
    )
    halves = _halves(history, evaluated, pair=pair, paths=paths) if has_halves else ()
    return figures_of_history(found, halves)


def _halves(history: History, rules: tuple[Rule, ...], *, pair: Pair, paths: int) -> tuple[HalfCheck, ...]:
    if history.lead.size // 2 < LEAST_RETURNS:
        return ()
    checked = check_second_half(
        history,
        rules,
        pair=pair,
        seed=_SEED,
        paths=paths,
        years=_YEARS,
        block_length=None,
        refits=_REFITS,
    )
    return tuple(
        HalfCheck(
            kind=each.expected.kind,
            expected=Estimate(value=each.expected.per_year, low=each.expected.low, high=each.expected.high),
            observed=each.observed.per_year if each.observed is not None else Estimate(value=None),
        )
        for each in checked
    )


def _reason(error: ConfigError, recording: Recording) -> str:
    """Return an error without the files' folders: a report says the same wherever they are."""
    text = str(error)
    for path in (*recording.lead_files, *recording.other_files):
        text = text.replace(str(path), path.name)
    return text
