"""Every row of the table of live states, and how the watermark moves."""

import pytest

from services.ingestor.core.feed_status import HOLD_SECONDS, Liveness, Watermark, feed_state
from services.ingestor.core.venue_clock import VenueClock
from shared.domain.ticks import FeedState

_S = 1_000_000_000
# The venue's time at second 0 of the monotonic clock.
_START = 1_400_000_000


def _liveness(*, is_live: bool = True, frame: float = 1_000.0, tick: float = 1_000.0) -> Liveness:
    return Liveness(is_live=is_live, last_frame=frame, last_tick=tick)


@pytest.mark.parametrize(
    ("liveness", "market", "expected"),
    [
        (_liveness(), FeedState.LIVE, FeedState.LIVE),
        (_liveness(tick=941.0), FeedState.LIVE, FeedState.LIVE),
        (_liveness(tick=940.9), FeedState.LIVE, FeedState.STALE),
        (_liveness(is_live=False), FeedState.LIVE, FeedState.STALE),
        (_liveness(is_live=False), FeedState.BREAK, FeedState.BREAK),
        (_liveness(tick=0.0), FeedState.CLOSED, FeedState.CLOSED),
    ],
)
def test_state_follows_the_table(liveness: Liveness, market: FeedState, expected: FeedState) -> None:
    assert feed_state(liveness, now=1_001.0, market=market, stale_after=60.0) is expected


class _Feed:
    """A feed whose watermark is in seconds of the monotonic clock."""

    def __init__(self, *, wall_ahead: float = 0.0, is_known: bool = True) -> None:
        self.venue = VenueClock(wall_ns=int((_START + wall_ahead) * _S), now=0.0)
        if is_known:
            self.tick(1_000.0)
        self._watermark = Watermark(self.venue, lateness_ns=2 * _S, idle_seconds=10.0, started=0.0)

    def tick(self, now: float, *, ahead: float = 0.0) -> str | None:
        return self.venue.refusal(int((_START + now + ahead) * _S), now=now)

    def mark(self, liveness: Liveness, now: float, *, awaited: float | None = None) -> float:
        awaited_ns = int((_START + awaited) * _S) if awaited is not None else None
        mark_ns = self._watermark.advance(liveness, now=now, awaited_ns=awaited_ns)
        return mark_ns / _S - _START if mark_ns else 0.0


def test_while_the_venue_contradicts_our_clock_the_watermark_says_nothing_for_two_minutes() -> None:
    feed = _Feed(wall_ahead=172_800.0, is_known=False)
    feed.venue.take_date(_START * _S, now=0.0)

    assert feed.mark(_liveness(frame=1.0), 1.0) == 0.0
    assert feed.tick(2.0) is None
    assert feed.mark(_liveness(frame=2.0), 2.0) == 0.0
    assert feed.mark(_liveness(frame=3.0), 3.0) == 1.0


@pytest.mark.parametrize(
    ("liveness", "now", "expected"),
    [
        (_liveness(), 1_001.0, 999.0),  # frames flow: the venue's time, less the lateness
        (_liveness(), 1_010.0, 1_008.0),
        (_liveness(), 1_010.5, 998.0),  # interrupted: it waits at the last frame
        (_liveness(is_live=False), 1_001.0, 998.0),
        (_liveness(), 1_120.0, 998.0),
        (_liveness(), 1_130.0, 1_008.0),  # and goes on after the hold
    ],
)
def test_watermark_follows_waits_and_goes_on(liveness: Liveness, now: float, expected: float) -> None:
    assert HOLD_SECONDS == 120.0
    assert _Feed().mark(liveness, now) == expected


def test_watermark_never_goes_back() -> None:
    feed = _Feed()
    assert feed.mark(_liveness(), 1_007.0) == 1_005.0
    assert feed.mark(_liveness(), 1_011.0) == 1_005.0


def test_watermark_waits_for_a_tick_that_is_held_or_a_trade_that_is_missing_and_not_for_ever() -> None:
    feed = _Feed()

    assert feed.mark(_liveness(frame=1_010.0), 1_010.0, awaited=1_004.0) == 1_002.0
    assert feed.mark(_liveness(frame=1_200.0), 1_200.0, awaited=1_004.0) == 1_078.0
    assert feed.mark(_liveness(frame=1_200.0), 1_200.0) == 1_198.0


def test_our_clock_does_not_move_the_watermark_of_a_venue_that_gives_times() -> None:
    feed = _Feed(wall_ahead=172_800.0, is_known=False)
    silent = _liveness(is_live=False, frame=0.0)

    assert feed.mark(silent, 100.0) == 0.0
    refused = [feed.tick(100.0 + second) for second in (0, 3, 6, 9, 12)]
    assert refused == ["too_old"] * 4 + [None]
    assert feed.mark(_liveness(frame=112.0), 113.0) == 111.0


def test_a_venue_without_times_has_ours_from_its_first_data_on() -> None:
    feed = _Feed(is_known=False)

    assert feed.mark(_liveness(is_live=False, frame=10.0), 20.0) == 0.0
    assert feed.mark(_liveness(frame=20.0), 20.0) == 18.0


def test_a_venue_that_never_answers_does_not_stop_time_for_ever() -> None:
    feed = _Feed(is_known=False)
    never = _liveness(is_live=False, frame=0.0)

    assert feed.mark(never, 119.0) == 0.0
    assert feed.mark(never, 1_000.0) == 878.0


def test_a_watermark_that_ran_ahead_goes_back_to_the_time_of_the_venue() -> None:
    feed = _Feed(wall_ahead=172_800.0, is_known=False)
    never = _liveness(is_live=False, frame=0.0)

    assert feed.mark(never, 200.0) == 172_800.0 + 78.0
    for second in (200, 203, 206, 209, 212):
        feed.tick(second)
    assert feed.mark(_liveness(frame=212.0), 213.0) == 211.0
