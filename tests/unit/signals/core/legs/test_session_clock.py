"""How much of a session is to come, against a count of its own."""

import numpy as np
import pytest

from services.signals.core.legs.session_clock import QUARTER_NS, SessionClock, quarter_after
from shared.domain.sessions import SessionCalendar
from tests.oracle.next_close_oracle import gold_to_come
from tests.support.builders_market import HOUR, MINUTE, calendar, ny

NEVER = (1 << 63) - 1


def at(ts_ns: int, sessions: SessionCalendar | None = None) -> SessionClock:
    sessions = sessions or calendar()
    clock = SessionClock(sessions)
    clock.move_to(ts_ns, sessions.first_closing_at_or_after(ts_ns))
    return clock


@pytest.mark.parametrize(
    "session",
    [
        "2019-06-05",  # a Wednesday
        "2019-06-10",  # a Monday: the weekend is before it
        "2019-03-11",  # the Monday after the clocks went forward
        "2019-11-04",  # the Monday after they went back
        "2019-07-03",  # an early close
        "2019-07-05",  # a holiday is before it, and an early close before that
    ],
)
def test_share_to_come_is_that_of_a_count_by_quarters(session: str) -> None:
    sessions = calendar()
    ordinal = sessions.index_of(session)
    begin_ns, close_ns = sessions.close_ns[ordinal - 1], sessions.close_ns[ordinal]
    rng = np.random.default_rng(1)
    instants = [begin_ns + 1, close_ns, *rng.integers(begin_ns + 1, close_ns, 60).tolist()]

    for ts_ns in instants:
        wanted = gold_to_come(ts_ns, begin_ns, close_ns)
        assert at(ts_ns).lead_to_come == pytest.approx(wanted, abs=1e-12)


def test_share_to_come_falls_from_all_to_a_rest() -> None:
    before, busy, after, close = (
        at(ny(f"2019-06-05 {each}")).lead_to_come for each in ("07:59", "12:00", "15:59", "16:00")
    )

    assert at(ny("2019-06-04 16:00") + 1).lead_to_come == 1.0
    # 08:00 to 12:00 are four hours of weight 3 out of 19 + 12.
    assert [before, busy] == pytest.approx([(4 + 12 + 0.25) / 31, 4 / 31])
    assert after == close == pytest.approx(0.25 / 31)


@pytest.mark.parametrize(
    ("now", "since", "due"),
    [
        ("2019-06-05 10:07", "2019-06-05 10:00", "2019-06-05 10:15"),
        ("2019-06-05 10:15", "2019-06-05 10:15", "2019-06-05 10:30"),
        ("2019-06-05 17:30", "2019-06-05 17:00", "2019-06-05 18:15"),  # the daily break
        ("2019-06-08 12:00", "2019-06-07 17:00", "2019-06-09 18:15"),  # Saturday
        ("2019-06-05 15:50", "2019-06-05 15:45", None),  # then the close itself ends it
    ],
)
def test_step_lasts_until_less_is_to_come(now: str, since: str, due: str | None) -> None:
    clock = at(ny(now))

    assert (clock.since_ns, clock.due_ns) == (ny(since), NEVER if due is None else ny(due))


def test_clock_knows_the_same_however_often_it_was_asked() -> None:
    """A worker that starts at an instant must not differ from one that came there by ticks."""
    sessions = calendar()
    walked = SessionClock(sessions)
    rng = np.random.default_rng(2)
    for ts_ns in np.sort(rng.integers(ny("2019-06-05 09:00"), ny("2019-06-12 17:00"), 400)).tolist():
        walked.move_to(ts_ns, sessions.first_closing_at_or_after(ts_ns))
        fresh = at(ts_ns)
        for name in ("ordinal", "lead_to_come", "since_ns", "due_ns"):
            assert getattr(walked, name) == getattr(fresh, name)


def test_clock_without_a_close_to_come_has_nothing_due() -> None:
    sessions = calendar()
    for clock in (SessionClock(sessions), at(ny("2031-01-01 12:00"))):
        assert not clock.has_next_close
        assert clock.due_ns == NEVER


def test_first_session_of_a_calendar_begins_a_day_before_its_close() -> None:
    assert at(ny("2019-01-01 19:00")).lead_to_come == pytest.approx(29 / 31)


def test_session_in_which_gold_never_trades_passes_evenly() -> None:
    # Saturday from 10:00 to 12:00.
    begin_ns = ny("2019-06-08 10:00")
    sessions = SessionCalendar(
        labels=("2019-06-07", "2019-06-08"),
        open_ns=(begin_ns - HOUR, begin_ns + HOUR),
        close_ns=(begin_ns, begin_ns + 2 * HOUR),
    )

    assert at(begin_ns + 31 * MINUTE, sessions).lead_to_come == pytest.approx(6 / 8)


@pytest.mark.parametrize(
    ("tick", "to_come"),
    [
        ("2019-06-05 12:45", 0.3),
        ("2019-06-05 12:59", 0.3),
        ("2019-06-05 13:00", 0.6 * 180 / 390),
        ("2019-06-05 09:30", 0.6),
        ("2019-06-05 00:45", 0.8),  # half of the night between close and open
        ("2019-06-05 16:00", 0.6 * 15 / 390),
        ("2019-06-04 12:45", 1.3),
        ("2019-06-03 16:00", 2 + 0.6 * 15 / 390),
    ],
)
def test_other_leg_s_move_counts_from_its_own_tick(tick: str, to_come: float) -> None:
    clock = at(ny("2019-06-05 13:20"))

    assert clock.other_to_come(ny(tick)) == pytest.approx(to_come, abs=1e-12)


def test_tick_of_the_other_leg_from_after_the_next_close_leaves_something_to_come() -> None:
    """Both clocks of a log may differ a little: its tick may be newer than the lead's last close."""
    clock = at(ny("2019-06-05 15:59"))

    assert clock.other_to_come(ny("2019-06-05 16:30")) == pytest.approx(0.6 * 15 / 390)


def test_quarters_begin_after_their_last_instant() -> None:
    quarter = ny("2019-06-05 10:15")

    assert [quarter_after(each) for each in (quarter - 1, quarter, quarter + QUARTER_NS - 1)] == [
        quarter,
        quarter + QUARTER_NS,
        quarter + QUARTER_NS,
    ]
