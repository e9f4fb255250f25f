"""Who is who: the same log gives the same names, another rule other names."""

import hashlib

import numpy as np
import pytest

from services.signals.core.divergence.rules import Rule
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import EvidenceInput, Transition
from tests.support.builders_market import LEAD, MINUTE, OTHER, bar, bar_batch, ny, pair, quotes, trades
from tests.support.pair_story import Story, make_engine, restart


def long_story(rule: Rule | None = None) -> Story:
    story = Story(rule=rule or Rule())
    start = ny("2019-06-03 10:00")
    for index, z in enumerate((2.5, 3.2, 1.9, 3.2, 1.8)):
        begin = start + index * 10 * MINUTE
        story.ticks(begin, begin + 9 * MINUTE, z, every_ns=MINUTE)
    story.commit("2019-06-03", 2.5)
    return story


def test_replay_repeats_every_byte() -> None:
    first, second = long_story(), long_story()

    assert len(first.events) == 6
    assert [DIVERGENCES.encode(event) for event in first.events] == [
        DIVERGENCES.encode(event) for event in second.events
    ]


def test_repeated_transitions_of_one_divergence_are_different_events() -> None:
    events = long_story().events

    assert [event.type.value for event in events] == [
        "open", "escalated", "eased", "escalated", "eased", "revised",
    ]  # fmt: skip
    assert len({event.event_id for event in events}) == 6
    assert len({event.divergence_id for event in events}) == 1


def test_rule_with_another_parameter_makes_other_identities_of_the_same_thing() -> None:
    ours = long_story().events[0]
    theirs = long_story(Rule(cooldown_sessions=6)).events[0]

    assert ours.occurred_at == theirs.occurred_at
    assert ours.fingerprint == theirs.fingerprint
    assert ours.divergence_id != theirs.divergence_id
    assert ours.event_id != theirs.event_id
    assert ours.evidence.rule_version != theirs.evidence.rule_version


def test_evidence_of_a_live_decision_names_the_tick_and_the_bar() -> None:
    opened = long_story().events[0]

    assert opened.evidence.inputs == (
        EvidenceInput(instrument=LEAD, ts_event_ns=ny("2019-06-03 10:04")),
        EvidenceInput(instrument=OTHER, session="2019-05-31"),
    )
    assert opened.evidence.code_version == "0.0.0-test"
    assert opened.legs[0].age_seconds == 60.0


def test_evidence_hashes_the_window_that_it_was_compared_with() -> None:
    story = long_story()
    ratios = np.log([a / b for a, b in story.closes.values()])
    live, confirmed = story.events[0], story.events[-1]

    # 100 sessions of history; the 101st, committed last, is not part of its own window.
    np.testing.assert_allclose(story.monitor.legs.align().log_ratio, ratios, rtol=0, atol=1e-15)
    window = story.monitor.legs.align().log_ratio[-91:-1].astype("<f8").tobytes()
    assert confirmed.evidence.window_sha256 == hashlib.sha256(window).hexdigest()
    assert live.evidence.window_sha256 == confirmed.evidence.window_sha256


def test_hedge_is_that_of_the_newest_session() -> None:
    story = Story(warm=108)
    (opened,) = story.commit("2019-06-03", 2.5)

    assert opened.hedge.ratio.value == story.monitor.statistics.values["hedge_ratio_60"]
    assert opened.hedge.effectiveness.value == story.monitor.statistics.values["hedge_effectiveness_60"]
    assert opened.hedge.beta.value == story.monitor.statistics.values["beta_60"]
    assert opened.hedge.stress_corr.value is None


def test_page_of_the_pair_is_linked() -> None:
    assert long_story().events[0].links == {"compare": "/compare/gold-vs-iwm"}


@pytest.mark.parametrize("feed_of", [quotes, trades])
def test_record_of_another_instrument_is_counted_and_passed(feed_of: object) -> None:
    assert callable(feed_of)
    story = Story()
    story.take(feed_of({ny("2019-06-03 10:00"): 5.0}, instrument="XAG/USD.TEST"))

    assert story.engine.legs[LEAD].last_price.price is None
    assert story.suppressed("other_instrument") == 1


def test_late_ticks_are_counted_and_not_used() -> None:
    story = Story()
    at = ny("2019-06-03 10:00")
    story.take(quotes([(at, 1_200.0), (at - 1, 1.0), (at + 5, 1_201.0), (at + 4, 2.0)]))

    assert story.effects[-1].late_ticks == 2
    last_price = story.engine.legs[LEAD].last_price
    assert (last_price.price, last_price.ts_ns) == (1_201.0, at + 5)

    story.take(quotes({at + 4: 3.0}))
    assert story.effects[-1].late_ticks == 1
    story.take(quotes({at + 5: 1_202.0}))
    assert story.engine.legs[LEAD].last_price.price == 1_202.0


