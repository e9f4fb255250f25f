"""What feeds say about each other: what is usual, who is silent, who is odd, and when nobody knows."""

import math
from collections.abc import Callable

import pytest

from services.ingestor.core.feed_comparison import APART_SECONDS, BASIS_SECONDS, FeedComparison, Findings

_LIVE = {"kraken", "coinbase"}
_NOTHING = Findings()


class _Market:
    """Feeds that tick once a second at a price of their own, and are compared as often."""

    def __init__(self, *feeds: str, present: str = "kraken") -> None:
        self.comparison = FeedComparison()
        self.feeds = feeds or ("kraken", "coinbase")
        self.present = present
        self.now = 0.0
        self.every: dict[str, float] = {}
        self.findings = _NOTHING

    def run(self, seconds: float, **prices: float | None) -> Findings:
        """Let time pass; a feed without a price says nothing, any other ticks at 4,400 or what is given."""
        end = self.now + seconds
        while self.now < end:
            self.now += 1.0
            for feed in self.feeds:
                price = prices.get(feed, 4_400.0)
                if price is not None and self.now % self.every.get(feed, 1.0) == 0:
                    self.comparison.on_price(feed, price, now=self.now)
            self.findings = self.comparison.compare(set(self.feeds), present=self.present, now=self.now)
        return self.findings

    def until(self, holds: Callable[[Findings], object], limit: float = 3_000.0, **prices: float) -> float:
        """Return after how many seconds something was found."""
        begin = self.now
        while not holds(self.run(1.0, **prices)):
            assert self.now < begin + limit, "not found"
        return self.now - begin


def test_feeds_that_agree_find_nothing_and_have_a_basis() -> None:
    market = _Market()
    assert market.run(300.0, coinbase=4_422.0) == _NOTHING
    assert market.comparison.basis("kraken", "coinbase") == pytest.approx(4_400 / 4_422 - 1)
    assert market.comparison.basis("coinbase", "kraken") == pytest.approx(4_422 / 4_400 - 1)


def test_expected_price_is_what_the_others_say_by_their_usual_basis() -> None:
    market = _Market()
    market.run(300.0, coinbase=4_422.0)
    market.run(1.0, kraken=4_500.0, coinbase=4_600.0)
    (expected,) = market.comparison.expected("coinbase", now=market.now)
    assert expected == pytest.approx(4_500.0 * 4_422 / 4_400)
    assert market.comparison.expected("binance", now=market.now) == (4_500.0, 4_600.0)


def test_basis_is_unknown_before_two_minutes() -> None:
    market = _Market()
    market.run(110.0)
    assert market.comparison.basis("kraken", "coinbase") is None
    assert market.comparison.basis("kraken", "binance") is None


def test_two_feeds_that_disagree_put_the_price_in_doubt_after_a_while_and_say_how_much() -> None:
    market = _Market()
    market.run(300.0, coinbase=4_402.0)
    after = market.until(lambda found: found.doubt, coinbase=4_424.0)
    assert after == APART_SECONDS + 1.0
    assert market.findings == Findings(doubt="kraken 4400 and coinbase 4424 are 0.54 % apart, usually 0.05 %")


def test_doubt_ends_when_they_have_agreed_for_as_long() -> None:
    market = _Market()
    market.run(300.0)
    market.until(lambda found: found.doubt, coinbase=4_424.0)
    assert market.until(lambda found: not found.doubt) == APART_SECONDS + 1.0


def test_price_around_the_limit_opens_no_fault_again_and_again() -> None:
    """At the limit of 0.3 % the doubt stays; only well below it does it end."""
    market = _Market()
    market.run(300.0)
    market.until(lambda found: found.doubt, coinbase=4_414.0)
    for _ in range(6):
        assert market.run(40.0, coinbase=4_412.0).doubt
        assert market.run(40.0, coinbase=4_414.0).doubt


def test_short_move_of_one_alone_is_not_news() -> None:
    market = _Market()
    market.run(300.0)
    for _ in range(20):
        assert market.run(APART_SECONDS - 1.0, coinbase=4_424.0) == _NOTHING
        assert market.run(1.0) == _NOTHING


def test_more_than_a_percent_is_too_much_without_any_basis_and_also_when_usual() -> None:
    market = _Market()
    market.until(lambda found: found.doubt, coinbase=4_450.0)
    assert market.now <= APART_SECONDS + 1.0
    assert market.run(3 * BASIS_SECONDS, coinbase=4_450.0).doubt


def test_new_basis_within_a_percent_is_usual_after_half_an_hour() -> None:
    market = _Market()
    market.run(300.0)
    market.until(lambda found: found.doubt, coinbase=4_424.0)
    after = market.until(lambda found: not found.doubt, coinbase=4_424.0)
    assert BASIS_SECONDS < after <= BASIS_SECONDS + 60.0
    market.run(150.0, coinbase=4_424.0)
    assert market.comparison.basis("kraken", "coinbase") == pytest.approx(4_400 / 4_424 - 1)
    assert market.until(lambda found: found.doubt) == APART_SECONDS + 1.0


