"""The page of a snapshot: what is said, and what is said where there is no number."""

from dataclasses import replace

import pytest

from services.dashboard.core.comparison import Comparison, compare
from services.dashboard.core.legs import price_of
from shared.domain.divergences import Kind, Transition
from shared.domain.pairs import Pair
from shared.domain.snapshots import LegFault, PairSnapshot, SessionHistory
from shared.domain.ticks import AuthorityReason, FeedState
from shared.text.feeds import describe_source
from tests.support.snapshot_builder import CONFIRMED_VALUES, PAIR, SUMMARY, event, leg, other_leg, snapshot

# 2020-03-18T20:00:00Z, the watermark of the builder's snapshot.
WATERMARK_MS = 1_584_561_600_000
EMPTY = SessionHistory(session=(), lead=(), other=(), log_ratio=())


def page(one: PairSnapshot, *, late_seconds: float = 0.0, pair: Pair = PAIR) -> Comparison:
    published = WATERMARK_MS + 500
    return compare(pair, one, (), published_ms=published, now_ms=published + int(late_seconds * 1_000))


def test_confirmed_and_provisional_stand_apart_with_their_bases() -> None:
    view = page(snapshot())
    assert (view.confirmed.z, view.confirmed.tone, view.confirmed.basis) == (
        *("+2.41", "warning", "both closes of 2020-03-17"),
    )
    assert (view.provisional.z, view.provisional.tone, view.provisional.basis) == (
        *("+3.13", "critical", "live Gold against IWM’s close of 2020-03-17"),
    )
    assert (view.confirmed.percentile, view.confirmed.log_ratio, view.regime) == (
        "98.9%",
        "2.7041",
        "Risk-off",
    )


def test_a_small_z_is_calm() -> None:
    confirmed = snapshot().confirmed
    assert confirmed is not None
    calm = snapshot(confirmed=replace(confirmed, values=CONFIRMED_VALUES | {"z_90": -1.99}))
    assert page(calm).confirmed.tone == "calm"
    edge = snapshot(confirmed=replace(confirmed, values=CONFIRMED_VALUES | {"z_90": -2.0}))
    assert page(edge).confirmed.tone == "warning"


def test_an_undefined_statistic_is_a_dash_with_the_reason_of_the_signals_service() -> None:
    confirmed = snapshot().confirmed
    assert confirmed is not None
    reasons = {"corr_20": "IWM did not move.", "half_life_252": "The ratio did not revert."}
    values = CONFIRMED_VALUES | {"corr_20": None, "half_life_252": None}
    view = page(snapshot(confirmed=replace(confirmed, values=values), undefined=reasons))
    assert [(one.text, one.why) for one in view.correlations if one.why] == [("—", "IWM did not move.")]
    assert [(one.text, one.why) for one in view.dynamics if one.why] == [("—", "The ratio did not revert.")]


def test_no_aligned_close_yet_gives_every_statistic_that_reason() -> None:
    view = page(snapshot(confirmed=None, provisional=None, sessions_known=0, history=EMPTY, hedge=None))
    reason = "No session with both closes yet (0 known)."
    assert (view.confirmed.z, view.confirmed.why, view.regime_why) == ("—", reason, reason)
    assert {one.why for one in (*view.correlations, *view.hedge, *view.dynamics)} == {reason}
    assert view.chart is None
    assert view.chart_why is not None
    assert "0 of 0 known" in view.chart_why


def test_no_provisional_statistics_name_the_state_of_the_feed() -> None:
    view = page(snapshot(provisional=None, feed_state=FeedState.CLOSED))
    assert view.provisional.why == "No live price to compare with the last close: the feed is CLOSED."
    assert view.gauge.provisional is None


def test_a_reason_of_the_signals_service_for_no_provisional_wins() -> None:
    view = page(snapshot(provisional=None, undefined={"provisional": "Gold is older than 2 minutes."}))
    assert view.provisional.why == "Gold is older than 2 minutes."


def test_a_provisional_z_that_is_undefined_says_why() -> None:
    provisional = snapshot().provisional
    assert provisional is not None
    warming = replace(provisional, values={"log_ratio": 2.7, "z_90": None, "pctl_90": None})
    view = page(snapshot(provisional=warming, undefined={"z_90": "warming up: 57 of 91 sessions"}))
    assert (view.provisional.z, view.provisional.log_ratio) == ("—", "2.7000")
    assert view.provisional.why == "warming up: 57 of 91 sessions"


def test_correlations_have_two_decimals_and_a_place_on_the_scale() -> None:
    shown = {one.key: (one.text, one.position) for one in page(snapshot()).correlations}
    assert shown["corr_20"] == ("−0.31", 34.3)
    assert shown["corr_252"] == ("+0.20", 60.0)


def test_fault_of_a_leg_says_since_when_and_why() -> None:
    faults = (
        LegFault(
            instrument="IWM.REPLAY",
            causes=("missing_bar", "clock_skew"),
            since="2020-03-18T00:15:00.000000Z",
        ),
        LegFault(instrument="SPY.REPLAY", causes=("stale",), since="2020-03-18T19:58:00.000000Z"),
    )
    known, foreign = page(snapshot(faults=faults)).faults
    assert (known.title, known.since) == ("IWM", "2020-03-18 00:15:00 UTC")
    assert known.causes == ("a session has ended and its daily bar has not arrived", "clock skew")
    assert foreign.title == "SPY.REPLAY"
    assert page(snapshot()).faults == ()


