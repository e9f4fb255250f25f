"""Every row of the table of choices, and the bounds on how often a feed changes."""

import pytest

from services.ingestor.core.feed_choice import (
    MAX_PROBATION_SECONDS,
    PATIENCE_SECONDS,
    PROBATION_SECONDS,
    FeedChoice,
    FeedHealth,
    Switch,
)
from shared.domain.ticks import AuthorityReason

_FEEDS = ("kraken", "coinbase", "binance")
_DEAD = FeedHealth.STALE


class _Feeds:
    """Feeds that are asked about once a second, and live unless said otherwise."""

    def __init__(self, *feeds: str) -> None:
        self.feeds = feeds or _FEEDS
        self.now = 0.0
        self.choice = FeedChoice(self.feeds, now=0.0)

    def until(self, end: float, **others: FeedHealth) -> list[tuple[float, Switch]]:
        """Decide once a second up to an instant, and return the switches with their instants."""
        health = {feed: others.get(feed, FeedHealth.LIVE) for feed in self.feeds}
        switches = []
        while self.now < end:
            self.now += 1.0
            switch = self.choice.decide(health, now=self.now)
            if switch is not None:
                switches.append((self.now, switch))
        return switches

    def next_switch(self) -> tuple[float, Switch]:
        """Let every feed live until the choice changes."""
        end = self.now + 2 * MAX_PROBATION_SECONDS
        while self.now < end:
            if switches := self.until(self.now + 1.0):
                return switches[0]
        raise AssertionError("the choice did not change")

    def left_once(self) -> None:
        """Let the preferred feed be dead for so long that the next takes over."""
        switches = self.until(self.now + PATIENCE_SECONDS + 1, kraken=_DEAD)
        assert [switch.feed for _, switch in switches] == ["coinbase"]


def test_preferred_feed_that_lives_is_kept() -> None:
    feeds = _Feeds()
    assert feeds.until(7_200.0, coinbase=_DEAD) == []
    assert feeds.choice.present == "kraken"


def test_dead_feed_is_left_after_the_patience_and_not_before() -> None:
    feeds = _Feeds()
    assert feeds.until(2.0, kraken=_DEAD) == []
    assert feeds.until(4.0, kraken=_DEAD) == [
        (3.0, Switch(feed="coinbase", previous="kraken", reason=AuthorityReason.OTHER_STALE))
    ]


@pytest.mark.parametrize(
    ("health", "reason"),
    [
        (FeedHealth.REFUSED, AuthorityReason.OTHER_REFUSED),
        (FeedHealth.DISAGREES, AuthorityReason.OTHER_DISAGREES),
    ],
)
def test_feed_that_cannot_be_right_is_left_at_once(health: FeedHealth, reason: AuthorityReason) -> None:
    switches = _Feeds().until(2.0, kraken=health)
    assert switches == [(1.0, Switch(feed="coinbase", previous="kraken", reason=reason))]


def test_only_a_feed_that_lives_takes_over() -> None:
    feeds = _Feeds()
    (switch,) = feeds.until(10.0, kraken=_DEAD, coinbase=FeedHealth.DISAGREES)
    assert switch[1].feed == "binance"


def test_nothing_is_left_while_no_other_lives() -> None:
    feeds = _Feeds()
    assert feeds.until(1_000.0, kraken=_DEAD, coinbase=_DEAD, binance=FeedHealth.REFUSED) == []
    assert [at for at, _ in feeds.until(1_010.0, kraken=_DEAD, coinbase=_DEAD)] == [1_001.0]


def test_feed_that_comes_and_goes_is_left_though_it_is_never_dead_for_long() -> None:
    feeds = _Feeds()
    switches = []
    for second in range(10):
        switches += feeds.until(second * 3.0 + 1.0)
        switches += feeds.until(second * 3.0 + 3.0, kraken=_DEAD)
    assert [switch.feed for _, switch in switches] == ["coinbase"]
    assert switches[0][0] <= 9.0


def test_reconnect_of_a_second_now_and_then_changes_nothing() -> None:
    feeds = _Feeds()
    for minute in range(1, 60):
        assert feeds.until(minute * 60.0 - 2.0) == []
        assert feeds.until(minute * 60.0, kraken=_DEAD) == []


def test_preferred_feed_comes_back_after_a_minute_alive() -> None:
    feeds = _Feeds()
    feeds.left_once()
    assert feeds.until(100.0, kraken=_DEAD) == []
    # Alive from the 101st second on.
    ((at, switch),) = feeds.until(300.0)
    assert at == 101.0 + PROBATION_SECONDS
    assert switch == Switch(feed="kraken", previous="coinbase", reason=AuthorityReason.PREFERRED_IS_BACK)


