"""The time at a venue: what our clock, late ticks, wrong ticks and a venue that sets its clock do to it."""

import pytest

from services.ingestor.core.venue_clock import VenueClock
from shared.domain.instants import INSTANTS_END_NS

_S = 1_000_000_000
_DAY = 86_400.0
# The venue's time at second 0 of the monotonic clock.
_START = 1_400_000_000


class _Venue:
    """A clock whose times are in seconds since the start."""

    def __init__(self, *, wall_ahead: float = 0.0, lateness: float = 2.0) -> None:
        self.clock = VenueClock(wall_ns=_ns(wall_ahead), now=0.0, lateness_ns=int(lateness * _S))

    def tick(self, now: float, *, ahead: float = 0.0) -> str | None:
        return self.clock.refusal(_ns(now + ahead), now=now)

    def date(self, now: float, *, ahead: float = 0.0) -> None:
        self.clock.take_date(_ns(now + ahead), now=now)

    def wall(self, now: float, *, ahead: float = 0.0) -> None:
        self.clock.take_wall(_ns(now + ahead), now=now)

    def error(self, now: float) -> float:
        """Return by how many seconds the estimate is ahead."""
        return (self.clock.now_ns(now=now) - _ns(now)) / _S


def _ns(seconds: float) -> int:
    return _START * _S + round(seconds * _S)


def test_before_any_time_of_the_venue_ours_counts() -> None:
    venue = _Venue(wall_ahead=0.5)

    assert not venue.clock.is_known
    assert venue.error(10.0) == 0.5


@pytest.mark.parametrize(
    ("ahead", "reason"),
    [(5.0, None), (5.001, "future"), (-120.0, None), (-120.001, "too_old"), (-_START, "too_old")],
)
def test_a_first_tick_is_compared_with_our_clock(ahead: float, reason: str | None) -> None:
    assert _Venue().tick(0.0, ahead=ahead) == reason


def test_our_clock_may_jump_without_any_tick_being_refused() -> None:
    venue = _Venue()
    assert [venue.tick(second) for second in range(5)] == [None] * 5

    # The wall clock is not even asked once the process runs.
    assert venue.clock.plausible_ns(_ns(2 * _DAY), now=5.0) == _ns(5.0)
    assert venue.clock.plausible_ns(_ns(-2 * _DAY), now=5.0) == _ns(5.0)
    assert venue.clock.plausible_ns(_ns(5.5), now=5.0) == _ns(5.5)


@pytest.mark.parametrize("wall_ahead", [2 * _DAY, -2 * _DAY, 200.0, -200.0])
def test_a_wrong_clock_at_the_start_costs_ten_seconds_of_ticks_and_no_more(wall_ahead: float) -> None:
    venue = _Venue(wall_ahead=wall_ahead)
    reason = "too_old" if wall_ahead > 0 else "future"

    assert [venue.tick(second) for second in range(10)] == [reason] * 10
    assert [venue.tick(10.0 + second) for second in range(10)] == [None] * 10
    assert venue.error(20.0) == 0.0
    assert venue.clock.restarts == 1


def test_five_ticks_in_ten_seconds_are_needed_and_few_over_a_long_time_are_not_enough() -> None:
    venue = _Venue(wall_ahead=2 * _DAY)

    assert [venue.tick(second) for second in (0.0, 60.0, 120.0, 180.0)] == ["too_old"] * 4
    assert venue.tick(240.0) is None


def test_wrong_times_that_differ_are_never_believed() -> None:
    venue = _Venue()
    venue.tick(0.0)

    assert all(venue.tick(second, ahead=1_000.0 + 3.0 * second) == "future" for second in range(1, 100))
    assert venue.error(100.0) == 0.0


def test_wrong_times_among_right_ones_are_never_believed() -> None:
    venue = _Venue()

    for second in range(100):
        assert venue.tick(second) is None
        assert venue.tick(second, ahead=-3_600.0) == "too_old"
        assert venue.tick(second, ahead=3_600.0) == "future"
    assert venue.error(100.0) == 0.0


def test_a_venue_that_sets_its_clock_is_followed() -> None:
    venue = _Venue()
    for second in range(100):
        venue.tick(second)
    reasons = [venue.tick(100.0 + second, ahead=-3_600.0) for second in range(12)]

    assert reasons == ["too_old"] * 10 + [None] * 2
    assert venue.error(112.0) == -3_600.0
    assert venue.clock.restarts == 1


def test_one_tick_from_the_near_future_does_not_move_the_estimate() -> None:
    venue = _Venue()
    for second in range(100):
        venue.tick(second)
    assert venue.tick(100.0, ahead=4.9) is None

    assert venue.error(100.0) == 0.0


def test_the_estimate_is_that_of_the_ticks_with_the_least_delay() -> None:
    venue = _Venue()
    for second in range(60):
        venue.tick(second, ahead=-0.1 if second % 7 == 0 else -2.5)

    assert round(venue.error(60.0), 3) == -0.1


