"""Arguments that cannot be used are refused as ValueErrors that name them."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import convex
from tests.unit.convex.dataframes.made_up_legs import made_up_legs


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pair": "gold-slv"}, "pair gold-slv: is not known; known are gold-iwm"),
        ({"baseline": (0.9, 0.1)}, "baseline 0.9 0.1: "),
        ({"baseline": 0.5}, "baseline 0.5: must be two numbers, such as (0.4, 0.6)"),
        ({"baseline": (0.5,)}, "baseline (0.5,): must be two numbers"),
        ({"baseline": ("0.4", "0.6")}, "baseline ('0.4', '0.6'): must be two numbers"),
        ({"start": "1 June 2019"}, "start '1 June 2019': must be a date like '2019-06-03'"),
        ({"end": 2019}, "end: must be a date or text like '2019-06-03', was int"),
        ({"start": pd.NaT}, "start: must be a date or text like '2019-06-03', was NaTType"),
        ({"start": "2019-06-03", "end": "2019-06-02"}, "start 2019-06-03: is after end 2019-06-02"),
        ({"start": "2030-01-02"}, "gold: no session in common with iwm from 2030-01-02; give legs whose"),
        ({"timezone": "Europe/Nowhere"}, "timezone Europe/Nowhere: is not a zone"),
        ({"date_order": "dym"}, "date_order 'dym': is not known; known are dmy, mdy, ymd"),
        ({"decimal": ","}, "decimal ',': is not known; known are point, comma"),
        ({"false_alarms": "none.toml"}, "none.toml: cannot be read: No such file or directory"),
        ({"rules": "none.toml"}, "none.toml: cannot be read: No such file or directory"),
        ({"rules": {"ratio": {}}}, "rules: [ratio] is no kind of divergence; known are ratio_stretch"),
        ({"rules": {"ratio_stretch": {"warning": "2"}}}, "rules: [ratio_stretch] warning: "),
        ({"rules": []}, "rules: is empty; give at least one rule, or None for the default ones"),
        ({"rules": [convex.Rule(), convex.Rule()]}, "rules: ratio_stretch has two rules; give one of each"),
        ({"rules": [2.0]}, "rules: must be a path, a dictionary or convex.Rule, was float"),
        ({"rules": 2.0}, "rules: must be a path, a dictionary or convex.Rule, was float"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(options: dict[str, Any], said: str) -> None:
    legs = made_up_legs(120)

    with pytest.raises(ValueError) as caught:
        convex.backtest(legs.gold, legs.iwm, **options)

    assert str(caught.value).startswith(said)
    assert isinstance(caught.value, convex.InputError)
    assert isinstance(caught.value, convex.ConfigError)


def test_an_error_in_a_file_is_that_of_the_command(tmp_path: Path) -> None:
    gold, iwm = made_up_legs(120).written(tmp_path)
    gold.write_text("date,close\n2018-01-02,1300\n2018-01-03,abc\n")

    with pytest.raises(convex.InputError, match=r"gold\.csv: row 3: close: must be a positive number"):
        convex.backtest(gold, iwm)


def test_a_dictionary_of_rules_is_left_as_it_was() -> None:
    legs, rules = made_up_legs(120), {"pairs": {"gold-iwm": {"ratio_stretch": {"warning": 2.5}}}}

    result = convex.backtest(legs.gold, legs.iwm, rules=rules)

    assert rules == {"pairs": {"gold-iwm": {"ratio_stretch": {"warning": 2.5}}}}
    assert result.rules[0].warning == 2.5
