"""Prices far from the last ones: which are held, believed and refused, and that none is lost."""

from services.ingestor.core.outliers import HOLD_SECONDS, MOST_HELD, Decided, OutlierHold

_CALM = 1_289.30


class _Feed:
    def __init__(self, *, spread: float = 0.0) -> None:
        self.hold = OutlierHold[float]()
        self.spread = spread
        self.at_once: list[float] = []
        for number in range(100):
            self.offer(_CALM + (number % 3) * 0.1, now=0.0)
        self.at_once.clear()

    def offer(self, price: float, *, now: float) -> Decided[float] | None:
        if self.hold.admits(price, spread=self.spread):
            self.at_once.append(price)
        else:
            self.hold.hold(price, price, now=now, spread=self.spread)
        return self.hold.decided(now=now)


def test_a_price_near_the_last_ones_is_believed_at_once() -> None:
    feed = _Feed()

    assert feed.offer(_CALM * 1.004, now=1.0) is None
    assert feed.at_once == [_CALM * 1.004]
    assert not feed.hold.is_open


def test_one_price_far_away_is_refused_when_two_near_ones_follow() -> None:
    feed = _Feed()

    assert feed.offer(1_192.61, now=1.0) is None
    assert feed.hold.oldest == 1_192.61
    assert feed.offer(_CALM, now=1.1) is None
    assert feed.offer(_CALM, now=1.2) == Decided(refused=(1_192.61,))
    assert feed.at_once == [_CALM, _CALM]
    assert not feed.hold.is_open


def test_a_move_is_believed_with_the_third_price_over_a_quarter_of_a_second() -> None:
    feed = _Feed()

    assert feed.offer(1_270.0, now=1.0) is None
    assert feed.offer(1_268.0, now=1.1) is None
    assert feed.offer(1_266.0, now=1.2) is None
    assert feed.offer(1_265.0, now=1.25) == Decided(believed=(1_270.0, 1_268.0, 1_266.0, 1_265.0))
    assert feed.offer(1_266.0, now=1.3) is None
    assert feed.at_once == [1_266.0]


def test_a_slow_venue_needs_two_prices_over_two_seconds() -> None:
    feed = _Feed()
    feed.offer(1_270.0, now=1.0)

    assert feed.offer(1_270.5, now=3.0) == Decided(believed=(1_270.0, 1_270.5))


def test_a_price_that_was_refused_for_its_age_still_counts_for_the_next() -> None:
    feed = _Feed()
    feed.offer(1_270.0, now=1.0)

    assert feed.hold.decided(now=1.0 + HOLD_SECONDS) is None
    assert feed.hold.decided(now=1.001 + HOLD_SECONDS) == Decided(refused=(1_270.0,))
    assert feed.offer(1_270.5, now=40.0) == Decided(believed=(1_270.5,))


def test_a_price_on_the_other_side_refuses_what_is_held() -> None:
    feed = _Feed()
    feed.offer(1_270.0, now=1.0)

    assert feed.offer(1_310.0, now=1.1) == Decided(refused=(1_270.0,))
    assert feed.hold.oldest == 1_310.0


def test_a_move_of_over_five_percent_takes_ten_prices_over_five_seconds() -> None:
    feed = _Feed()
    decided = [feed.offer(1_100.0, now=1.0 + number * 0.5) for number in range(11)]

    assert decided[:-1] == [None] * 10
    assert decided[-1] == Decided(believed=(1_100.0,) * 11)


def test_a_move_of_over_five_percent_on_a_slow_venue_takes_three_prices_over_thirty_seconds() -> None:
    feed = _Feed()

    assert feed.offer(1_100.0, now=0.0) is None
    assert feed.offer(1_100.0, now=15.0) == Decided(refused=(1_100.0,))
    assert feed.offer(1_100.0, now=30.0) == Decided(believed=(1_100.0,), refused=(1_100.0,))


def test_another_feed_confirms_at_once_and_only_a_price_near_what_is_held() -> None:
    feed = _Feed()
    feed.hold.confirm(1_100.0, now=0.5, spread=0.0)
    assert feed.hold.decided(now=0.5) is None

    feed.offer(1_100.0, now=1.0)
    feed.hold.confirm(1_120.0, now=1.0, spread=0.0)
    assert feed.hold.decided(now=1.0) is None
    feed.hold.confirm(1_101.0, now=1.0, spread=0.0)
    assert feed.hold.decided(now=1.0) == Decided(believed=(1_100.0,))
    assert feed.offer(1_101.0, now=1.1) is None
    assert feed.at_once == [1_101.0]


def test_a_venue_whose_usual_spread_is_wide_has_a_wider_limit() -> None:
    feed = _Feed(spread=0.02)

    assert feed.offer(_CALM * 1.019, now=1.0) is None
    assert feed.at_once == [_CALM * 1.019]


def test_prices_that_scatter_widely_have_a_wider_limit() -> None:
    hold = OutlierHold[int]()
    for number in range(200):
        assert hold.admits(100.0 + number % 3 * 0.4, spread=0.0)

    assert hold.admits(103.0, spread=0.0)


def test_what_is_held_is_bounded_and_the_oldest_is_refused() -> None:
    feed = _Feed()
    for number in range(MOST_HELD):
        assert feed.offer(1_100.0 + number / 100, now=1.0) is None

    assert feed.offer(1_050.0, now=1.0) == Decided(refused=(1_100.0,))


def test_a_wrong_first_price_rejects_no_true_one_that_follows() -> None:
    hold = OutlierHold[float]()
    assert hold.admits(4_000.0, spread=0.0)
    assert hold.admits(4_000.1, spread=0.0)
    decided = []
    for second in (1, 2, 3):
        assert not hold.admits(4_400.0 + second, spread=0.0)
        hold.hold(4_400.0 + second, 4_400.0 + second, now=second, spread=0.0)
        decided.append(hold.decided(now=second))

    assert decided == [None, None, Decided(believed=(4_401.0, 4_402.0, 4_403.0))]
    assert hold.admits(4_404.0, spread=0.0)
    assert not hold.admits(4_000.0, spread=0.0)


def test_after_what_was_believed_first_a_great_move_takes_as_long_as_ever() -> None:
    hold = OutlierHold[float]()
    hold.admits(4_000.0, spread=0.0)
    for second in (1, 3):
        hold.hold(4_400.0, 4_400.0, now=second, spread=0.0)
    assert hold.decided(now=3.0) == Decided(believed=(4_400.0, 4_400.0))

    for second in (4, 6):
        assert not hold.admits(4_000.0, spread=0.0)
        hold.hold(4_000.0, 4_000.0, now=second, spread=0.0)
    assert hold.decided(now=6.0) is None


def test_the_prices_of_an_earlier_process_are_compared_with_unless_there_are_newer_ones() -> None:
    hold = OutlierHold[float]()
    hold.begin([])
    assert hold.admits(4_400.0, spread=0.0)
    hold.begin([4_000.0])
    assert hold.admits(4_400.0, spread=0.0)

    resumed = OutlierHold[float]()
    resumed.begin([4_400.0 + number / 10 for number in range(5)])
    for second in (1, 2, 3):
        assert not resumed.admits(4_000.0, spread=0.0)
        resumed.hold(4_000.0, 4_000.0, now=second, spread=0.0)
    assert resumed.decided(now=3.0) is None
    assert resumed.admits(4_400.0, spread=0.0)