def test_both_legs_have_the_same_rows() -> None:
    rows = {row.label: row.cells for row in page(snapshot()).summary}
    assert [cell.text for cell in rows["Last close"]] == ["1,471.24", "106.66"]
    assert [(cell.text, cell.share, cell.sign) for cell in rows["1 session"]] == [
        ("−42.10", "−2.78%", -1)
    ] * 2
    assert [(cell.text, cell.share, cell.sign) for cell in rows["90 sessions"]] == [("0.00", "0.00%", 0)] * 2
    assert [rows[label][0].text for label in ("Percentile", "Drawdown", "Volatility")] == [
        *("12.2%", "−12.4%", "19.9%")
    ]


def test_a_missing_summary_value_is_a_dash_with_its_reason() -> None:
    short = leg(summary=SUMMARY | {"change_90": None, "change_90_pct": None})
    view = page(
        snapshot(legs=(short, other_leg()), undefined={"XAU/USD.REPLAY.change_90": "80 of 91 closes."})
    )
    cell = next(row for row in view.summary if row.label == "90 sessions").cells[0]
    assert (cell.text, cell.why) == ("—", "80 of 91 closes.")


def test_a_leg_without_a_price_says_so() -> None:
    missing = leg(price=None, price_at=None, age_seconds=None, source=None, summary={})
    view = page(snapshot(legs=(missing, other_leg()), provisional=None))
    assert (view.prices[0].text, view.prices[0].basis, view.prices[0].source) == ("—", "no price yet", "—")
    assert view.prices[0].why == "No price of XAU/USD.REPLAY has arrived yet."
    assert view.summary[0].cells[0].why == "No close of XAU/USD.REPLAY has arrived yet."
    assert view.ranges[0] is None


def test_a_live_price_and_a_close_are_reported_apart() -> None:
    lead, other = page(snapshot()).prices
    assert (lead.is_live, lead.basis, lead.text) == (True, "live price", "1,486.43")
    assert (other.is_live, other.basis) == (False, "close of 2020-03-17")


def test_a_live_price_is_held_against_the_newest_price_of_a_leg_that_ticks() -> None:
    ticking = other_leg(session=None)
    view = page(snapshot(legs=(leg(), ticking)))
    assert view.provisional.basis == "live Gold against IWM’s newest price"


def test_the_last_tick_of_a_feed_that_does_not_tick_is_not_called_live() -> None:
    view = page(snapshot(feed_state=FeedState.CLOSED))
    assert (view.prices[0].is_live, view.prices[0].basis) == (False, "last price, feed CLOSED")
    assert view.provisional.basis == "last Gold against IWM’s close of 2020-03-17"


@pytest.mark.parametrize(
    ("key", "label", "reason"),
    [
        ("change_90", "90 sessions", "Needs 91 closes of Gold."),
        ("min", "Minimum", "Needs 90 closes of Gold."),
        ("vol", "Volatility", "Needs 91 closes of Gold."),
    ],
)
def test_a_leg_statistic_that_nobody_explains_says_what_it_needs(key: str, label: str, reason: str) -> None:
    view = page(snapshot(legs=(leg(summary=SUMMARY | {key: None}), other_leg())))
    assert next(row for row in view.summary if row.label == label).cells[0].why == reason


def test_ages_count_on_from_the_snapshot() -> None:
    lead, other = page(snapshot(), late_seconds=10).prices
    assert (lead.age_seconds, other.age_seconds) == (13.0, 86_410.0)


def test_the_watermark_has_an_age_where_event_time_is_wall_time() -> None:
    fresh = page(snapshot(), late_seconds=2).freshness
    assert (fresh.watermark_age_seconds, fresh.snapshot_age_seconds, fresh.is_late) == (2.5, 2.0, False)


def test_the_watermark_of_a_replay_has_no_age() -> None:
    years_later = WATERMARK_MS + 200_000_000_000
    view = compare(PAIR, snapshot(), (), published_ms=years_later, now_ms=years_later)
    assert view.freshness.watermark_age_seconds is None
    assert view.freshness.watermark == "2020-03-18 20:00:00 UTC"


@pytest.mark.parametrize(("seconds", "is_late"), [(15.0, False), (15.001, True)])
def test_a_page_that_gets_nothing_for_a_while_is_late(seconds: float, is_late: bool) -> None:
    assert page(snapshot(), late_seconds=seconds).freshness.is_late is is_late


def test_badges_tell_the_feed_and_what_the_numbers_are_made_of() -> None:
    assert [badge.text for badge in page(snapshot()).badges] == ["LIVE", "REPLAY"]
    simulated = snapshot(is_simulated=True, is_proxy=True, feed_state=FeedState.STALE)
    assert [badge.text for badge in page(simulated).badges] == ["STALE", "SIMULATED", "PROXY"]
    live = replace(PAIR, lead="PAXG/USD.KRAKEN")
    assert [badge.text for badge in page(snapshot(feed_state=None), pair=live).badges] == ["NO FEED"]


