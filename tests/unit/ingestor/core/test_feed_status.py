"""Every row of the table of live states, and how the watermark moves."""

import pytest

from services.ingestor.core.feed_status import HOLD_NS, Liveness, feed_state, watermark
from shared.domain.ticks import FeedState

_S = 1_000_000_000


def _liveness(*, is_live: bool = True, frame: float = 1_000.0, tick: float = 1_000.0) -> Liveness:
    return Liveness(is_live=is_live, last_frame_ns=int(frame * _S), last_tick_ns=int(tick * _S))


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
    assert feed_state(liveness, now_ns=1_001 * _S, market=market, stale_after_ns=60 * _S) is expected


def _mark(liveness: Liveness, now: float, previous: float = 0.0) -> float:
    mark = watermark(
        liveness, now_ns=int(now * _S), lateness_ns=2 * _S, idle_ns=10 * _S, previous_ns=int(previous * _S)
    )
    return mark / _S


@pytest.mark.parametrize(
    ("liveness", "now", "expected"),
    [
        (_liveness(), 1_001.0, 999.0),  # frames flow: the clock, less the lateness
        (_liveness(), 1_010.0, 1_008.0),
        (_liveness(), 1_010.5, 998.0),  # interrupted: it waits at the last frame
        (_liveness(is_live=False), 1_001.0, 998.0),
        (_liveness(), 1_120.0, 998.0),
        (_liveness(), 1_130.0, 1_008.0),  # and goes on after the hold
    ],
)
def test_watermark_follows_waits_and_goes_on(liveness: Liveness, now: float, expected: float) -> None:
    assert HOLD_NS == 120 * _S
    assert _mark(liveness, now) == expected


def test_watermark_never_goes_back() -> None:
    assert _mark(_liveness(), 1_011.0, previous=1_005.0) == 1_005.0
