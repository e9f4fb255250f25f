"""When sessions without a bar are asked for again."""

from services.ingestor.core.missing_sessions import AskAgain, MissingSessions

_OLD, _LAST = "2025-01-02", "2025-11-26"
_FEW = AskAgain(first_seconds=1.0, longest_seconds=4.0, tries=3, hourly_seconds=100.0)


def _after(count: int, *, session: str) -> MissingSessions:
    missing = MissingSessions(_FEW)
    for _ in range(count):
        missing.after_pull([session], set(), recent={_LAST})
    return missing


def test_nothing_is_asked_for_while_nothing_is_missing() -> None:
    missing = MissingSessions()
    missing.after_pull([_OLD, _LAST], {_OLD, _LAST}, recent={_LAST})
    assert (missing.to_ask(), missing.wait_seconds(), missing.given_up()) == ((), None, ())


def test_waits_double_up_to_a_limit_and_then_become_hourly() -> None:
    waits = [_after(count, session=_LAST).wait_seconds() for count in range(1, 6)]
    assert waits == [1.0, 2.0, 4.0, 100.0, 100.0]


def test_session_given_up_is_reported_and_only_a_recent_one_is_still_asked_for() -> None:
    recent, old = _after(4, session=_LAST), _after(4, session=_OLD)
    assert (recent.given_up(), recent.to_ask(), recent.wait_seconds()) == ((_LAST,), (_LAST,), 100.0)
    assert (old.given_up(), old.to_ask(), old.wait_seconds()) == ((_OLD,), (), None)


def test_session_that_comes_is_forgotten() -> None:
    missing = _after(4, session=_LAST)
    missing.after_pull([_LAST], {_LAST}, recent={_LAST})
    assert (missing.given_up(), missing.to_ask()) == ((), ())


def test_new_hole_is_asked_for_soon_beside_one_that_was_given_up() -> None:
    missing = _after(4, session=_LAST)
    missing.after_pull([_OLD], set(), recent={_LAST})
    assert missing.wait_seconds() == 1.0
    assert missing.to_ask() == (_OLD, _LAST)


def test_twenty_hours_without_a_bar_cost_some_thirty_requests() -> None:
    missing, waited, requests = MissingSessions(), 0.0, 0
    while waited < 20 * 3_600:
        missing.after_pull([_LAST], set(), recent={_LAST})
        requests += 1
        waited += missing.wait_seconds() or 0.0
    assert 20 <= requests <= 35