def test_prices_that_scatter_get_a_wider_limit() -> None:
    market = _Market()
    for step in range(120):
        market.run(5.0, coinbase=4_400.0 * math.exp(0.001 * (step % 5 - 2)))
    assert market.run(120.0, coinbase=4_400.0 * 1.006) == _NOTHING
    assert market.until(lambda found: found.doubt, coinbase=4_400.0 * 1.015) > 0


def test_odd_one_of_three_is_named_and_the_price_is_not_in_doubt() -> None:
    market = _Market("kraken", "coinbase", "binance")
    market.run(300.0)
    assert market.run(60.0, binance=4_424.0) == Findings(odd=frozenset({"binance"}))


def test_present_feed_that_is_the_odd_one_is_named_and_in_doubt() -> None:
    market = _Market("kraken", "coinbase", "binance")
    market.run(300.0)
    findings = market.run(60.0, kraken=4_424.0)
    assert findings.odd == {"kraken"}
    assert findings.doubt is not None
    assert "kraken 4424 and binance 4400" in findings.doubt


def test_three_that_all_contradict_each_other_leave_the_price_in_doubt() -> None:
    market = _Market("kraken", "coinbase", "binance")
    market.run(300.0)
    findings = market.run(60.0, kraken=4_424.0, binance=4_376.0)
    assert findings.odd == frozenset()
    assert findings.doubt


def test_two_against_two_leave_the_price_in_doubt() -> None:
    market = _Market("kraken", "coinbase", "binance", "bitstamp")
    market.run(300.0)
    findings = market.run(60.0, kraken=4_424.0, binance=4_424.0)
    assert findings.odd == frozenset()
    assert findings.doubt


def test_two_of_five_that_contradict_the_others_are_odd() -> None:
    market = _Market("kraken", "coinbase", "binance", "bitstamp", "gemini")
    market.run(300.0)
    findings = market.run(60.0, bitstamp=4_424.0, gemini=4_424.0)
    assert findings == Findings(odd=frozenset({"bitstamp", "gemini"}))


@pytest.mark.parametrize("silent", ["kraken", "coinbase"])
def test_feed_whose_market_moved_on_without_it_is_silent_and_contradicts_nobody(silent: str) -> None:
    market = _Market()
    market.run(300.0)
    other = "coinbase" if silent == "kraken" else "kraken"
    assert market.run(15.0, **{silent: None, other: 4_424.0}) == _NOTHING
    assert market.run(1.0, **{silent: None, other: 4_424.0}).silent == {silent}
    assert market.run(120.0, **{silent: None, other: 4_424.0}) == Findings(silent=frozenset({silent}))


def test_quiet_feed_of_a_market_that_does_not_move_is_not_silent() -> None:
    market = _Market()
    market.run(300.0)
    assert market.run(600.0, kraken=None, coinbase=4_404.0) == _NOTHING


def test_feed_that_speaks_again_is_no_longer_silent() -> None:
    market = _Market()
    market.run(300.0)
    market.run(20.0, kraken=None, coinbase=4_424.0)
    assert market.run(1.0, kraken=4_424.0, coinbase=4_424.0) == _NOTHING


def test_feed_that_is_asked_once_a_minute_is_not_silent_and_is_not_contradicted_by_its_last_answer() -> None:
    market = _Market()
    market.every = {"coinbase": 60.0}
    market.run(600.0)
    assert market.run(60.0, kraken=4_424.0, coinbase=4_424.0) == _NOTHING
    # It has had its say twice: it contradicts.
    assert market.run(180.0, kraken=4_424.0, coinbase=4_400.0).doubt


def test_feed_that_died_contradicts_nobody_and_begins_again_without_doubt() -> None:
    market = _Market()
    market.run(300.0)
    market.until(lambda found: found.doubt, coinbase=4_424.0)
    assert market.comparison.compare({"kraken"}, present="kraken", now=market.now) == _NOTHING
    assert market.run(APART_SECONDS, coinbase=4_424.0) == _NOTHING


def test_feed_without_a_price_is_not_compared() -> None:
    comparison = FeedComparison()
    comparison.on_price("kraken", 4_400.0, now=0.0)
    assert comparison.compare(_LIVE, present="kraken", now=1.0) == _NOTHING
    assert comparison.compare(_LIVE, present="coinbase", now=1.0) == _NOTHING


def test_several_prices_at_one_instant_do_not_make_a_feed_fast() -> None:
    comparison = FeedComparison()
    for _ in range(5):
        comparison.on_price("kraken", 4_400.0, now=10.0)
    assert comparison.expected("coinbase", now=15.0) == (4_400.0,)
    assert comparison.expected("coinbase", now=15.1) == ()
