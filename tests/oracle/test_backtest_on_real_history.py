"""``convex backtest`` over eight real years against the pandas and scipy table, and what it says of 2020."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from tests.oracle.pair_oracle import COLUMNS, stats_table
from tests.support.backtesting import backtest
from tests.support.data import shared_data

EVERY = 11
GOLD = "pair_gold_daily_20121114_20210331.csv"
IWM = "pair_iwm_daily_20121114_20210331.csv"
_NAMES = {"return_5_lead": "return_5_gold", "return_5_other": "return_5_iwm"}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, str]], list[dict[str, object]]]:
    folder = tmp_path_factory.mktemp("backtest")
    stats, lines = backtest(folder, "--gold", shared_data(GOLD), "--iwm", shared_data(IWM))
    with Path(stats).open() as rows:
        return list(csv.DictReader(rows)), [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def oracle() -> pd.DataFrame:
    return stats_table(shared_data(GOLD), shared_data(IWM), every=EVERY)


@pytest.mark.parametrize("column", COLUMNS)
def test_column_equals_the_oracle_and_is_empty_where_it_has_none(
    written: tuple[list[dict[str, str]], list[dict[str, object]]], oracle: pd.DataFrame, column: str
) -> None:
    rows = written[0][(len(written[0]) - 1) % EVERY :: EVERY]
    assert [row["session"] for row in rows] == list(oracle["session"])
    for row, expected in zip(rows, oracle[column], strict=True):
        if pd.isna(expected):
            assert row[column] == "", f"{column} of {row['session']}"
        elif isinstance(expected, str):
            assert row[column] == expected
        else:
            assert float(row[column]) == pytest.approx(float(expected), rel=1e-9, abs=0.0), row["session"]


def test_flight_to_safety_of_february_2020_is_reported_once_as_critical(
    written: tuple[list[dict[str, str]], list[dict[str, object]]],
) -> None:
    stretches = [event for event in written[1] if event["kind"] == "ratio_stretch"]
    of_2020 = [event for event in stretches if "2020-02-15" <= str(event["occurred_at"]) <= "2020-03-31"]

    (opened,) = of_2020
    assert (opened["type"], opened["direction"]) == ("open", "risk_off")
    assert (opened["severity"], opened["confirmation"]) == ("critical", "confirmed")
    # The close of Monday, February 24, known at 20:15 in New York.
    assert opened["occurred_at"] == "2020-02-25T01:15:00.000000Z"
    evidence = opened["evidence"]
    assert isinstance(evidence, dict)
    assert [each["session"] for each in evidence["inputs"]] == ["2020-02-24", "2020-02-24"]


def test_every_event_stands_on_the_row_of_its_session(
    written: tuple[list[dict[str, str]], list[dict[str, object]]],
) -> None:
    rows = {row["session"]: row for row in written[0]}
    assert written[1]
    for event in written[1]:
        values, evidence = event["values"], event["evidence"]
        assert isinstance(values, dict)
        assert isinstance(evidence, dict)
        row = rows[evidence["inputs"][0]["session"]]
        # The file names the legs, the event their roles; what is left are numbers of a fault or a regime.
        named = {_NAMES.get(name, name): value for name, value in values.items()}
        shown = {name: value for name, value in named.items() if name in row and name != "regime"}
        assert {"corr_20", "corr_252", "beta_60"} <= set(shown) or event["kind"] == "data_fault"
        assert {name: "" if value is None else repr(value) for name, value in shown.items()} == {
            name: row[name] for name in shown
        }
