"""Shares, rates and years are counted over the sessions in which a divergence could open, and no others."""

import csv
import io
import re
from bisect import bisect_left
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from convex.backtesting.replay import Replayed
from convex.backtesting.report.page import report_bytes
from convex.backtesting.run import Backtest, run_backtest
from convex.backtesting.stats_csv import stats_bytes
from convex.dataframes.result import BacktestResult
from convex.what_if.result import what_if
from convex.what_if.runs import NamedRules, runs_of_files
from services.signals.core.divergence.rules import Rule
from shared.calendars import xnys_calendar
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.instants import format_rfc3339
from shared.files.timeline import Recording
from tests.support.html_tables import table_rows
from tests.unit.convex.backtesting.report.test_kinds import both, page_of, row_of
from tests.unit.convex.backtesting.report.test_page import PAIR, ROWS

CALENDAR = xnys_calendar()
BEGIN, SESSIONS, HISTORY = bisect_left(CALENDAR.labels, "2017-01-03"), 700, 430
LABELS = CALENDAR.labels[BEGIN : BEGIN + SESSIONS]
FIRST = LABELS[HISTORY]
# Decided by closes alone, at a level that a short history reaches often.
RULE = Rule(kind=Kind.OPPOSITE_MOVES, warning=0.8, critical=2.0, leave=0.3)


def written(folder: Path, name: str, head: str, rows: list[str]) -> Path:
    path = folder / name
    path.write_text("\n".join([head, *rows, ""]))
    return path


def recording(folder: Path, way: str) -> Recording:
    """Return two legs in which nothing may open before `FIRST`, be it because of a date or of ticks."""
    rng = np.random.default_rng(8)
    gold = 1_300 * np.exp(np.cumsum(rng.normal(0, 0.007, SESSIONS)))
    iwm = 150 * np.exp(np.cumsum(rng.normal(0, 0.011, SESSIONS)))
    of_gold = [f"{label},{close:.2f}" for label, close in zip(LABELS, gold, strict=True)]
    of_iwm = [f"{label},{close:.2f}" for label, close in zip(LABELS, iwm, strict=True)]
    other = (written(folder, "iwm.csv", "date,close", of_iwm),)
    if way == "start":
        lead = written(folder, "gold.csv", "date,close", of_gold)
        # Without a row for the sessions before it: the windows are filled all the same.
        return Recording(lead_files=(lead,), other_files=other, start=date.fromisoformat(FIRST))
    lead = written(folder, "gold.csv", "date,close", of_gold[:HISTORY])
    minute = 60_000_000_000
    ticks = [
        f"{format_rfc3339(CALENDAR.close_ns[BEGIN + at] - before * minute)},{gold[at]:.2f},{gold[at]:.2f}"
        for at in range(HISTORY, SESSIONS)
        for before in (2, 1)
    ]
    return Recording(
        lead_files=(lead, written(folder, "ticks.csv", "ts_utc,bid,ask", ticks)), other_files=other
    )


