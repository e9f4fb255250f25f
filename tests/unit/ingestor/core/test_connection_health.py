"""Every row of the table of phases, and each reason to give a connection up."""

from services.ingestor.core.connection_health import MAX_BAD_FRAMES, ConnectionHealth, Limits, Phase

_LIMITS = Limits(ack=5.0, first_data=15.0, idle=10.0, no_data=300.0)


def _health(*, acked: float | None = None, data: float | None = None, frame: float = 0.0) -> ConnectionHealth:
    health = ConnectionHealth(_LIMITS, now=0.0)
    if acked is not None:
        health.on_acknowledged(now=acked)
    if data is not None:
        health.on_data(now=data)
    health.on_frame(now=frame)
    return health


def test_phases_follow_each_other() -> None:
    assert _health().phase is Phase.CONNECTED
    assert _health(data=1.0).phase is Phase.CONNECTED
    assert _health(acked=1.0).phase is Phase.ACKED
    assert _health(acked=1.0, data=0.5).phase is Phase.LIVE


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
    health.on_acknowledged(now=5.0)
    assert health.live_seconds(now=9.0) == 8
