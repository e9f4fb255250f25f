"""What the page is told about a pair."""

from dataclasses import replace

import pytest

from services.signals.core.pairs.snapshot import take_snapshot
from services.signals.core.undefined import SESSIONS_NEEDED
from shared.domain.bars import BarsMode
from shared.domain.divergences import Confirmation, Severity
from shared.domain.snapshots import PairSnapshot
from shared.domain.ticks import FeedState
from tests.support.builders_market import LEAD, OTHER, bar, bar_batch, calendar, ny, pair, quotes, status
from tests.support.pair_story import Story, history, make_engine


def snapshot(story: Story, when: str) -> PairSnapshot:
    return take_snapshot(story.monitor, ny(when))


def test_pair_of_which_nothing_is_known_says_so() -> None:
    engine = make_engine()

    shown = take_snapshot(engine.monitors[0], ny("2019-06-03 10:00"))

    assert (shown.confirmed, shown.provisional, shown.open) == (None, None, ())
    assert shown.sessions_known == 0
    assert shown.undefined == {
        "z_90": "warming up: 0 of 91 sessions",
        "log_ratio": "warming up: 0 of 1 sessions",
    }
    for leg in shown.legs:
        assert (leg.price, leg.price_at, leg.age_seconds, leg.source, leg.session) == (None,) * 5
        assert leg.summary == {}
    assert shown.feed_state is None
    assert shown.history.session == ()


def test_live_price_stands_beside_the_last_close_with_both_ages() -> None:
    story = Story()
    story.take(quotes({ny("2019-06-03 10:00"): story.price(1.5)}))
    story.take(status(ny("2019-06-03 10:00:30")))

    shown = snapshot(story, "2019-06-03 10:00:30")

    assert shown.provisional is not None
    assert shown.provisional.values["z_90"] == pytest.approx(1.5, abs=1e-9)
    assert shown.provisional.lead_age_seconds == 30.0
    assert shown.provisional.other_session == "2019-05-31"
    assert shown.provisional.other_age_seconds == (2 * 24 + 18) * 3_600 + 30.0
    lead, other = shown.legs
    assert (lead.instrument, lead.source, lead.session, lead.age_seconds) == (LEAD, "test", None, 30.0)
    assert lead.price == story.price(1.5)
    assert lead.price_at == "2019-06-03T14:00:00.000000Z"
    assert (other.instrument, other.session, other.price) == (OTHER, "2019-05-31", story.last_other)
    assert other.price_at == "2019-05-31T20:00:00.000000Z"
    assert (shown.feed, shown.feed_state) == ("test", FeedState.LIVE)


def test_lead_shows_its_last_close_before_the_first_tick() -> None:
    story = Story()

    lead = snapshot(story, "2019-06-03 10:00").legs[0]

    assert (lead.session, lead.price) == ("2019-05-31", story.closes["2019-05-31"][0])


def test_confirmed_statistics_are_those_of_the_newest_session() -> None:
    story = Story()
    story.commit("2019-06-03", 2.4)

    shown = snapshot(story, "2019-06-03 21:00")

    assert shown.confirmed is not None
    assert (shown.confirmed.session, shown.confirmed.regime) == ("2019-06-03", "RISK_OFF")
    assert shown.confirmed.known_at == "2019-06-04T00:15:00.000000Z"
    assert shown.confirmed.values["z_90"] == pytest.approx(2.4, abs=1e-9)
    assert shown.sessions_known == 101
    assert shown.history.session[-1] == "2019-06-03"
    assert len(shown.history.session) == len(shown.history.lead) == 90
    assert shown.history.log_ratio[-1] == shown.confirmed.values["log_ratio"]


def test_every_gap_has_its_reason() -> None:
    story = Story()
    story.commit("2019-06-03", 0.0)

    shown = snapshot(story, "2019-06-03 21:00")

    assert shown.confirmed is not None
    gaps = {name for name, value in shown.confirmed.values.items() if value is None}
    assert set(shown.undefined) == gaps
    of_the_baseline = {"e_break", "e_tightening", "e_loosening", "agreement_low", "agreement_high"}
    assert gaps == of_the_baseline | {name for name, needed in SESSIONS_NEEDED.items() if needed > 101}
    assert {shown.undefined[name] for name in of_the_baseline} == {
        "the pair states no baseline: agreement_low and agreement_high"
    }


def test_pair_with_a_baseline_shows_its_evidence() -> None:
    engine = make_engine(replace(pair(), agreement_low=0.42, agreement_high=0.52))
    sessions = calendar()
    newest = sessions.index_of("2019-06-03")
    for bars in history(sessions.labels[newest - 100 : newest + 1]):
        engine.apply(bar_batch(*bars, mode=BarsMode.HISTORY))

    shown = take_snapshot(engine.monitors[0], ny("2019-06-03 21:00"))

    assert shown.confirmed is not None
    values = shown.confirmed.values
    assert (values["agreement_low"], values["agreement_high"]) == (0.42, 0.52)
    assert values["e_break"] == (values["e_tightening"] or 0.0) + (values["e_loosening"] or 0.0)
    assert shown.undefined["agreement_60"] == "warming up: 101 of 121 sessions"


def test_open_divergences_are_listed_with_their_identity() -> None:
    story = Story()
    (opened,) = story.commit("2019-06-03", 3.4)

    (listed,) = snapshot(story, "2019-06-03 21:00").open

    assert listed.divergence_id == opened.divergence_id
    assert (listed.severity, listed.confirmation) == (Severity.CRITICAL, Confirmation.CONFIRMED)
    assert listed.opened_at == opened.opened_at


def test_leg_with_closes_of_its_own_only_shows_no_pair() -> None:
    engine = make_engine()
    engine.apply(bar_batch(bar("2019-06-03", 150.0, known_at_ns=5)))
    engine.apply(status(ny("2019-06-03 21:00")))

    shown = take_snapshot(engine.monitors[0], ny("2019-06-03 21:00"))

    assert shown.confirmed is None
    assert shown.legs[1].summary["last"] == 150.0


def test_slow_statistics_are_computed_once_for_a_session() -> None:
    story = Story()
    story.commit("2019-06-03", 0.5)

    before = story.monitor.statistics.slow_values
    again = story.monitor.statistics.slow_values
    story.commit("2019-06-04", 0.6)

    assert again is before
    assert story.monitor.statistics.slow_values is not before
