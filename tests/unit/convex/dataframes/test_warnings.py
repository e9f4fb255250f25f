"""A leg in memory gives the warnings that its file gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import convex
from tests.unit.convex.dataframes.made_up_legs import made_up_legs

_GOLD, _IWM = made_up_legs(200).gold, made_up_legs(200).iwm

_Legs = Callable[[], tuple[pd.DataFrame, pd.DataFrame]]


def _notes(gold: Any, iwm: Any) -> tuple[str, ...]:
    return convex.backtest(gold, iwm).notes


@pytest.mark.parametrize(
    ("legs", "said"),
    [
        (lambda: (_GOLD, _GOLD), "iwm: has the closes of gold in all"),
        (lambda: (_GOLD[:150], _IWM), "gold: ends on 2018-05-31"),
        (lambda: (_GOLD, _IWM[:150]), "iwm: ends on 2018-05-31"),
        (lambda: (_GOLD, _IWM[["close"]]), "iwm: has no adj_close"),
        (lambda: (_GOLD, _IWM), "iwm: has rows on"),
        (lambda: (_GOLD.drop(_GOLD.index[20:40]), _IWM), "gold: lacks"),
    ],
)
def test_warnings_of_a_table_are_those_of_its_file(legs: _Legs, said: str, tmp_path: Path) -> None:
    gold, iwm = legs()
    paths = tmp_path / "gold.csv", tmp_path / "iwm.csv"
    for path, table in zip(paths, (gold, iwm), strict=True):
        table.to_csv(path, index_label="date")

    notes = _notes(gold, iwm)

    assert any(each.startswith(said) for each in notes)
    of_files = [each.replace(f"{tmp_path}/", "").replace(".csv", "") for each in _notes(*paths)]
    assert list(notes) == of_files


@pytest.mark.parametrize("is_series", [True, False])
def test_legs_whose_columns_are_named_the_other_way_round_are_named(is_series: bool) -> None:
    gold = _GOLD["close"].rename("IWM")

    notes = _notes(gold if is_series else gold.to_frame(), _IWM)

    assert "gold: 'IWM' names the other leg, but it is given for" in " ".join(notes)


def test_what_yfinance_returns_is_taken_as_adjusted() -> None:
    columns = pd.MultiIndex.from_product([["Close", "High", "Low", "Open", "Volume"], ["IWM"]])
    iwm = pd.DataFrame(dict.fromkeys(columns, _IWM["close"]), index=_IWM.index)

    notes = " ".join(_notes(_GOLD, iwm))

    assert "so Close is taken as adjusted" in notes
    assert "iwm: has no adj_close" not in notes.replace("iwm: no adj_close", "")
