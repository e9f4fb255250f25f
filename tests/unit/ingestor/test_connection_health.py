"""Every row of the table of phases, and each reason to give a connection up."""

from services.ingestor.core.connection_health import MAX_BAD_FRAMES, ConnectionHealth, Limits, Phase

_LIMITS = Limits(ack=5.0, first_data=15.0, idle=10.0, no_data=300.0)


def _monitor(
    *, acked: float | None = None, data: float | None = None, frame: float = 0.0
) -> ConnectionHealth:
    monitor = ConnectionHealth(_LIMITS, now=0.0)
    if acked is not None:
        monitor.saw_ack(now=acked)
    if data is not None:
        monitor.saw_data(now=data)
    monitor.saw_frame(now=frame)
    return monitor


def test_phases_follow_each_other() -> None:
    assert _monitor().phase is Phase.CONNECTED
    assert _monitor(data=1.0).phase is Phase.CONNECTED
    assert _monitor(acked=1.0).phase is Phase.ACKED
    assert _monitor(acked=1.0, data=0.5).phase is Phase.LIVE


def test_connection_that_does_well_is_kept() -> None:
    assert _monitor(acked=1.0, data=100.0, frame=100.0).verdict(now=110.0) is None


def test_missing_acknowledgement_has_a_deadline_whatever_else_comes() -> None:
    monitor = _monitor(data=4.0, frame=5.0)
    assert monitor.verdict(now=5.0) is None
    assert monitor.verdict(now=5.1) == "ack_timeout"


def test_acknowledged_without_data_has_a_deadline() -> None:
    monitor = _monitor(acked=1.0, frame=16.0)
    assert monitor.verdict(now=16.0) is None
    assert monitor.verdict(now=16.1) == "no_first_data"


def test_silence_of_every_kind_is_idle() -> None:
    monitor = _monitor(acked=1.0, data=2.0, frame=2.0)
    assert monitor.verdict(now=12.0) is None
    assert monitor.verdict(now=12.1) == "idle"


def test_heartbeats_alone_are_not_data() -> None:
    monitor = _monitor(acked=1.0, data=2.0, frame=302.0)
    assert monitor.verdict(now=302.0) is None
    assert monitor.verdict(now=302.1) == "no_data"


def test_maintenance_excuses_missing_data_but_not_silence() -> None:
    monitor = _monitor(acked=1.0, data=2.0, frame=1_000.0)
    monitor.saw_venue(is_degraded=True)
    assert monitor.verdict(now=1_000.0) is None
    assert monitor.verdict(now=1_010.1) == "idle"
    monitor.saw_frame(now=1_011.0)
    monitor.saw_venue(is_degraded=False)
    assert monitor.verdict(now=1_020.0) is None
    monitor.saw_frame(now=1_311.0)
    assert monitor.verdict(now=1_311.1) == "no_data"


def test_bad_frames_are_borne_up_to_a_number() -> None:
    monitor = _monitor(acked=0.0, data=0.0)
    for _ in range(MAX_BAD_FRAMES):
        monitor.saw_frame(now=1.0, is_bad=True)
    monitor.saw_frame(now=1.0)
    monitor.saw_frame(now=1.0, is_bad=True)
    assert monitor.verdict(now=1.0) is None
    for _ in range(MAX_BAD_FRAMES):
        monitor.saw_frame(now=1.0, is_bad=True)
    monitor.saw_frame(now=1.0)
    assert monitor.verdict(now=1.0) == "too_many_bad_frames"


def test_live_time_counts_from_the_acknowledgement() -> None:
    assert _monitor().live_seconds(now=9.0) == 0
    assert _monitor(acked=1.0).live_seconds(now=9.0) == 0
    monitor = _monitor(acked=1.0, data=2.0)
    monitor.saw_ack(now=5.0)
    assert monitor.live_seconds(now=9.0) == 8