@pytest.fixture(scope="module", params=["start", "ticks"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backtest:
    folder = tmp_path_factory.mktemp(request.param)
    return run_backtest(recording(folder, request.param), pair=PAIR, rules=(RULE,), false_alarms={})


def observed_of(replayed: Replayed) -> list[str]:
    """Return the sessions from the first that may open on, from the file of the statistics."""
    rows = csv.DictReader(io.StringIO(stats_bytes(replayed.rows).decode()))
    return [row["session"] for row in rows if row["session"] >= FIRST]


def diverged_of(replayed: Replayed, observed: list[str]) -> set[str]:
    """Return the sessions from each opening until before its end, from the events alone."""
    inside: set[str] = set()
    for opened in (each for each in replayed.events if each.type is Transition.OPEN):
        if not opened.kind.is_market:
            continue
        end = next(
            (
                each.evidence.inputs[0].session
                for each in replayed.events
                if each.divergence_id == opened.divergence_id and each.type.is_final
            ),
            None,
        )
        begin = opened.evidence.inputs[0].session
        assert begin is not None
        inside.update(label for label in observed if begin <= label and (end is None or label < end))
    return inside


def test_share_of_sessions_diverged_is_of_those_in_which_one_could_open(run: Backtest) -> None:
    observed = observed_of(run.replayed)
    diverged = diverged_of(run.replayed, observed)
    page = report_bytes(run.replayed, pair=PAIR, rules=run.rules).decode()

    assert 252 <= len(observed) < SESSIONS - HISTORY + 1
    assert len(diverged) > 20
    share = f"{100 * len(diverged) / len(observed):.0f}%"
    assert f"<dd>{share}</dd><dd class='note'>{len(diverged)} of {len(observed)} in which one" in page
    row = next(row for row in table_rows(page, "kinds") if row[0][0] == "Opposite moves")
    assert row[-1][0] == str(len(diverged))


def test_rates_of_the_verdict_the_table_the_api_and_what_if_are_over_the_same_sessions(run: Backtest) -> None:
    observed = len(observed_of(run.replayed))
    opened = [
        each
        for each in run.replayed.events
        if each.type is Transition.OPEN and each.kind is Kind.OPPOSITE_MOVES
    ]
    page = report_bytes(run.replayed, pair=PAIR, rules=run.rules).decode()
    rate = len(opened) * 252 / observed

    alerts = len(run.replayed.events)
    assert f"sent {alerts:,} alerts, {alerts * 252 / observed:.1f} a year," in page
    row = next(row for row in table_rows(page, "kinds") if row[0][0] == "Opposite moves")
    assert row[3][0] == f"{rate:.1f}"
    table = BacktestResult(run).chance(paths=0)
    assert table.loc["opposite_moves", "opened_per_year"] == pytest.approx(rate, rel=1e-12)
    named = NamedRules(name="rules", rules=run.rules)
    found = what_if(
        runs_of_files(run.recording, pair=PAIR, present=named, new=named, figures={}),
        figures={},
        calendar=CALENDAR,
    )
    (side,) = [each.new for each in found.kinds if each.kind is Kind.OPPOSITE_MOVES]
    assert side.per_year == pytest.approx(rate, rel=1e-12)


def test_months_in_which_nothing_could_open_are_blank_in_the_calendar(run: Backtest) -> None:
    page = report_bytes(run.replayed, pair=PAIR, rules=run.rules).decode()

    (body,) = re.findall(r'<table class="calendar">.*?<tbody>(.*?)</tbody>', page, flags=re.DOTALL)
    rows = re.findall(r'<tr><th scope="row">(\d+)</th>(.*?)</tr>', body)
    months = {
        f"{year}-{at:02}": classes
        for year, cells in rows
        for at, classes in enumerate(re.findall(r'<td class="([^"]*)"', cells)[:12], 1)
    }
    known = {label[:7] for label in observed_of(run.replayed)}
    assert {month for month, classes in months.items() if "outside" not in classes} == known


def test_sessions_before_the_windows_are_full_count_for_nothing() -> None:
    labels = [row[0] for row in ROWS]
    events = both(Kind.OPPOSITE_MOVES, Direction.RISK_OFF)

    # Committed, but no statistic of a kind that is on has a value on the first day, nor on the last.
    values = {label: {"opposite_moves": 1.0 if 0 < at < 5 else None} for at, label in enumerate(labels)}
    page = page_of(events, values=values)

    assert "1 of 4 in which one could open" in page
    assert "6 sessions, in 4 of which a divergence could open" in page
    # Another kind's statistic does not make this kind observed.
    ratio = page_of(events, values={label: {"z_90": 1.0} for label in labels})
    assert "1 of 6 in which one could open" in ratio
    assert row_of(ratio, Kind.OPPOSITE_MOVES).endswith(" 0")


def test_no_session_in_which_one_could_open_has_no_share() -> None:
    page = page_of(both(Kind.OPPOSITE_MOVES, Direction.RISK_OFF))

    assert "<dd>—</dd><dd class='note'>no session in which a divergence could open</dd>" in page
