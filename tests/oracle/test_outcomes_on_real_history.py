"""What followed eight years of openings: the engine's own, and counted with pandas."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from convex.backtest.replay import replay
from services.signals.core.confirmed import HISTORY_SESSIONS
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.legs.aligned import AlignedSessions, align
from services.signals.core.legs.history import LegHistory
from services.signals.core.outcomes.from_history import openings_of_history
from services.signals.core.outcomes.history_evaluator import HistoryEvaluator
from services.signals.core.outcomes.scoring import rescored
from services.signals.core.outcomes.summary import summarise
from shared.calendars import xnys_calendar
from shared.domain.divergences import Direction, Kind, Transition
from shared.files.timeline import Recording
from tests.oracle.pair_oracle import read_pair
from tests.support.builders_market import LEAD, OTHER, bar, pair
from tests.support.data import shared_data

GOLD = "pair_gold_daily_20121114_20210331.csv"
IWM = "pair_iwm_daily_20121114_20210331.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The aligned sessions, and the oracle's table of the same."""

    aligned: AlignedSessions
    table: pd.DataFrame


@pytest.fixture(scope="module")
def history() -> History:
    table = read_pair(shared_data(GOLD), shared_data(IWM))
    legs = LegHistory(limit=len(table)), LegHistory(limit=len(table))
    sessions = [str(each)[:10] for each in table["date"]]
    for leg, name, prices in ((legs[0], LEAD, table["gold"]), (legs[1], OTHER, table["adjusted"])):
        for session, close in zip(sessions, prices.tolist(), strict=True):
            leg.put(bar(session, close, instrument=name))
    assert HISTORY_SESSIONS < len(table) == 2107
    return History(aligned=align(*legs), table=table)


def test_the_openings_of_a_history_are_those_that_the_engine_makes_close_by_close(history: History) -> None:
    files = Recording(lead_files=(shared_data(GOLD),), other_files=(shared_data(IWM),))
    lived = replay(files, pair=pair(), rules=PUBLISHED_RULES, calendar=xnys_calendar(), code_version="test")
    opened = [
        (event.kind, event.direction, max(each.session for each in event.evidence.inputs if each.session))
        for event in lived.events
        if event.type is Transition.OPEN and event.kind.is_market and event.values.get("regime") != 0.0
    ]

    found = openings_of_history(history.aligned, HistoryEvaluator(PUBLISHED_RULES))

    assert len(opened) == 136
    assert sorted(opened) == sorted((each.kind, each.direction, each.session) for each in found)


def test_the_example_in_the_documentation_is_this_history(history: History) -> None:
    text = (Path(__file__).parents[2] / "docs" / "outcomes.md").read_text(encoding="utf-8")
    shown = re.findall(
        r"^\| `(\w+)` \| (\w+) \| (\d+) of (\d+) \| (\d+)% .*?\| (\d+)% \|", text, re.MULTILINE
    )

    found = rescored(openings_of_history(history.aligned, HistoryEvaluator(PUBLISHED_RULES)), history.aligned)

    assert [
        (kind, direction, int(hits), int(count), int(rate), int(usual))
        for kind, direction, hits, count, rate, usual in shown
    ] == [
        (
            *(one.kind.value, one.direction.value, one.hits, one.count),
            *(round(100 * (one.hit_rate.value or 0.0)), round(100 * (one.usual_rate or 0.0))),
        )
        for one in summarise(found, history.aligned)
        if one.horizon_sessions == 20
    ]


def test_what_followed_is_what_pandas_counts(history: History) -> None:
    found = rescored(openings_of_history(history.aligned, HistoryEvaluator(PUBLISHED_RULES)), history.aligned)
    table = history.table
    prices = table.set_index(pd.to_datetime(table["date"]).dt.strftime("%Y-%m-%d"))[["gold", "adjusted"]]

    for one in summarise(found, history.aligned):
        after = prices.shift(-one.horizon_sessions) / prices - 1.0
        at = [each.session for each in found if (each.kind, each.direction) == (one.kind, one.direction)]
        followed = after.loc[at].dropna()
        relative = (1.0 + followed["gold"]) / (1.0 + followed["adjusted"]) - 1.0
        assert one.count == len(followed)
        if (one.kind, one.direction) == (Kind.RATIO_STRETCH, Direction.RISK_ON):
            assert one.hits == (relative > 0).sum()
        if one.kind is Kind.HEDGE_LOST:
            assert one.hits == (followed["gold"] * followed["adjusted"] > 0).sum()
            usual = after.dropna()
            assert one.usual_rate == pytest.approx((usual["gold"] * usual["adjusted"] > 0).mean(), abs=1e-12)
        for estimate, moves in ((one.lead, followed["gold"]), (one.other, followed["adjusted"])):
            assert estimate.value == pytest.approx(np.log1p(moves).median(), abs=1e-12)
