"""The daily pair from June 2019 to June 2020, with the flight to safety of February and March 2020 inside."""

from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest

from tests.support.backtesting import backtest
from tests.support.data import shared_data
from tests.support.system import running_system

_START, _END = "2019-06-03", "2020-06-30"
# Every kind, those included that are context by default.
_RULES = "[opposite_moves]\nenabled = true\n[regime_change]\nenabled = true\n"


@pytest.mark.slow
async def test_flight_to_safety_is_reported_and_the_values_agree_with_pandas(
    any_broker: str, tmp_path: Path
) -> None:
    gold = shared_data("pair_gold_daily_20121114_20210331.csv")
    iwm = shared_data("pair_iwm_daily_20121114_20210331.csv")
    (tmp_path / "backtest.toml").write_text(_RULES)
    _, expected = backtest(
        *(tmp_path, "--gold", gold, "--iwm", iwm, "--start", _START, "--end", _END),
        *("--rules", tmp_path / "backtest.toml"),
    )
    # A regime ends as it begins, at once: one mail tells both.
    mails = [
        one
        for one in map(orjson.loads, expected)
        if (one["kind"], one["type"]) != ("regime_change", "closed")
    ]
    async with running_system(
        any_broker, tmp_path, lead_files=(gold,), other_files=(iwm,), start=_START, end=_END, rules=_RULES
    ) as system:
        await system.until(
            lambda: len(system.webhook_ids()) >= len(expected) and len(system.message_ids()) >= len(mails),
            what=f"all {len(expected)} events delivered both ways",
        )
        assert system.events() == expected

    events = [orjson.loads(line) for line in expected]
    flight = [event for event in events if event["type"] == "open" and event["direction"] == "risk_off"]
    assert any("2020-02-21" <= event["occurred_at"][:10] <= "2020-03-20" for event in flight)

    table = _pandas_table(gold, iwm)
    for event in events:
        session = event["evidence"]["inputs"][0]["session"]
        for name in table.columns.intersection(list(event["values"])):
            value = event["values"][name]
            assert value == pytest.approx(table.loc[session, name], rel=1e-9), f"{name} on {session}"


def _pandas_table(gold: Path, iwm: Path) -> pd.DataFrame:
    joined = (
        pd.read_csv(gold).merge(pd.read_csv(iwm), on="date", suffixes=("_gold", "_iwm")).set_index("date")
    )
    ratio = pd.Series(np.log(joined["close_gold"] / joined["adj_close"]))
    before = ratio.shift(1).rolling(90)
    lead = pd.Series(np.log(joined["close_gold"])).diff()
    other = pd.Series(np.log(joined["adj_close"])).diff()
    table = pd.DataFrame({"log_ratio": ratio, "mean_90": before.mean(), "std_90": before.std()})
    table["z_90"] = (ratio - table["mean_90"]) / table["std_90"]
    table["pctl_90"] = [
        np.nan if at < 90 else _rank(ratio.iloc[at], ratio.iloc[at - 90 : at]) for at in range(len(ratio))
    ]
    for size in (20, 60, 90, 252):
        table[f"corr_{size}"] = lead.rolling(size).corr(other)
    table["beta_60"] = lead.rolling(60).cov(other) / other.rolling(60).var()
    return table


def _rank(value: float, window: "pd.Series[float]") -> float:
    return float(((window < value).sum() + (window == value).sum() / 2) / len(window))
