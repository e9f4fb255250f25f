"""The report compares what opened with what chance opens, and says whose figures it shows."""

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from convex.backtesting.replay import Replayed
from convex.backtesting.report.chance import (
    ChanceFigures,
    HalfCheck,
    figures_of_events,
    figures_of_history,
    observed_here,
)
from convex.backtesting.report.episodes import Session, episodes_of
from convex.backtesting.report.page import report_bytes
from convex.report_of_backtest import chance_of_data
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import FalseAlarms
from services.signals.core.kinds.registry import PUBLISHED_RULES
from shared.calendars import xnys_calendar
from shared.domain.divergences import (
    Direction,
    Estimate,
    Interval,
    Kind,
    Null,
    Significance,
    Transition,
)
from shared.files.timeline import Recording
from tests.support.builders_kinds import chance_of, divergence_of
from tests.unit.convex.backtesting.report.test_page import PAIR, ROWS, checked, told

CALENDAR = xnys_calendar()
FIGURE = FalseAlarms(
    pair="gold-iwm",
    kind=Kind.RATIO_STRETCH,
    rule_version="ratio_stretch-1-0",
    per_year=3.9,
    standard_error=0.04,
    low=3.6,
    high=4.2,
    refits=20,
    null=Null.UNRELATED_LEGS,
    block_length=64.0,
    paths=50,
    years=20,
    seed=1,
    first_session="2012-11-14",
    last_session="2021-03-31",
    returns=2_106,
    observed=29,
    observed_sessions=2_017,
)
OPENED = told(Transition.OPEN, "2020-03-04T01:15:00.000000Z", "2020-03-03")


def sessions(count: int, *, z: float | None = 0.5) -> tuple[Session, ...]:
    return tuple(
        Session(
            label=label, lead=1.0, other=1.0, log_ratio=0.0, z=z, evaluated={"z_90": z}, regime="", columns={}
        )
        for label in CALENDAR.labels[-count:]
    )


def words(page: bytes) -> str:
    """Return the section about chance as a person reads it."""
    found = re.search(r'<section id="chance">.*?</section>', page.decode(), flags=re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def report(figures: ChanceFigures | None = None, rules: tuple[Rule, ...] = (Rule(),)) -> bytes:
    page = report_bytes(Replayed(rows=ROWS, events=[OPENED]), pair=PAIR, rules=rules, figures=figures)
    checked(page.decode())
    return page


def test_openings_of_this_run_take_the_place_of_those_the_figure_was_made_with() -> None:
    episodes = episodes_of([OPENED], sessions(504), calendar=CALENDAR)

    seen = observed_here(Kind.RATIO_STRETCH, episodes, sessions(504), chance_of(Kind.RATIO_STRETCH))

    assert seen.observed is not None
    assert (seen.observed.count, seen.observed.per_year.value) == (1, 0.5)
    # Garwood's interval of one event in two years: chi-squared quantiles, 0.0253 and 5.5716, by two.
    assert seen.observed.per_year.low == pytest.approx(0.01266, abs=1e-5)
    assert seen.observed.per_year.high == pytest.approx(2.78582, abs=1e-5)
    assert seen.false_alarms_per_year == 3.6


def test_regime_changes_are_counted_where_the_ratio_is_known() -> None:
    seen = observed_here(Kind.REGIME_CHANGE, [], sessions(252), None)

    assert seen.observed is not None
    assert seen.observed.per_year.value == 0.0
    assert seen.false_alarms_per_year is None


@pytest.mark.parametrize("known", [sessions(251), sessions(600, z=None), ()])
def test_less_than_a_year_of_sessions_gives_no_rate(known: tuple[Session, ...]) -> None:
    assert observed_here(Kind.RATIO_STRETCH, [], known, chance_of(Kind.RATIO_STRETCH)).observed is None


def test_report_of_its_own_figures_says_that_they_are_in_sample_with_the_error_and_the_second_half() -> None:
    halves = (
        HalfCheck(
            kind=Kind.RATIO_STRETCH,
            expected=Estimate(value=3.8, low=3.4, high=4.2),
            observed=Estimate(value=3.1, low=1.7, high=5.3),
        ),
        HalfCheck(kind=Kind.HEDGE_LOST, expected=Estimate(value=0.11), observed=Estimate(value=None)),
    )

    said = words(report(figures_of_history([FIGURE], halves)))

    assert "Chance alone would open this 3.9 times a year (95%: 3.6 to 4.2)." in said
    assert "computed from these closes, 14 Nov 2012 to 31 Mar 2021, by 50 synthetic histories of 20" in said
    assert "a standard error of at most 0.04 a year" in said
    assert "This is in sample" in said
    assert "Ratio stretch 3.8 3.4 to 4.2 3.1 1.7 to 5.3" in said
    assert "Hedge lost 0.11 " in said


def test_report_without_figures_of_its_own_says_whose_it_shows() -> None:
    stated = replace(OPENED, significance=chance_of(Kind.RATIO_STRETCH))

    shown = figures_of_events([stated], why="No figure was computed from these data: too short.")
    said = words(report(shown))

    assert "Chance alone would open this 3.6 times a year" in said
    assert "No figure was computed from these data: too short. The figures by chance are those that" in said
    assert "in sample" not in said


def test_report_of_events_without_a_figure_says_that_none_is_known() -> None:
    bare = Significance(correlation=None, effective_size=None, false_alarms_per_year=None)
    fault = divergence_of(Kind.DATA_FAULT, Direction.LEAD)

    assert figures_of_events([replace(OPENED, significance=bare), fault]).by_kind == {}
    said = words(report())
    assert "Ratio stretch No figure exists for this rule" in said
    assert "No figure by chance is known for these rules and this pair." in said


def test_kinds_that_are_off_and_faults_are_not_compared() -> None:
    said = words(report(rules=tuple(rule for rule in PUBLISHED_RULES if rule.kind is not Kind.HEDGE_LOST)))

    assert "Opposite moves" in said
    assert "Hedge lost" not in said
    assert "Data fault" not in said


def recording(folder: Path, *, days: int, has_ticks: bool = False) -> Recording:
    files = []
    for seed, name in enumerate(("gold", "iwm")):
        closes = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, days)))
        files.append(folder / f"{name}.csv")
        rows = [f"{date(2014, 1, 2) + timedelta(days=at)},{each:.4f}\n" for at, each in enumerate(closes)]
        files[-1].write_text("date,close\n" + "".join(rows))
    if has_ticks:
        ticks = folder / "ticks.csv"
        ticks.write_text("ts_utc,bid,ask\n2019-05-02T12:00:00Z,100,101\n")
        return Recording(lead_files=(ticks,), other_files=(files[1],))
    return Recording(lead_files=(files[0],), other_files=(files[1],))