def test_a_clock_that_is_adjusted_slowly_is_followed_within_two_minutes() -> None:
    venue = _Venue()
    # Our monotonic clock runs 500 parts per million too fast for an hour.
    for second in range(3_600):
        venue.tick(float(second), ahead=-second * 500e-6)

    assert abs(venue.error(3_600.0) + 1.8) < 0.1


def test_a_first_tick_that_is_late_does_not_make_the_next_one_come_from_the_future() -> None:
    venue = _Venue()

    assert venue.tick(0.0, ahead=-100.0) is None
    assert venue.tick(1.0) is None
    assert venue.tick(2.0) is None
    assert venue.error(2.0) == 0.0


def test_a_venue_with_one_time_a_minute_is_followed_by_its_newest() -> None:
    venue = _Venue()
    for minute in range(10):
        assert venue.tick(100.0 * minute, ahead=-minute % 3) is None

    assert venue.error(900.0) == 0.0


def test_a_date_that_agrees_with_our_clock_is_the_venues_time_until_there_is_a_better_one() -> None:
    venue = _Venue(wall_ahead=2.0)
    venue.date(1.0, ahead=-0.6)

    assert venue.clock.is_known
    assert round(venue.error(2.0), 3) == -0.6
    assert venue.tick(3.0) is None
    assert venue.error(3.0) == 0.0


@pytest.mark.parametrize("wall_ahead", [2 * _DAY, -2 * _DAY])
def test_a_date_and_the_first_tick_outvote_a_clock_of_ours_that_is_wrong_from_the_start(
    wall_ahead: float,
) -> None:
    venue = _Venue(wall_ahead=wall_ahead)
    venue.date(1.0, ahead=-0.6)
    assert venue.clock.is_disputed
    assert not venue.clock.is_known

    assert venue.tick(3.0, ahead=-0.2) is None
    assert round(venue.error(3.0), 3) == -0.2
    assert venue.clock.restarts == 1
    assert venue.tick(4.0) is None


@pytest.mark.parametrize("date_ahead", [2 * _DAY, -2 * _DAY, 100.0, -600.0, -_START, -_START - 1.0, 8e9])
def test_a_wrong_date_alone_moves_nothing_before_and_after_the_first_tick(date_ahead: float) -> None:
    venue = _Venue()
    venue.date(0.0, ahead=date_ahead)
    assert venue.error(0.0) == 0.0
    for second in range(1, 60):
        venue.wall(second)
        assert venue.tick(second) is None
        venue.date(second, ahead=date_ahead)
        assert venue.error(second) == 0.0
    assert venue.clock.restarts == 0


def test_a_date_that_nothing_agrees_with_replaces_none_that_counts() -> None:
    venue = _Venue()
    venue.date(0.0, ahead=1.0)
    venue.date(1.0, ahead=-600.0)

    assert venue.error(1.0) == 1.0


def test_a_date_that_only_the_lateness_of_ticks_allows_counts_when_our_clock_is_wrong() -> None:
    venue = _Venue(wall_ahead=2 * _DAY, lateness=90.0)
    venue.date(0.0)
    assert venue.tick(1.0, ahead=-80.0) is None

    assert venue.error(1.0) == 0.0


def test_dates_that_agree_for_ten_seconds_count_where_a_venue_gives_no_other_time() -> None:
    venue = _Venue(wall_ahead=2 * _DAY)
    for second in (0.0, 3.0, 6.0, 9.0):
        venue.date(second)
        assert not venue.clock.is_known
    venue.date(12.0)

    assert venue.clock.is_known
    assert venue.error(12.0) == 0.0


def test_our_clock_that_jumps_to_a_date_that_it_contradicted_agrees_with_it() -> None:
    venue = _Venue(wall_ahead=2 * _DAY)
    venue.date(0.0)
    venue.wall(10.0, ahead=2 * _DAY)
    assert not venue.clock.is_known
    venue.wall(20.0)

    assert venue.clock.is_known
    assert venue.error(20.0) == 0.0


@pytest.mark.parametrize("jump", [2 * _DAY, -2 * _DAY, 60.0, -60.0])
def test_our_clock_alone_moves_nothing_once_the_venue_has_given_a_time(jump: float) -> None:
    venue = _Venue()
    venue.tick(0.0)
    for second in range(1, 60):
        venue.wall(second, ahead=jump if second < 21 else 0.0)
        assert venue.tick(second, ahead=-0.5) is None
        assert -0.5 <= venue.error(second) <= 0.0
    assert venue.clock.restarts == 0


@pytest.mark.parametrize("late", [0.0, 89.0])
def test_after_a_suspension_the_first_tick_and_our_clock_restart_the_estimate(late: float) -> None:
    venue = _Venue(lateness=90.0)
    venue.tick(0.0)
    venue.wall(10.0, ahead=7_200.0)

    assert venue.tick(10.0, ahead=7_200.0 - late) is None
    assert venue.error(10.0) == 7_200.0 - late
    assert venue.tick(11.0, ahead=7_200.0) is None


