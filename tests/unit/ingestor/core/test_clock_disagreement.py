"""When our clock and a venue's are said to disagree, and when to agree again."""

import pytest

from services.ingestor.core.clock_disagreement import ClockChange, ClockDisagreement
from services.ingestor.core.venue_clock import VenueClock

_S = 1_000_000_000
_START = 1_400_000_000


def _venue(*, seconds: int = 30, late: float = 0.0) -> VenueClock:
    venue = VenueClock(wall_ns=_START * _S, now=0.0)
    for second in range(seconds):
        venue.refusal(int((_START + second - late * (second % 3)) * _S), now=second)
    return venue


def _look(fault: ClockDisagreement, venue: VenueClock, now: float, *, ahead: float) -> ClockChange | None:
    return fault.look(venue, wall_ns=int((_START + now + ahead) * _S), now=now)


@pytest.mark.parametrize("ahead", [172_800.0, -172_800.0, 6.0, -6.0])
def test_a_clock_that_is_wrong_for_ten_seconds_is_a_fault_until_it_is_right(ahead: float) -> None:
    fault, venue = ClockDisagreement(), _venue()
    looks = [_look(fault, venue, 30.0 + second, ahead=ahead) for second in range(20)]

    assert looks[:10] == [None] * 10
    assert looks[11:] == [None] * 9
    begin = looks[10]
    assert begin is not None
    assert (begin.is_open, begin.at_ns, begin.ahead_ns) == (True, (_START + 40) * _S, int(ahead * _S))
    assert fault.is_open
    end = _look(fault, venue, 50.0, ahead=0.1)
    assert end is not None
    assert (end.is_open, end.at_ns) == (False, (_START + 50) * _S)
    assert _look(fault, venue, 51.0, ahead=0.1) is None


def test_a_clock_that_is_nearly_right_again_keeps_the_fault_open() -> None:
    fault, venue = ClockDisagreement(), _venue()
    for second in range(11):
        _look(fault, venue, 30.0 + second, ahead=60.0)

    assert _look(fault, venue, 42.0, ahead=3.1) is None
    assert fault.is_open


def test_a_short_jump_is_no_fault() -> None:
    fault, venue = ClockDisagreement(), _venue()
    for second in range(100):
        assert _look(fault, venue, 30.0 + second, ahead=60.0 if second % 10 else 0.0) is None


def test_ticks_that_are_late_by_different_times_say_nothing_of_our_clock() -> None:
    fault, venue = ClockDisagreement(), _venue(late=3.0)
    for second in range(100):
        assert _look(fault, venue, 30.0 + second, ahead=60.0) is None


def test_without_any_time_of_the_venue_there_is_nothing_to_compare() -> None:
    fault, venue = ClockDisagreement(), VenueClock(wall_ns=0, now=0.0)
    for second in range(100):
        assert fault.look(venue, wall_ns=_START * _S, now=float(second)) is None