def test_a_feed_that_never_ticked_has_no_old_price() -> None:
    old = "The market is open but no prices arrive: the last price is old."
    none = "The market is open but no price has arrived yet."
    no_price = leg(price=None, price_at=None, age_seconds=None, source=None)
    for lead, hint in ((leg(), old), (leg(session="2020-03-17"), none), (no_price, none)):
        view = page(snapshot(legs=(lead, other_leg()), feed_state=FeedState.STALE))
        assert view.badges[0].hint == hint


def test_the_thresholds_of_the_latest_event_are_those_of_the_gauge() -> None:
    strict = event(thresholds={"warning": 1.5, "critical": 2.3, "leave": 0.5})
    fired = event(type=Transition.TEST, sequence=2, divergence_id="dv_9", thresholds={})
    view = compare(PAIR, snapshot(), (strict, fired), published_ms=WATERMARK_MS, now_ms=WATERMARK_MS)
    assert (view.thresholds.warning, view.confirmed.tone) == (1.5, "critical")
    assert [episode.is_open for episode in view.open] == [True]


def test_the_thresholds_of_another_kind_are_not_those_of_the_gauge() -> None:
    """Would have caught: a correlation break of 2.58 and 3.29 redrew the scale of z."""
    other = event(kind=Kind.CORRELATION_BREAK, thresholds={"warning": 2.58, "critical": 3.29})
    view = compare(PAIR, snapshot(), (other,), published_ms=WATERMARK_MS, now_ms=WATERMARK_MS)
    assert (view.thresholds.warning, view.thresholds.critical) == (2.0, 3.0)


def test_the_range_places_last_and_mean_between_low_and_high() -> None:
    span = page(snapshot()).ranges[0]
    assert span is not None
    # (1471.24 - 1454) / 226.3 and (1540.75 - 1454) / 226.3
    assert (span.low, span.high, span.last, span.mean) == ("1,454.00", "1,680.30", 7.62, 38.33)


def test_live_position_is_what_is_expected_of_the_close() -> None:
    provisional = snapshot().provisional
    assert provisional is not None
    expected: dict[str, float | None] = {"z_90_expected": 2.41, "z_90_spread": 0.38}
    likely: dict[str, float | None] = {"probability_risk_off": 0.8412, "probability_risk_on": 0.0001}

    view = page(snapshot(provisional=replace(provisional, values=provisional.values | expected | likely)))
    assert (view.provisional.z, view.provisional.tone) == ("+2.41", "warning")
    assert view.provisional.forecast == (
        "Standard deviation 0.38; 84% likely +2 or beyond; under 1% likely −2 or beyond. "
        "The ratio itself is at z +3.13."
    )
    # 50 + 50 * 2.41 / 4, the gauge's span.
    assert view.gauge.provisional == 80.125


@pytest.mark.parametrize(
    ("likely", "tone"),
    [({"probability_risk_on": 0.8}, "warning"), ({"probability_risk_on": 0.79}, "calm"), ({}, "calm")],
)
def test_tone_of_the_live_position_follows_how_likely_the_close_is_there(
    likely: dict[str, float | None], tone: str
) -> None:
    provisional = snapshot().provisional
    assert provisional is not None
    values = {**provisional.values, "z_90_expected": -2.6, "z_90_spread": 0.7, **likely}

    assert page(snapshot(provisional=replace(provisional, values=values))).provisional.tone == tone


def test_live_position_without_an_expectation_is_that_of_the_ratio() -> None:
    view = page(snapshot())
    assert (view.provisional.z, view.provisional.tone, view.provisional.forecast) == ("+3.13", "critical", "")


def test_price_says_since_when_and_why_its_feed_is_used() -> None:
    shown = price_of(
        leg(
            source="kraken",
            session=None,
            source_since="2020-03-19T14:02:00.000000Z",
            source_reason=AuthorityReason.OTHER_STALE,
            previous_source="coinbase",
        ),
        feed_state=FeedState.LIVE,
        published_ms=0,
        now_ms=0,
    )

    assert (shown.source, shown.source_note) == ("kraken", "since 19 Mar 14:02 UTC (coinbase went silent)")


@pytest.mark.parametrize("reason", AuthorityReason)
def test_each_reason_for_a_feed_is_a_sentence_about_the_feed_before(reason: AuthorityReason) -> None:
    text = describe_source("2020-03-19T14:02:00.000000Z", reason, "coinbase")

    assert text.startswith("since 19 Mar 14:02 UTC")
    assert ("(" in text) == (reason is not AuthorityReason.FIRST)
    assert "_" not in text


def test_price_of_a_leg_whose_own_market_is_closed_is_not_called_live() -> None:
    shown = price_of(
        leg(session=None, feed_state=FeedState.CLOSED),
        feed_state=FeedState.LIVE,
        published_ms=0,
        now_ms=0,
    )

    assert (shown.is_live, shown.basis) == (False, "last price, feed CLOSED")