def test_after_a_suspension_a_date_and_our_clock_restart_the_estimate() -> None:
    venue = _Venue()
    venue.tick(0.0)
    venue.wall(10.0, ahead=7_200.0)
    venue.date(10.0, ahead=7_199.5)

    assert venue.error(10.0) == 7_199.5
    assert venue.tick(11.0, ahead=7_200.0) is None


def test_after_a_suspension_a_date_and_a_tick_restart_the_estimate_whatever_our_clock_says() -> None:
    venue = _Venue()
    venue.date(0.0)
    venue.tick(0.0)
    venue.wall(10.0, ahead=-2 * _DAY)
    venue.date(10.0, ahead=7_200.0)

    assert venue.tick(11.0, ahead=7_200.0) is None
    assert venue.error(11.0) == 7_200.0


def test_a_date_and_a_wrong_tick_move_nothing_while_our_clock_agrees_with_the_venues_times() -> None:
    venue = _Venue()
    for second in range(30):
        venue.wall(second)
        venue.date(second, ahead=3_600.0)
        assert venue.tick(second, ahead=3_600.0 if second == 20 else 0.0) == (
            "future" if second == 20 else None
        )
    assert venue.error(30.0) == 0.0


def test_a_feed_that_is_always_late_is_not_moved_by_dates_that_agree_with_our_clock() -> None:
    venue = _Venue()
    venue.wall(0.0)
    for second in range(11):
        venue.tick(second, ahead=-600.0)
    for second in range(11, 60):
        venue.wall(second)
        venue.date(second)
        assert venue.tick(second, ahead=-600.0) is None
    assert venue.error(60.0) == -600.0


def test_times_of_a_polled_venue_are_followed_by_its_lateness_when_nothing_else_is_known() -> None:
    venue = _Venue(lateness=30.0)
    venue.tick(0.0)
    late = (0.0, 12.0, 3.0, 9.0, 1.0, 7.0)
    reasons = [venue.tick(15.0 + 3.0 * each, ahead=7_200.0 - seconds) for each, seconds in enumerate(late)]

    assert reasons == ["future"] * 4 + [None] * 2
    assert 7_188.0 <= venue.error(30.0) <= 7_200.0
    assert not venue.clock.is_certain(now=30.0)


@pytest.mark.parametrize(("ahead", "reason"), [(-_START - 100.0, "too_old"), (8e9, "future")])
def test_an_instant_that_no_record_can_hold_is_refused_however_often_it_comes(
    ahead: float, reason: str
) -> None:
    venue = _Venue()

    assert {venue.tick(second, ahead=ahead) for second in range(30)} == {reason}
    assert venue.clock.plausible_ns(_ns(ahead), now=0.0) == _ns(0.0)


def test_a_date_counts_where_ticks_are_late_for_six_hours() -> None:
    venue = _Venue()
    venue.date(0.0)
    for second in range(0, 20_000, 50):
        assert venue.tick(second, ahead=-60.0 - second % 11) is None

    assert venue.error(20_000.0) == 0.0
    assert venue.error(6 * 3600.0 + 1.0) < -50.0


def test_a_date_of_a_proxy_that_contradicts_the_ticks_does_not_count() -> None:
    venue = _Venue()
    venue.tick(0.0)
    venue.tick(1.0)
    venue.date(2.0, ahead=3_600.0)
    assert venue.error(2.0) == 0.0

    venue.date(3.0, ahead=-3_600.0)
    assert venue.error(3.0) == 0.0
    assert venue.clock.restarts == 0


def test_a_wrong_first_date_gives_way_to_ticks_that_have_one_time() -> None:
    venue = _Venue(wall_ahead=-3_600.0)
    venue.date(0.0, ahead=-3_600.0)

    assert [venue.tick(second) for second in range(10)] == ["future"] * 10
    assert venue.tick(10.0) is None
    assert venue.error(10.0) == 0.0


def test_its_time_is_certain_with_a_date_or_with_ticks_of_one_offset() -> None:
    by_date, by_ticks, by_minutes = _Venue(), _Venue(), _Venue()
    assert not by_date.clock.is_certain(now=0.0)
    by_date.date(0.0)
    assert by_date.clock.is_certain(now=0.0)
    for second in range(11):
        assert not by_ticks.clock.is_certain(now=second)
        by_ticks.tick(second)
        by_minutes.tick(second, ahead=-3.0 * (second % 5))
    assert by_ticks.clock.is_certain(now=11.0)
    assert not by_minutes.clock.is_certain(now=11.0)
    by_minutes.date(11.0, ahead=1.0)
    assert by_minutes.clock.is_certain(now=11.0)


def test_a_look_at_the_future_teaches_nothing() -> None:
    venue = _Venue()

    assert venue.clock.is_future(_ns(5.1), now=0.0)
    assert not venue.clock.is_future(_ns(4.9), now=0.0)
    assert not venue.clock.is_known


def test_a_wall_clock_that_no_record_can_hold_is_bounded() -> None:
    assert VenueClock(wall_ns=-5, now=0.0).now_ns(now=0.0) == 0
    assert VenueClock(wall_ns=INSTANTS_END_NS + 5, now=0.0).now_ns(now=0.0) < INSTANTS_END_NS
