"""Which feed's ticks and status a leg uses, when that changes, and what a change of feed resets."""

import pytest

from services.signals.core.pairs.snapshot import take_snapshot
from shared.domain.divergences import Transition
from shared.domain.ticks import AuthorityReason, FeedAuthority, FeedState
from tests.support.builders_market import LEAD, MINUTE, OTHER, SECOND, ny, quotes, status, trades
from tests.support.pair_story import Story, restart

D1 = "2019-06-03"
START = ny(f"{D1} 10:00")


def authority(
    feed: str,
    *,
    instrument: str = LEAD,
    since_ns: int = START,
    reason: AuthorityReason = AuthorityReason.OTHER_STALE,
    previous: str | None = None,
) -> FeedAuthority:
    return FeedAuthority(
        instrument=instrument, feed=feed, since_ns=since_ns, reason=reason, previous=previous
    )


def on_kraken() -> tuple[Story, float]:
    """Return a story whose lead ticks on the feed ``kraken``, which is authoritative, and its price."""
    story = Story()
    price = story.price(0.1)
    story.take(authority("kraken", since_ns=START - MINUTE, reason=AuthorityReason.FIRST))
    story.take(quotes({START: price}, feed="kraken"))
    return story, price


def last_price(story: Story) -> float | None:
    return story.engine.legs[LEAD].last_price.price


def test_before_any_authority_every_feed_is_used() -> None:
    story = Story()
    price = story.price(0.1)
    story.take(quotes({START: price}, feed="kraken"))
    story.take(quotes({START + SECOND: price + 1}, feed="coinbase"))

    assert last_price(story) == price + 1
    assert story.suppressed("tick_of_other_feed") == 0


def test_ticks_of_another_feed_are_not_used_and_each_is_counted() -> None:
    story, price = on_kraken()
    story.take(quotes([(START + 1, price + 1), (START + 2, price + 2)], feed="coinbase"))
    story.take(trades({START + 90 * SECOND: price + 3}, feed="coinbase"))

    assert last_price(story) == price
    assert story.suppressed("tick_of_other_feed") == 3
    assert story.engine.progress.watermark_ns == START


def test_status_of_another_feed_neither_moves_time_nor_makes_the_leg_stale() -> None:
    story, _ = on_kraken()
    for second in range(3):
        story.take(status(START + (120 + second) * SECOND, state=FeedState.STALE, feed="coinbase"))

    assert story.engine.progress.watermark_ns == START
    assert story.engine.legs[LEAD].last_price.feed_state is not FeedState.STALE
    assert story.suppressed("status_of_other_feed") == 3


def test_other_leg_has_an_authority_of_its_own() -> None:
    story, price = on_kraken()
    story.take(authority("alpaca", instrument=OTHER, reason=AuthorityReason.FIRST))
    story.take(quotes({START + 1: 150.0}, instrument=OTHER, feed="alpaca"))
    story.take(quotes({START + 2: 151.0}, instrument=OTHER, feed="yahoo"))
    story.take(quotes({START + 3: price + 1}, feed="kraken"))

    assert story.engine.legs[OTHER].last_price.price == 150.0
    assert last_price(story) == price + 1


def test_feed_that_takes_over_is_used_from_its_first_tick_on_though_that_is_a_little_older() -> None:
    story, price = on_kraken()
    story.take(authority("coinbase", since_ns=START - 5 * SECOND, previous="kraken"))
    assert last_price(story) == price, "the last price stays until there is a newer one"
    story.take(quotes({START - 2 * SECOND: price + 1}, feed="coinbase"))
    story.take(quotes({START - SECOND: price + 2}, feed="coinbase"))

    assert last_price(story) == price + 2
    assert sum(effects.late_ticks for effects in story.effects) == 0
    assert story.suppressed("tick_behind_watermark") == 2
    story.take(quotes({START - 2 * SECOND: price + 9}, feed="coinbase"))
    assert story.effects[-1].late_ticks == 1, "of one feed, the order of its times still holds"


def test_ticks_from_before_a_feed_took_over_are_late() -> None:
    story, price = on_kraken()
    story.take(authority("coinbase", since_ns=START, previous="kraken"))
    story.take(quotes({START - SECOND: price + 1}, feed="coinbase"))

    assert story.effects[-1].late_ticks == 1
    assert last_price(story) == price


def test_authority_from_a_future_that_a_wrong_clock_says_makes_no_tick_late() -> None:
    story, price = on_kraken()
    story.take(authority("coinbase", since_ns=START + 48 * 60 * MINUTE, previous="kraken"))
    story.take(quotes({START + SECOND: price + 1}, feed="coinbase"))

    assert last_price(story) == price + 1