def test_quotes_rule_over_trades_for_a_minute_after_the_newest_of_them_in_any_order() -> None:
    """Would have caught: in a batch out of order the last instant counted, not the newest."""
    story = Story()
    at = ny("2019-06-03 10:00")
    story.take(quotes([(at + MINUTE, 1_200.0), (at, 1.0)]))
    story.take(trades({at + 2 * MINUTE: 9.0}))

    assert story.suppressed("trade_superseded") == 1


def test_restart_keeps_bars_that_wait_for_every_pair_of_the_lead() -> None:
    """Would have caught: the last pair's checkpoint forgot the bars that the first one was waiting for."""
    engine = make_engine(pair(), pair("gold-spy", other="SPY.TEST"))
    engine.apply(bar_batch(bar("2019-06-03", 150.0)))
    engine.apply(bar_batch(bar("2019-06-03", 280.0, instrument="SPY.TEST")))

    again = restart(engine)

    assert again.waiting == engine.waiting
    assert len(again.waiting) == 2


def test_quiet_batch_leaves_its_last_price_and_the_watermark() -> None:
    story = Story()
    at = ny("2019-06-03 10:00")
    story.tick(at, 0.0)
    calm = [story.price(z) for z in (0.1, -0.2, 0.3)]
    story.take(quotes([(at + 1, calm[0]), (at + 1, calm[1]), (at + 7, calm[2])], spread=0.5))

    last_price = story.engine.legs[LEAD].last_price
    assert last_price.price == pytest.approx(calm[2], rel=1e-15)
    assert (last_price.ts_ns, story.engine.progress.watermark_ns, last_price.quote_ts_ns) == (
        at + 7,
        at + 7,
        at + 7,
    )


def test_quiet_batch_out_of_order_loses_its_late_tick_only() -> None:
    story = Story()
    at = ny("2019-06-03 10:00")
    story.tick(at, 0.0)
    story.take(quotes([(at + 3, story.price(0.1)), (at + 1, story.price(0.2)), (at + 7, story.price(0.3))]))

    assert story.effects[-1].late_ticks == 1
    assert story.engine.legs[LEAD].last_price.ts_ns == at + 7


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_price_beyond_a_level_is_seen_anywhere_in_a_batch(place: int) -> None:
    story = Story(rule=Rule(hold_seconds=0))
    at = ny("2019-06-03 10:00")
    story.tick(at, 0.0)
    for sign in (1.0, -1.0):
        zs = [0.0, 0.0, 0.0]
        zs[place] = 2.5 * sign
        before = story.engine.progress.watermark_ns
        story.take(quotes([(before + 1 + number, story.live_price(at, z)) for number, z in enumerate(zs)]))
        assert Transition.OPEN in [event.type for event in story.effects[-1].events], sign


def test_deadline_of_one_pair_is_nothing_to_the_other() -> None:
    story = Story()
    engine = make_engine(pair(), pair("gold-spy", other="SPY.TEST"))
    for record in story.log:
        engine.apply(record)
    at = ny("2019-06-03 10:00")
    events = [
        event
        for minute in range(6)
        for event in engine.apply(quotes({at + minute * MINUTE: story.live_price(at, 2.5)})).events
    ]

    assert [(event.pair, event.sequence) for event in events] == [("gold-iwm", 1)]


def test_restart_goes_on_where_the_pair_stood() -> None:
    story = Story()
    story.commit("2019-06-03", 2.4)
    story.tick("2019-06-04 10:00", 3.2)

    again = restart(story.engine)

    old, new = story.monitor, again.monitors[0]
    assert new.transitions.divergences == old.transitions.divergences
    assert new.transitions.sequence == old.transitions.sequence
    assert new.statistics.regime == old.statistics.regime
    assert new.statistics.values == old.statistics.values
    assert new.prices.deadband() == old.prices.deadband()
    assert again.legs[LEAD].last_price == story.engine.legs[LEAD].last_price
    bar_of_close = new.legs.other.history.get("2019-06-03")
    assert bar_of_close == old.legs.other.history.get("2019-06-03")


def test_quotes_of_one_instant_are_all_used_in_a_batch_out_of_order() -> None:
    story = Story()
    at = ny("2019-06-03 10:00")
    story.tick(at, 0.0)
    last = story.price(0.2)
    story.take(quotes([(at, last * 1.0001), (at + 5, last * 0.9999), (at + 1, 1.0), (at + 5, last)]))

    assert story.effects[-1].late_ticks == 1
    assert story.engine.legs[LEAD].last_price.price == pytest.approx(last, rel=1e-15)