def test_figures_come_from_the_data_and_their_halves(tmp_path: Path) -> None:
    found = chance_of_data(
        recording(tmp_path, days=1_500),
        [],
        pair=PAIR,
        rules=(Rule(),),
        paths=2,
        calendar=CALENDAR,
        figures={},
    )

    assert found.by_kind[Kind.RATIO_STRETCH].null is Null.UNRELATED_LEGS
    assert isinstance(found.by_kind[Kind.RATIO_STRETCH].interval, Interval)
    assert found.by_kind[Kind.RATIO_STRETCH].observed is not None
    assert [each.kind for each in found.halves] == [Kind.RATIO_STRETCH]
    assert "computed from these closes" in found.source[0]


def test_history_too_short_to_divide_has_no_halves(tmp_path: Path) -> None:
    found = chance_of_data(
        recording(tmp_path, days=900), [], pair=PAIR, rules=(Rule(),), paths=2, calendar=CALENDAR, figures={}
    )

    assert found.by_kind
    assert found.halves == ()


@pytest.mark.parametrize(
    ("days", "has_ticks", "rules", "paths", "why"),
    [
        (600, False, (Rule(),), 2, "sessions in common; give at least 505, two years."),
        (900, True, (Rule(),), 2, "it needs daily closes of both legs."),
        (900, False, (Rule(kind=Kind.DATA_FAULT),), 2, "it needs a rule whose openings can be counted."),
        (900, False, (Rule(),), 0, "No figure by chance is known for these rules and this pair."),
    ],
)
def test_data_that_give_no_figure_say_why(
    tmp_path: Path, days: int, has_ticks: bool, rules: tuple[Rule, ...], paths: int, why: str
) -> None:
    given = recording(tmp_path, days=days, has_ticks=has_ticks)

    found = chance_of_data(given, [], pair=PAIR, rules=rules, paths=paths, calendar=CALENDAR, figures={})

    assert found.by_kind == {}
    assert why in " ".join(found.source)


def test_data_too_short_for_a_figure_show_the_files_also_for_a_rule_that_opened_nothing(
    tmp_path: Path,
) -> None:
    """Would have caught: the report said that no figure exists for a rule that had one."""
    rule = Rule()
    stated = replace(FIGURE, kind=rule.kind, rule_version=rule.version)

    found = chance_of_data(
        recording(tmp_path, days=600),
        [],
        pair=PAIR,
        rules=(rule,),
        paths=2,
        calendar=CALENDAR,
        figures={(PAIR.name, rule.version): stated},
    )

    assert found.by_kind[rule.kind].false_alarms_per_year == stated.per_year
    assert "come from the file of figures, not from these data" in " ".join(found.source)
