"""Every row of the table of phases, and each reason to give a connection up."""

import pytest

from services.ingestor.core.connection_health import (
    MAX_BAD_FRAMES,
    ConnectionHealth,
    FeedCondition,
    Limits,
    Phase,
    feed_condition,
)

_IWM, _SPY = "IWM", "SPY"

_LIMITS = Limits(ack=5.0, first_data=15.0, idle=10.0, no_data=300.0)


def _health(*, acked: float | None = None, data: float | None = None, frame: float = 0.0) -> ConnectionHealth:
    health = ConnectionHealth(_LIMITS, symbols=[_IWM], now=0.0)
    if acked is not None:
        health.on_acknowledged(_IWM, now=acked)
    if data is not None:
        health.on_data(_IWM, now=data)
    health.on_frame(now=frame)
    return health


def test_phases_follow_each_other() -> None:
    assert _health().phase(_IWM) is Phase.CONNECTED
    assert _health(data=1.0).phase(_IWM) is Phase.CONNECTED
    assert _health(acked=1.0).phase(_IWM) is Phase.ACKED
    assert _health(acked=1.0, data=0.5).phase(_IWM) is Phase.LIVE


def test_connection_that_does_well_is_kept() -> None:
    assert _health(acked=1.0, data=100.0, frame=100.0).give_up_reason(now=110.0) is None


def test_missing_acknowledgement_has_a_deadline_whatever_else_comes() -> None:
    health = _health(data=4.0, frame=5.0)
    assert health.give_up_reason(now=5.0) is None
    assert health.give_up_reason(now=5.1) == "ack_timeout"


def test_acknowledged_without_data_has_a_deadline() -> None:
    health = _health(acked=1.0, frame=16.0)
    assert health.give_up_reason(now=16.0) is None
    assert health.give_up_reason(now=16.1) == "no_first_data"


def test_silence_of_every_kind_is_idle() -> None:
    health = _health(acked=1.0, data=2.0, frame=2.0)
    assert health.give_up_reason(now=12.0) is None
    assert health.give_up_reason(now=12.1) == "idle"


def test_heartbeats_alone_are_not_data() -> None:
    health = _health(acked=1.0, data=2.0, frame=302.0)
    assert health.give_up_reason(now=302.0) is None
    assert health.give_up_reason(now=302.1) == "no_data"


def test_maintenance_excuses_missing_data_but_not_silence() -> None:
    health = _health(acked=1.0, data=2.0, frame=1_000.0)
    health.on_venue_status(is_degraded=True)
    assert health.give_up_reason(now=1_000.0) is None
    assert health.give_up_reason(now=1_010.1) == "idle"
    health.on_frame(now=1_011.0)
    health.on_venue_status(is_degraded=False)
    assert health.give_up_reason(now=1_020.0) is None
    health.on_frame(now=1_311.0)
    assert health.give_up_reason(now=1_311.1) == "no_data"


def test_bad_frames_are_borne_up_to_a_number() -> None:
    health = _health(acked=0.0, data=0.0)
    for _ in range(MAX_BAD_FRAMES):
        health.on_frame(now=1.0, is_bad=True)
    health.on_frame(now=1.0)
    health.on_frame(now=1.0, is_bad=True)
    assert health.give_up_reason(now=1.0) is None
    for _ in range(MAX_BAD_FRAMES):
        health.on_frame(now=1.0, is_bad=True)
    health.on_frame(now=1.0)
    assert health.give_up_reason(now=1.0) == "too_many_bad_frames"


def test_live_time_counts_from_the_acknowledgement() -> None:
    assert _health().live_seconds(now=9.0) == 0
    assert _health(acked=1.0).live_seconds(now=9.0) == 0
    health = _health(acked=1.0, data=2.0)
    health.on_acknowledged(_IWM, now=5.0)
    assert health.live_seconds(now=9.0) == 8


def test_no_acknowledgement_is_waited_for_where_there_is_none() -> None:
    health = ConnectionHealth(_LIMITS, symbols=[_IWM], now=0.0, is_acknowledged=True)
    assert health.phase(_IWM) is Phase.ACKED
    health.on_frame(now=14.0)
    assert health.give_up_reason(now=15.0) is None
    assert health.give_up_reason(now=15.1) == "no_first_data"


def test_rejection_of_the_only_symbol_ends_the_connection_at_once() -> None:
    health = _health(frame=1.0)
    health.on_rejected(_IWM)
    assert health.phase(_IWM) is Phase.REJECTED
    assert health.give_up_reason(now=1.0) == "rejected"
    assert health.troubled() == {_IWM}
    health.on_acknowledged(_IWM, now=1.0)
    assert health.phase(_IWM) is Phase.ACKED
    assert health.give_up_reason(now=1.0) is None
    assert health.troubled() == frozenset()


def test_missing_data_are_no_trouble_in_a_closed_market_and_the_wait_begins_when_it_opens() -> None:
    health = _health(acked=1.0, data=2.0)
    for now in (400.0, 1_000.0):
        health.on_frame(now=now)
        assert health.give_up_reason(now=now, closed=[_IWM]) is None
    for now in (1_100.0, 1_300.0):
        health.on_frame(now=now)
        assert health.give_up_reason(now=now) is None
    health.on_frame(now=1_300.1)
    assert health.give_up_reason(now=1_300.1) == "no_data"


