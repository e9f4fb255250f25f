"""The report tells every kind: how often, when, which way, and by which numbers."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from convex.backtesting.replay import Replayed, replay
from convex.backtesting.report.episodes import episodes_of, sessions_of
from convex.backtesting.report.page import report_bytes
from convex.backtesting.report.suppressed import REASONS
from convex.backtesting.stats_csv import stats_row
from services.signals.core.confirmed import Values
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import DEFAULT_RULES, PUBLISHED_RULES
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.data_quality import Cause
from services.signals.core.legs.history import day_of
from services.signals.core.outcomes.scoring import Opening, rescored
from services.signals.core.outcomes.summary import summarise
from services.signals.false_alarms.loading import load_false_alarms
from services.signals.metrics import SUPPRESSED
from shared.calendars import xnys_calendar
from shared.domain.divergences import (
    Direction,
    DivergenceEvent,
    Estimate,
    Kind,
    Severity,
    Significance,
    Transition,
)
from shared.domain.kinds import KIND_TRAITS
from shared.files.timeline import Recording
from shared.text.data_faults import describe_cause
from tests.support.data import shared_data
from tests.unit.convex.backtesting.report.test_page import PAIR, ROWS, checked, told

_REGIMES = (
    *(("2020-03-02", "NEUTRAL"), ("2020-03-03", "RISK_OFF"), ("2020-03-04", "RISK_OFF")),
    *(("2020-03-05", "NEUTRAL"), ("2020-03-06", "RISK_ON")),
)
TUESDAY, WEDNESDAY = "2020-03-04T01:15:00.000000Z", "2020-03-05T01:15:00.000000Z"


def both(kind: Kind, direction: Direction, **changes: Any) -> list[DivergenceEvent]:
    """Return an opening by Tuesday's close and an end by Wednesday's."""
    fields: dict[str, Any] = {
        "kind": kind,
        "direction": direction,
        "divergence_id": f"{kind}-{direction}",
        **changes,
    }
    return [
        told(Transition.OPEN, TUESDAY, "2020-03-03", **fields),
        told(Transition.CLOSED, WEDNESDAY, "2020-03-04", **fields),
    ]


def page_of(
    events: list[DivergenceEvent],
    *,
    rules: tuple[Rule, ...] = PUBLISHED_RULES,
    values: Mapping[str, Any] | None = None,
) -> str:
    replayed = Replayed(rows=ROWS, events=events, values=dict(values or {}))
    return report_bytes(replayed, pair=PAIR, rules=rules).decode()


def section(page: str, kind: Kind) -> str:
    """Return the words of one kind's section."""
    found = re.search(rf'<details class="kind" id="{kind.value}".*?</details>', page, flags=re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def row_of(page: str, kind: Kind) -> str:
    """Return the words of one kind's row in the overview."""
    rows = re.findall(r"<tr><td>(.*?)</tr>", page)
    (row,) = [each for each in rows if re.match(rf"(<a [^>]+>)?{KIND_TRAITS[kind].title}<", each)]
    return " ".join(re.sub(r"<[^>]+>", " ", row).split())


def test_divergences_are_numbered_within_their_kind() -> None:
    events = [
        *both(Kind.RATIO_STRETCH, Direction.RISK_OFF),
        *both(Kind.OPPOSITE_MOVES, Direction.RISK_OFF),
        *both(Kind.OPPOSITE_MOVES, Direction.RISK_ON),
    ]

    found = episodes_of(events, sessions_of(ROWS, {}), calendar=xnys_calendar())

    assert [each.anchor for each in found] == ["ratio_stretch-1", "opposite_moves-1", "opposite_moves-2"]


def test_peak_is_of_the_kinds_own_statistic_and_of_closes_that_nobody_was_reported_of() -> None:
    events = both(Kind.CORRELATION_BREAK, Direction.LOOSENING, values={"fisher_z": -2.7, "z_90": -9.0})
    values: dict[str, Values] = {
        "2020-03-03": {"fisher_z": -2.7},
        "2020-03-04": {"fisher_z": -3.1},
        "2020-03-05": {"fisher_z": -8.0},
    }

    (episode,) = episodes_of(events, sessions_of(ROWS, values), calendar=xnys_calendar())

    assert episode.peak == -3.1


def test_ratio_after_an_opening_counts_from_the_next_close() -> None:
    events = both(Kind.HEDGE_LOST, Direction.RISK_OFF, values={"corr_ci_60_low": 0.2})

    (episode,) = episodes_of(events, sessions_of(ROWS, {}), calendar=xnys_calendar())

    assert episode.after[0].ratio == pytest.approx((1670 / 142) / (1632 / 148) - 1)


def test_correlation_is_reported_with_its_interval_and_what_chance_would_say() -> None:
    significance = Significance(
        correlation=Estimate(value=-0.7, low=-0.88, high=-0.37),
        effective_size=19.4,
        false_alarms_per_year=0.96,
    )

    page = page_of(both(Kind.CORRELATION_BREAK, Direction.LOOSENING, significance=significance))

    assert "−0.70, n 19 −0.88 … −0.37" in section(page, Kind.CORRELATION_BREAK)
    assert row_of(page, Kind.CORRELATION_BREAK).endswith(" 1 0.96 0 1 0")


def test_change_of_the_regime_says_from_what_to_what() -> None:
    page = page_of(
        both(
            Kind.REGIME_CHANGE, Direction.RISK_ON, values={"regime_before": 1.0, "regime": 0.0, "z_90": -0.38}
        )
    )

    assert "1 risk-off → neutral 3 Mar 2020 −0.38" in section(page, Kind.REGIME_CHANGE)


def test_fault_says_which_leg_why_and_how_long() -> None:
    page = page_of(both(Kind.DATA_FAULT, Direction.OTHER, values={"missing_bar": 0.0}))

    assert "IWM missing bar 3 Mar 2020 20:15 4 Mar 2020 20:15 1 d" in section(page, Kind.DATA_FAULT)
    assert "session after" not in section(page, Kind.DATA_FAULT)


def test_overview_counts_openings_and_critical_ones_of_every_kind() -> None:
    values = {row[0]: {"opposite_moves": 1.0} for row in ROWS}
    page = page_of(both(Kind.OPPOSITE_MOVES, Direction.RISK_OFF, severity=Severity.CRITICAL), values=values)

    # Opened, critical, sessions at the median, sessions diverged.
    assert row_of(page, Kind.OPPOSITE_MOVES) == "Opposite moves Did the legs just move apart? 1 1 1 1"
    assert row_of(page, Kind.RATIO_STRETCH) == "Ratio stretch Is Gold rich or cheap against IWM? 0 0 0"


def test_kind_without_a_rule_is_off_and_has_no_lane() -> None:
    page = page_of([], rules=(Rule(),))

    assert row_of(page, Kind.DATA_FAULT).endswith("switched off")
    assert row_of(page, Kind.OPPOSITE_MOVES).endswith("context: opens only if a rule enables it")
    assert 'class="lane"' not in page
    assert page_of([]).count('class="lane"') == len(Kind) - 1


def test_regime_is_shown_although_its_changes_are_no_divergences() -> None:
    rows = [stats_row(label, lead=1.0, other=1.0, values={}, regime=regime) for label, regime in _REGIMES]
    values: dict[str, Values] = {label: {"z_90": 0.0} for label, _ in _REGIMES[1:]}

    page = report_bytes(Replayed(rows=rows, values=values), pair=PAIR, rules=DEFAULT_RULES).decode()

    # The first session is history: nobody was told of its regime, so the next one is not a change.
    assert "<dt>regime changes</dt><dd>2</dd>" in page
    assert 'class="lane"' in page
    assert page.count('<rect class="regime ') == 2
    assert row_of(page, Kind.REGIME_CHANGE).endswith("context: opens only if a rule enables it")


def test_lane_shows_the_direction_by_its_side() -> None:
    marks = {}
    for direction in (Direction.TIGHTENING, Direction.LOOSENING):
        found = re.search(
            r'<a class="mark".*? y="([\d.]+)"',
            page_of(both(Kind.CORRELATION_BREAK, direction)),
            flags=re.DOTALL,
        )
        assert found is not None
        marks[direction] = float(found[1])

    assert marks[Direction.TIGHTENING] < marks[Direction.LOOSENING]


def test_open_divergence_reaches_the_edge_of_its_lane() -> None:
    opened = both(Kind.HEDGE_LOST, Direction.RISK_OFF)[:1]
    widths = {
        state: float(re.findall(r'<a class="mark".*?width="([\d.]+)"', page, flags=re.DOTALL)[0])
        for state, page in (
            ("open", page_of(opened)),
            ("ended", page_of(both(Kind.HEDGE_LOST, Direction.RISK_OFF))),
        )
    }

    assert widths["open"] > 4 * widths["ended"]


def test_every_reason_that_a_backtest_can_count_and_every_cause_has_words() -> None:
    # A record without a pair is not in a file.
    assert set(SUPPRESSED) - {"no_pair"} <= set(REASONS)
    assert all(describe_cause(cause).sentence for cause in Cause)


def test_eight_years_are_reported_kind_by_kind() -> None:
    recording = Recording(
        lead_files=(shared_data("pair_gold_daily_20121114_20210331.csv"),),
        other_files=(shared_data("pair_iwm_daily_20121114_20210331.csv"),),
    )
    replayed = replay(
        recording,
        pair=PAIR,
        rules=PUBLISHED_RULES,
        calendar=xnys_calendar(),
        code_version="test",
        false_alarms=load_false_alarms(None),
    )

    page = report_bytes(replayed, pair=PAIR, rules=PUBLISHED_RULES).decode()
    found = checked(page)

    assert {f'id="{link[1:]}"' in page for link in found.links} == {True}
    assert {kind.value for kind in Kind} <= {link[1:] for link in found.links}
    # January 2015: gold's file has no 20th.
    assert "Gold missing bar 20 Jan 2015 22:15 21 Jan 2015 20:15 22 h" in section(page, Kind.DATA_FAULT)
    assert "28 Sep 2020" in section(page, Kind.CORRELATION_BREAK)
    # Shipped with the published rules.
    assert row_of(page, Kind.CORRELATION_BREAK).endswith(" 10 1.4 0.65 to 2.5 0.96 0.71 to 1.3 3 11.5 123")


def test_what_followed_says_how_many_openings_are_independent_and_what_their_rate_allows() -> None:
    """Ratio stretches every fourth session: none overlap over 1 session, all of them do over 20."""
    sessions = [f"2020-{month:02}-{day:02}" for month in range(1, 7) for day in range(1, 28)]
    days = np.array([day_of(each) for each in sessions], np.int32)
    up = np.linspace(0.0, 1.0, len(sessions))
    aligned = AlignedSessions(
        days=days,
        lead=np.exp(up),
        other=np.ones_like(up),
        log_ratio=up,
        lead_returns=np.diff(up),
        other_returns=np.zeros(len(up) - 1),
    )
    openings = [
        Opening(kind=Kind.RATIO_STRETCH, direction=Direction.RISK_ON, session=each)
        for each in sessions[:32:4]
    ]
    outcomes = summarise(rescored(openings, aligned), aligned)

    page = report_bytes(Replayed(rows=ROWS, outcomes=outcomes), pair=PAIR, rules=PUBLISHED_RULES).decode()

    text = " ".join(checked(page).text.split())
    assert "Ratio stretch, risk-on A hit: the ratio came back: Gold outperformed IWM." in text
    assert "1 8 of 8 8 100%" in text
    assert "20 8 of 8 1 100%" in text
    assert "Returns start at the first close of both legs after the opening was reported" in text
    assert "all 3 contain theirs together with 95%" in text
    # The ratio rises in every session, so hits are usual.
    assert "nothing here is shown to be unusual" in text


def test_what_followed_nothing_says_so() -> None:
    assert "Nothing opened that something should follow." in page_of([])
