"""The DataFrames of a result say what the CSV and the events say."""

import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import convex
from convex.backtesting.stats_csv import COLUMNS
from shared.contracts.records import DIVERGENCES
from shared.domain.kinds import statistic_of
from tests.unit.convex.dataframes.made_up_legs import made_up_legs


@pytest.fixture(scope="module")
def result() -> convex.BacktestResult:
    legs = made_up_legs()
    return convex.backtest(legs.gold, legs.iwm)


def test_the_statistics_are_those_of_the_csv_to_the_last_bit(
    result: convex.BacktestResult, tmp_path: Path
) -> None:
    path = tmp_path / "stats.csv"
    result.write(stats=path)
    with path.open(newline="") as lines:
        wanted = list(csv.DictReader(lines))

    found = result.statistics

    assert list(found.columns) == list(COLUMNS[1:])
    assert isinstance(found.index, pd.DatetimeIndex)
    assert [f"{session:%Y-%m-%d}" for session in found.index] == [row["session"] for row in wanted]
    for column in found.columns:
        cells = [row[column] for row in wanted]
        if column == "regime":
            assert found[column].dtype == "category"
            assert [each if isinstance(each, str) else "" for each in found[column]] == cells
        else:
            assert found[column].dtype == "float64"
            exact = [repr(float(cell)) if cell else "" for cell in cells]
            assert ["" if math.isnan(each) else repr(each) for each in found[column].tolist()] == exact
    assert found["z_90"].notna().any()
    assert found["z_90"].isna().any()


def test_each_event_has_a_row_with_what_it_states(result: convex.BacktestResult) -> None:
    table = result.events

    assert len(table) == len(result.event_values) > 0
    for row, event in zip(table.to_dict("records"), result.event_values, strict=True):
        assert row["event_id"] == event.event_id
        assert row["sequence"] == event.sequence
        assert (row["type"], row["kind"]) == (event.type.value, event.kind.value)
        assert row["direction"] == event.direction.value
        assert row["occurred_at"] == pd.Timestamp(event.occurred_at)
        value = event.values.get(statistic_of(event.kind, event.direction) or "")
        assert np.isnan(row["value"]) if value is None else row["value"] == value
        assert row["gold"] == event.legs[0].price
        assert row["iwm"] == event.legs[1].price
    confirmed = table[table["confirmation"] == "confirmed"]
    assert set(confirmed["session"]) <= set(result.statistics.index)


def test_the_statistic_of_a_confirmed_event_stands_in_the_row_of_its_session(
    result: convex.BacktestResult,
) -> None:
    opened = result.events.query("type == 'open' and kind == 'ratio_stretch'")

    assert len(opened)
    assert opened["value"].tolist() == result.statistics.loc[opened["session"], "z_90"].tolist()


def test_the_lines_of_the_events_are_what_the_live_service_publishes(result: convex.BacktestResult) -> None:
    lines = result.event_lines.splitlines()

    assert [DIVERGENCES.decode(line) for line in lines] == list(result.event_values)


def test_outcomes_say_how_often_a_claim_held_and_how_often_it_usually_does(
    result: convex.BacktestResult, tmp_path: Path
) -> None:
    table = result.outcomes

    path = tmp_path / "outcomes.csv"
    result.write(outcomes=path)
    with path.open(newline="") as lines:
        wanted = list(csv.DictReader(lines))

    assert list(table.columns) == list(wanted[0])
    for column in table.columns:
        cells = [row[column] for row in wanted]
        assert ["" if each != each else str(each) for each in table[column].tolist()] == cells
    assert table.groupby(["kind", "direction"])["horizon_sessions"].apply(tuple).unique().size == 1
    known = table[table["openings"] > 0]
    assert (known["hit_rate"] == known["hits"] / known["openings"]).all()
    assert (known["hit_rate_low"] <= known["hit_rate"]).all()
    assert (known["hit_rate_adjusted_high"] >= known["hit_rate_high"]).all()
    assert known["usual_rate"].between(0, 1).all()


def test_chance_stands_beside_what_opened(result: convex.BacktestResult) -> None:
    table = result.chance(paths=0)

    opened = result.events[result.events["type"] == "open"]["kind"].value_counts()
    assert table["opened"].to_dict() == {kind: int(opened.get(kind, 0)) for kind in table.index}
    assert table["chance_per_year"].notna().any()
    assert "file of figures" in table.attrs["source"]


@pytest.mark.parametrize("paths", [1, -1])
def test_one_history_has_no_error_and_is_refused(result: convex.BacktestResult, paths: int) -> None:
    with pytest.raises(convex.InputError, match=f"paths {paths}: must be 2 or more, or 0 for none"):
        result.chance(paths=paths)
    with pytest.raises(convex.InputError, match=f"report_paths {paths}: must be 2"):
        result.write(report="report.html", report_paths=paths)


def test_writing_needs_a_place_and_spares_the_input(result: convex.BacktestResult, tmp_path: Path) -> None:
    legs = made_up_legs(120)
    gold, iwm = legs.written(tmp_path)

    with pytest.raises(convex.InputError, match="write: needs a path"):
        result.write()
    with pytest.raises(convex.ConfigError, match="is the same file as the input"):
        convex.backtest(gold, iwm).write(stats=gold)
    assert gold.read_text().startswith("date,close\n")


def test_a_run_without_events_has_tables_without_rows() -> None:
    legs = made_up_legs(60)

    result = convex.backtest(legs.gold, legs.iwm)

    assert result.event_values == ()
    assert result.events.empty
    assert result.events["occurred_at"].dtype == "datetime64[ns, UTC]"
    assert result.outcomes.empty
    assert result.suppressed == {}
    assert repr(result) == "<BacktestResult of gold-iwm: 42 sessions, 2018-01-02 to 2018-03-02, 0 events>"


def test_notes_say_what_was_left_out() -> None:
    legs = made_up_legs(120)
    gold = legs.gold.copy()
    gold.iloc[3] = np.nan

    result = convex.backtest(gold, legs.iwm, skip_bad_rows=True)

    assert result.notes[0] == "gold: 1 row was left out: no usable price"
    assert len(result.statistics) == len(convex.backtest(legs.gold, legs.iwm).statistics) - 1