def test_first_data_are_waited_for_from_the_opening_of_the_market() -> None:
    health = _health(acked=1.0, frame=100.0)
    assert health.give_up_reason(now=100.0, closed=[_IWM]) is None
    health.on_frame(now=115.0)
    assert health.give_up_reason(now=115.0) is None
    assert health.give_up_reason(now=115.1) == "no_first_data"


def test_acknowledgement_and_frames_are_due_in_a_closed_market_too() -> None:
    assert _health(frame=5.0).give_up_reason(now=5.1, closed=[_IWM]) == "ack_timeout"
    assert _health(acked=1.0, frame=2.0).give_up_reason(now=12.1, closed=[_IWM]) == "idle"


def test_maintenance_before_the_first_data_is_no_fault_either() -> None:
    health = _health(acked=1.0, frame=1.0)
    health.on_venue_status(is_degraded=True)
    health.on_frame(now=500.0)
    assert health.give_up_reason(now=500.0) is None
    health.on_venue_status(is_degraded=False)
    health.on_frame(now=514.0)
    assert health.give_up_reason(now=515.0) is None
    assert health.give_up_reason(now=515.1) == "no_first_data"


def _two(*, live: tuple[str, ...] = (), acked: tuple[str, ...] = ()) -> ConnectionHealth:
    health = ConnectionHealth(_LIMITS, symbols=[_IWM, _SPY], now=0.0)
    for symbol in (*live, *acked):
        health.on_acknowledged(symbol, now=0.0)
    for symbol in live:
        health.on_data(symbol, now=0.0)
    health.on_frame(now=1.0)
    return health


def test_each_symbol_has_its_own_phase() -> None:
    health = _two(live=(_IWM,), acked=(_SPY,))
    assert (health.phase(_IWM), health.phase(_SPY)) == (Phase.LIVE, Phase.ACKED)
    assert health.live_symbols() == {_IWM}


def test_rejected_symbol_does_not_stop_the_other_until_its_time_has_come() -> None:
    health = _two(live=(_IWM,))
    health.on_rejected(_SPY)
    assert health.give_up_reason(now=1.0) is None
    for now in (9.0, 18.0, 27.0, 36.0, 45.0, 54.0, 60.9):
        health.on_frame(now=now)
        assert health.give_up_reason(now=now, tolerance={_SPY: 60.0}) is None
    health.on_frame(now=61.0)
    assert health.give_up_reason(now=61.0, tolerance={_SPY: 60.0}) == "rejected"
    assert health.troubled() == {_SPY}


def test_silent_symbol_waits_from_when_it_went_silent_and_data_end_the_wait() -> None:
    health = _two(live=(_IWM, _SPY))
    for now in range(10, 340, 10):
        health.on_data(_IWM, now=float(now))
        health.on_frame(now=float(now))
        assert health.give_up_reason(now=float(now), tolerance={_IWM: 60.0, _SPY: 60.0}) is None
    assert health.troubled() == {_SPY}
    health.on_data(_SPY, now=340.0)
    assert health.give_up_reason(now=340.0, tolerance={_SPY: 60.0}) is None
    assert health.troubled() == frozenset()


def test_trouble_of_all_symbols_ends_the_connection_without_tolerance() -> None:
    health = _two(live=(_IWM,))
    health.on_rejected(_SPY)
    health.on_frame(now=299.0)
    assert health.give_up_reason(now=300.0, tolerance={_SPY: 1e9, _IWM: 1e9}) is None
    health.on_frame(now=301.0)
    assert health.give_up_reason(now=301.0, tolerance={_SPY: 1e9, _IWM: 1e9}) == "no_data"


def test_missing_acknowledgement_of_one_symbol_does_not_stop_the_other() -> None:
    health = _two(live=(_IWM,))
    health.on_frame(now=6.0)
    assert health.give_up_reason(now=6.0, tolerance={_SPY: 60.0}) is None
    assert health.troubled() == {_SPY}


@pytest.mark.parametrize(
    ("phase", "is_cooling_down", "is_refused", "expected"),
    [
        (None, False, False, FeedCondition.DISCONNECTED),
        (None, True, False, FeedCondition.COOLING_DOWN),
        (None, True, True, FeedCondition.REFUSED),
        (Phase.CONNECTED, True, False, FeedCondition.CONNECTED),
        (Phase.ACKED, False, False, FeedCondition.ACKED),
        (Phase.LIVE, False, False, FeedCondition.LIVE),
        (Phase.REJECTED, False, False, FeedCondition.REJECTED),
        (Phase.REJECTED, False, True, FeedCondition.REFUSED),
        (Phase.CONNECTED, False, True, FeedCondition.REFUSED),
    ],
)
def test_condition_shows_the_worst_that_is_known(
    phase: Phase | None, is_cooling_down: bool, is_refused: bool, expected: FeedCondition
) -> None:
    assert feed_condition(phase, is_cooling_down=is_cooling_down, is_refused=is_refused) is expected
