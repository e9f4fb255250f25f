"""Closes session by session, and the sessions that both legs have."""

from dataclasses import replace

import numpy as np
import pytest

from services.signals.core.aligned import align
from services.signals.core.confirmed import confirmed_values, leg_values, regimes
from services.signals.core.leg_history import LegHistory, Told
from services.signals.core.tape import LeadTape
from shared.domain.bars import Bar
from tests.support.builders_market import MINUTE, bar, calendar


def leg(*bars: Bar, limit: int = 800) -> LegHistory:
    history = LegHistory(limit=limit)
    for each in bars:
        history.put(each)
    return history


FIRST = bar("2019-06-03", 150.0)


def test_unknown_session_is_new() -> None:
    assert leg().put(FIRST) is Told.NEW


def test_same_bar_changes_nothing() -> None:
    assert leg(FIRST).put(replace(FIRST, revision=1, source="elsewhere")) is Told.UNCHANGED


def test_other_adjustment_of_the_same_close_is_no_correction() -> None:
    history = leg(FIRST)

    assert history.put(replace(FIRST, adj_close=148.0)) is Told.READJUSTED
    assert history.get("2019-06-03") == replace(FIRST, adj_close=148.0)


def test_other_close_of_a_higher_revision_corrects() -> None:
    history = leg(FIRST)

    assert history.put(replace(FIRST, close=151.0, revision=1)) is Told.CORRECTED
    assert history.get("2019-06-03") == replace(FIRST, close=151.0, revision=1)


@pytest.mark.parametrize(("revision", "source"), [(0, FIRST.source), (0, "another"), (1, "another")])
def test_other_close_of_a_lower_revision_or_of_another_source_is_outdated(revision: int, source: str) -> None:
    known = replace(FIRST, revision=1)
    history = leg(known)

    assert history.put(replace(FIRST, close=151.0, revision=revision, source=source)) is Told.OUTDATED
    assert history.get("2019-06-03") == known


def test_other_close_of_the_same_revision_and_source_is_a_split_not_a_fact() -> None:
    """A source that adjusts for splits halves every older close: refusing them mixed two scales."""
    history = leg(FIRST)
    halved = replace(FIRST, close=FIRST.close / 2, adj_close=FIRST.adj_close / 2)

    assert history.put(halved) is Told.READJUSTED
    assert history.get("2019-06-03") == halved


def test_sessions_are_ascending_whatever_order_they_came_in() -> None:
    history = leg(*(bar(session) for session in ("2019-06-04", "2019-06-06", "2019-06-03", "2019-06-05")))

    assert history.sessions == ["2019-06-03", "2019-06-04", "2019-06-05", "2019-06-06"]
    newest = history.newest()
    assert newest is not None
    assert newest.session == "2019-06-06"


def test_empty_history_has_no_newest() -> None:
    assert leg().newest() is None
    assert leg().get("2019-06-03") is None


def test_oldest_session_goes_when_there_are_too_many() -> None:
    history = leg(*(bar(session) for session in ("2019-06-03", "2019-06-04", "2019-06-05")), limit=2)

    assert history.sessions == ["2019-06-04", "2019-06-05"]
    assert history.get("2019-06-03") is None


def test_legs_are_joined_on_the_sessions_that_both_have() -> None:
    gold = leg(
        *(bar(s, p) for s, p in (("2019-06-03", 1_300.0), ("2019-06-04", 1_310.0), ("2019-06-06", 1_320.0)))
    )
    iwm = leg(
        bar("2019-06-04", 150.0, adj_close=75.0),
        bar("2019-06-05", 151.0),
        bar("2019-06-06", 152.0, adj_close=76.0),
    )

    both = align(gold, iwm)

    assert len(both) == 2
    assert both.sessions == ("2019-06-04", "2019-06-06")
    assert both.lead.tolist() == [1_310.0, 1_320.0]
    assert both.other.tolist() == [150.0, 152.0]  # raw, for display
    np.testing.assert_allclose(both.log_ratio, [np.log(1_310 / 75), np.log(1_320 / 76)], rtol=1e-15)
    np.testing.assert_allclose(both.lead_returns, [np.log(1_320 / 1_310)], rtol=1e-12)
    np.testing.assert_allclose(both.other_returns, [np.log(76 / 75)], rtol=1e-12)


def test_history_as_it_stood_then_has_its_own_returns_only() -> None:
    labels = calendar().labels[:6]
    gold = leg(*(bar(s, 1_300.0 + i) for i, s in enumerate(labels)))
    iwm = leg(*(bar(s, 150.0 + i) for i, s in enumerate(labels)))
    both = align(gold, iwm)

    then = both.until(4, limit=3)

    assert then.sessions == labels[1:4]
    assert then.lead.tolist() == [1_301.0, 1_302.0, 1_303.0]
    np.testing.assert_allclose(then.lead_returns, np.diff(np.log([1_301.0, 1_302.0, 1_303.0])), atol=1e-15)
    assert len(then.other_returns) == 2
    assert len(then.log_ratio) == 3
    assert both.until(1, limit=800).lead_returns.tolist() == []
    assert both.until(0, limit=800).sessions == ()


def test_no_session_has_no_statistic() -> None:
    assert confirmed_values(align(leg(), leg())) == {}
    assert regimes(np.array([])) == []


def test_one_session_has_a_ratio_and_nothing_else() -> None:
    values = confirmed_values(align(leg(FIRST), leg(bar("2019-06-03", 75.0))))

    assert values.pop("log_ratio") == pytest.approx(np.log(2.0), abs=1e-15)
    assert len(values) == 18
    assert set(values.values()) == {None}


def test_regime_is_told_from_the_91st_session_on() -> None:
    # Alternating around 0 with a std of 0.01 * sqrt(90 / 89), then at +2 of them.
    ratios = np.array([0.01, -0.01] * 45 + [0.02])

    names = [state.name for state in regimes(ratios)]

    assert names == [None] * 90 + ["RISK_OFF"]


def test_leg_values_are_fractions_by_name() -> None:
    values = leg_values(np.linspace(100.0, 190.0, 91))

    assert values["last"] == 190.0
    assert values["change_90"] == 90.0
    assert values["change_90_pct"] == pytest.approx(0.9, abs=1e-12)
    assert values["change_5"] == pytest.approx(5.0, abs=1e-12)
    assert (values["min"], values["max"], values["drawdown"]) == (101.0, 190.0, 0.0)
    assert leg_values(np.array([])) == {}


def test_sample_is_the_price_until_it_is_older_than_fifteen_minutes() -> None:
    tape = LeadTape(price=1_300.0, ts_ns=1_000)

    assert tape.sample_at(1_000 + 15 * MINUTE) == 1_300.0
    assert tape.sample_at(1_000 + 15 * MINUTE + 1) is None
    assert LeadTape().sample_at(5) is None