def test_break_in_the_minute_starts_it_again() -> None:
    feeds = _Feeds()
    feeds.left_once()
    assert feeds.until(50.0) == []
    assert feeds.until(51.0, kraken=_DEAD) == []
    ((at, _),) = feeds.until(300.0)
    assert at == 52.0 + PROBATION_SECONDS


def test_probation_doubles_with_each_return_that_fails_and_is_capped() -> None:
    feeds = _Feeds()
    waits = []
    for _ in range(8):
        feeds.left_once()
        begin = feeds.now
        at, switch = feeds.next_switch()
        assert switch.feed == "kraken"
        waits.append(at - begin - 1.0)
        # Long enough that the switches before do not count.
        feeds.until(feeds.now + 700.0)
    assert waits == [60.0, 120.0, 240.0, 480.0, 960.0, 1_920.0, 1_920.0, 1_920.0]


def test_hour_of_good_service_is_a_fresh_start() -> None:
    feeds = _Feeds()
    for _ in range(2):
        feeds.left_once()
        feeds.next_switch()
        feeds.until(feeds.now + 700.0)
    feeds.until(feeds.now + 3_600.0)
    feeds.left_once()
    begin = feeds.now
    assert feeds.next_switch()[0] - begin - 1.0 == PROBATION_SECONDS


def test_proven_feed_is_taken_before_a_preferred_one_that_has_just_come_back() -> None:
    feeds = _Feeds()
    feeds.until(100.0)
    feeds.left_once()
    feeds.until(feeds.now + 5.0)
    ((_, switch),) = feeds.until(feeds.now + 5.0, coinbase=_DEAD)
    assert switch.feed == "binance"


def test_unproven_feed_is_better_than_a_dead_one() -> None:
    feeds = _Feeds("kraken", "coinbase")
    feeds.left_once()
    feeds.until(feeds.now + 5.0)
    ((_, switch),) = feeds.until(feeds.now + 5.0, coinbase=_DEAD)
    assert switch.feed == "kraken"


def test_closed_market_changes_nothing_and_does_not_count_as_dead() -> None:
    feeds = _Feeds()
    assert feeds.until(2.0, kraken=_DEAD) == []
    assert feeds.until(10_000.0, kraken=FeedHealth.RESTING, coinbase=FeedHealth.RESTING) == []
    assert feeds.until(10_002.0, kraken=_DEAD) == []
    assert [at for at, _ in feeds.until(10_010.0, kraken=_DEAD)] == [10_003.0]


def test_loop_that_hung_does_not_make_a_feed_dead() -> None:
    feeds = _Feeds()
    feeds.now = 100.0
    assert feeds.until(101.0, kraken=_DEAD) == []


def test_after_many_switches_each_further_one_takes_longer() -> None:
    feeds = _Feeds("kraken", "coinbase")
    at: list[float] = []
    while len(at) < 12:
        at += [instant for instant, _ in feeds.until(feeds.now + 1.0, **{feeds.choice.present: _DEAD})]
    waits = [later - earlier for earlier, later in zip([0.0, *at], at, strict=False)]
    assert waits == [3.0, 3.0, 3.0, 3.0, 6.0, 12.0, 24.0, 48.0, 60.0, 60.0, 60.0, 60.0]


def test_also_a_feed_that_disagrees_is_left_later_after_many_switches() -> None:
    feeds = _Feeds("kraken", "coinbase")
    for present in ("kraken", "coinbase") * 2:
        assert len(feeds.until(feeds.now + 1.0, **{present: FeedHealth.DISAGREES})) == 1
    assert feeds.until(feeds.now + 5.0, kraken=FeedHealth.DISAGREES) == []
    assert len(feeds.until(feeds.now + 1.0, kraken=FeedHealth.DISAGREES)) == 1


@pytest.mark.parametrize("feeds", [(), ("kraken", "kraken")])
def test_order_without_feeds_or_with_one_twice_is_refused(feeds: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="needs feeds, each once"):
        FeedChoice(feeds, now=0.0)


def test_time_before_the_feeds_ran_does_not_count() -> None:
    feeds = _Feeds()
    feeds.now = 10.0
    feeds.choice.begin(now=10.0)
    assert [at for at, _ in feeds.until(20.0, kraken=_DEAD)] == [10.0 + PATIENCE_SECONDS]
