"""What followed eight years of openings: the engine's own, and counted with pandas."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from convex.backtesting.replay import replay
from services.signals.core.confirmed import HISTORY_SESSIONS
from services.signals.core.kinds.claim import Moves, hits
from services.signals.core.kinds.registry import CLAIMS, PUBLISHED_RULES
from services.signals.core.legs.aligned import AlignedSessions, align
from services.signals.core.legs.history import LegHistory
from services.signals.core.outcomes.from_history import openings_of_history
from services.signals.core.outcomes.history_evaluator import HistoryEvaluator
from services.signals.core.outcomes.scoring import HORIZONS, rescored
from services.signals.core.outcomes.summary import summarise
from shared.calendars import xnys_calendar
from shared.domain.divergences import Direction, Kind, Transition
from shared.files.timeline import Recording
from shared.pairs.loading import load_pairs
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
    assert lived.outcomes == summarise(rescored(found, history.aligned), history.aligned)


def test_the_example_in_the_documentation_is_this_history(history: History) -> None:
    text = (Path(__file__).parents[2] / "docs" / "outcomes.md").read_text(encoding="utf-8")
    shown = re.findall(
        r"^\| `(\w+)` \| (\w+) \| (\d+) of (\d+) \| (\d+) \| (\d+)% "
        r"\((\d+) to (\d+)%\) \| (\d+) to (\d+)% \| (\d+)% \|",
        text,
        re.MULTILINE,
    )

    # The shipped pair has a baseline, so evidence breaks open too.
    (shipped, *_) = load_pairs("replay")
    opened = openings_of_history(history.aligned, HistoryEvaluator(PUBLISHED_RULES), shipped.agreement)
    found = rescored(opened, history.aligned)

    assert [(kind, direction, *map(int, numbers)) for kind, direction, *numbers in shown] == [
        (
            *(one.kind.value, one.direction.value, one.hits, one.count, one.episodes),
            *(percent(each) for each in (one.hit_rate.value, one.hit_rate.low, one.hit_rate.high)),
            *(percent(each) for each in (adjusted.low, adjusted.high, one.usual_rate)),
        )
        for one in summarise(found, history.aligned)
        if one.horizon_sessions == 20 and one.count and (adjusted := one.hit_rate_adjusted) is not None
    ]


def percent(share: float | None) -> int:
    assert share is not None
    return round(100 * share)


def test_what_followed_is_what_pandas_counts(history: History) -> None:
    found = rescored(openings_of_history(history.aligned, HistoryEvaluator(PUBLISHED_RULES)), history.aligned)
    table = history.table
    prices = table.set_index(pd.to_datetime(table["date"]).dt.strftime("%Y-%m-%d"))[["gold", "adjusted"]]

    for one in summarise(found, history.aligned):
        after = prices.shift(-1 - one.horizon_sessions) / prices.shift(-1) - 1.0
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
        for estimate, moves in (
            (one.lead, followed["gold"]),
            (one.other, followed["adjusted"]),
            (one.ratio, relative),
        ):
            assert estimate.value == pytest.approx(np.log1p(moves).median(), abs=1e-12)


def test_episodes_and_intervals_are_what_pandas_and_scipy_compute(history: History) -> None:
    found = rescored(openings_of_history(history.aligned, HistoryEvaluator(PUBLISHED_RULES)), history.aligned)
    position = pd.Series({str(each)[:10]: at for at, each in enumerate(history.table["date"])})
    rows = [one for one in summarise(found, history.aligned) if one.count]

    for one in rows:
        openings = pd.DataFrame(
            [
                (position[each.session], *each.scores[HORIZONS.index(one.horizon_sessions)])
                for each in found
                if (each.kind, each.direction) == (one.kind, one.direction)
                and len(each.scores) > HORIZONS.index(one.horizon_sessions)
            ],
            columns=["at", "gold", "iwm"],
        )
        openings["episode"] = (openings["at"].diff() >= one.horizon_sessions).cumsum()
        openings["hit"] = hits(
            CLAIMS[one.kind, one.direction],
            Moves(lead=openings["gold"].to_numpy(), other=openings["iwm"].to_numpy()),
        )
        assert one.episodes == openings["episode"].nunique()
        for level, estimate in ((0.05, one.hit_rate), (0.05 / len(rows), one.hit_rate_adjusted)):
            assert estimate is not None
            low = lower_end(openings, "hit", level / 2)
            openings["miss"] = ~openings["hit"]
            high = 1.0 - lower_end(openings, "miss", level / 2)
            assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-9)


def lower_end(openings: pd.DataFrame, what: str, level: float) -> float:
    """Return the end of the interval of a share, from the moments of the weights of the episodes."""
    by_episode = openings.groupby("episode")[what].agg(["sum", "count"]).astype(float)
    by_episode.loc["one more"] = 0.0, by_episode["count"].mean()
    number = len(by_episode)
    # Exponential weights, divided by their sum: Dirichlet(1, ..., 1).
    covariance = (np.eye(number) / number - 1.0 / number**2) / (number + 1.0)
    share = by_episode["sum"].sum() / by_episode["count"].sum()
    slopes = (by_episode["sum"] - share * by_episode["count"]) / by_episode["count"].mean()
    if not share:
        return 0.0
    variance = float(slopes @ covariance @ slopes)
    total = min(share * (1.0 - share) / variance - 1.0, len(openings) + 1.0)
    return float(stats.beta.ppf(level, share * total, (1.0 - share) * total))