def test_tick_of_the_feed_before_is_not_used_after_the_change_even_within_the_deadband() -> None:
    story, price = on_kraken()
    story.take(authority("coinbase", previous="kraken"))
    story.take(quotes({START + SECOND: price}, feed="kraken"))

    assert story.engine.legs[LEAD].last_price.ts_ns == START
    assert story.suppressed("tick_of_other_feed") == 1


def test_quotes_of_the_feed_before_do_not_supersede_trades_of_the_new_one() -> None:
    story, price = on_kraken()
    story.take(authority("trades-only", previous="kraken"))
    story.take(trades({START + SECOND: price + 1}, feed="trades-only"))

    assert last_price(story) == price + 1
    assert story.suppressed("trade_superseded") == 0


def test_jumps_of_two_feeds_do_not_agree_with_each_other() -> None:
    story, price = on_kraken()
    for second in (1, 2):
        story.take(quotes({START + second * SECOND: price * 10}, feed="kraken"))
    story.take(authority("coinbase", previous="kraken"))
    story.take(quotes({START + 3 * SECOND: price * 10}, feed="coinbase"))

    assert last_price(story) == price
    assert story.suppressed("tick_implausible") == 3


def test_first_tick_of_a_feed_may_differ_by_the_difference_of_the_venues() -> None:
    story, price = on_kraken()
    story.take(authority("coinbase", previous="kraken"))
    story.take(quotes({START + SECOND: price * 1.02}, feed="coinbase"))

    assert last_price(story) == pytest.approx(price * 1.02)


def test_same_feed_again_resets_nothing() -> None:
    story, price = on_kraken()
    story.take(authority("kraken", since_ns=START + SECOND, reason=AuthorityReason.TAKEN_OVER))
    story.take(quotes({START - SECOND: price + 1}, feed="kraken"))

    assert story.effects[-1].late_ticks == 1
    known = story.engine.legs[LEAD].last_price.authority
    assert known is not None
    assert known.since_ns == START - MINUTE


def test_hold_goes_on_over_a_change_of_feed() -> None:
    story = Story()
    story.take(authority("kraken", reason=AuthorityReason.FIRST))
    for minute in range(3):
        at = START + minute * MINUTE
        story.take(quotes({at: story.live_price(at, 2.6)}, feed="kraken"))
    story.take(authority("coinbase", since_ns=START + 3 * MINUTE, previous="kraken"))
    for minute in range(3, 7):
        at = START + minute * MINUTE
        story.take(quotes({at: story.live_price(at, 2.6)}, feed="coinbase"))

    (opened,) = story.events
    assert opened.type is Transition.OPEN
    assert opened.occurred_at == "2019-06-03T14:05:00.000000Z"


def test_feed_whose_authority_was_lost_is_used_after_a_minute_of_its_status_alone() -> None:
    """Would be silent for ever: the record was lost, or an older ingestor writes again."""
    story, price = on_kraken()
    for second in range(1, 60):
        story.take(status(START + second * SECOND, feed="coinbase"))
    story.take(quotes({START + 59 * SECOND: price + 1}, feed="coinbase"))
    assert last_price(story) == price
    story.take(status(START + 60 * SECOND, feed="coinbase"))
    story.take(quotes({START + 61 * SECOND: price + 1}, feed="coinbase"))

    assert last_price(story) == price + 1
    assert story.suppressed("authority_assumed") == 1
    assert story.suppressed("status_of_other_feed") == 59
    assert story.engine.progress.watermark_ns == START + 61 * SECOND


def test_status_of_the_feed_that_is_used_keeps_another_from_being_assumed() -> None:
    story, _ = on_kraken()
    for second in range(1, 200):
        story.take(status(START + second * SECOND, feed="coinbase"))
        if second % 30 == 0:
            story.take(status(START + second * SECOND, feed="kraken"))

    assert story.suppressed("authority_assumed") == 0


def test_authority_survives_a_restart() -> None:
    story, price = on_kraken()
    story.take(authority("coinbase", previous="kraken"))
    story.engine = restart(story.engine)
    story.take(quotes({START + SECOND: price + 5}, feed="kraken"))
    story.take(quotes({START + SECOND: price + 1}, feed="coinbase"))

    assert last_price(story) == price + 1


def test_snapshot_says_since_when_and_why_a_feed_is_used() -> None:
    story, price = on_kraken()
    story.take(authority("coinbase", since_ns=START + SECOND, previous="kraken"))
    story.take(quotes({START + SECOND: price + 1}, feed="coinbase"))
    lead, other = take_snapshot(story.monitor, story.engine.progress.watermark_ns).legs

    assert (lead.source, lead.source_since) == ("coinbase", "2019-06-03T14:00:01.000000Z")
    assert (lead.source_reason, lead.previous_source) == (AuthorityReason.OTHER_STALE, "kraken")
    assert (other.source_since, other.source_reason, other.previous_source) == (None, None, None)
