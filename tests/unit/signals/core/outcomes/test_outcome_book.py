"""A pair's outcomes as they are kept up: filled once, then opening by opening and session by session."""

import numpy as np
import pytest

from services.signals.core.divergence.rules import Rule
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.outcomes.history_evaluator import HistoryEvaluator
from services.signals.core.outcomes.ledger import Ledger
from services.signals.core.outcomes.outcome_book import Align, OutcomeBook
from shared.domain.divergences import Direction, Kind
from shared.domain.sessions import SessionCalendar
from tests.unit.signals.core.outcomes.closes import closes, labels

STRETCH, RISK_OFF, RISK_ON = Kind.RATIO_STRETCH, Direction.RISK_OFF, Direction.RISK_ON
SESSIONS = labels(200)


def monitor() -> OutcomeBook:
    return OutcomeBook(lambda: HistoryEvaluator((Rule(kind=STRETCH),)))


def history(count: int, *, limit: int = 800) -> Align:
    """Return a ratio that swings, with a stretch at session 100 and one at session 130."""
    swing = np.tile([0.01, -0.01], 150)
    swing[[100, 130]] = 0.05, -0.05
    return lambda: closes(np.exp(swing[:count]).tolist()).until(count, limit=limit)


def never() -> AlignedSessions:
    pytest.fail("the windows were read although nothing needs them")


def counts(one: OutcomeBook, align: Align) -> list[tuple[str, int, int]]:
    return [(each.direction.value, each.horizon_sessions, each.count) for each in one.summaries(align)]


def test_a_filled_history_answers_when_someone_looks() -> None:
    one = monitor()

    one.filled(SESSIONS[132])

    assert one.ledger == Ledger(backfill_until=SESSIONS[132])
    assert counts(one, history(133)) == [
        *[("risk_off", 1, 1), ("risk_off", 5, 1), ("risk_off", 20, 1)],
        *[("risk_on", 1, 1), ("risk_on", 5, 0), ("risk_on", 20, 0)],
    ]
    assert one.ledger == Ledger(backfill_until=SESSIONS[132]), "looking changes no checkpoint"


def test_what_is_pending_is_entered_and_scored_before_the_history_changes() -> None:
    looked_at, one = monitor(), monitor()
    for each in (looked_at, one):
        each.filled(SESSIONS[132])
    looked_at.summaries(history(133))

    for each in (looked_at, one):
        each.backfill(history(133))

    assert [opening.session for opening in one.ledger.openings] == [SESSIONS[100], SESSIONS[130]]
    assert len(one.ledger.openings[0].scores) > 0
    assert looked_at.ledger == one.ledger
    one.backfill(never)


def test_what_opens_after_the_filling_is_the_engines_to_tell() -> None:
    one = monitor()
    one.filled(SESSIONS[119])

    assert [direction for direction, _, _ in counts(one, history(133))] == ["risk_off"] * 3
    one.opened(STRETCH, RISK_ON, session=SESSIONS[130])
    assert counts(one, history(133))[3:] == [("risk_on", 1, 1), ("risk_on", 5, 0), ("risk_on", 20, 0)]


def test_the_answer_is_kept_while_nothing_changes() -> None:
    one = monitor()
    one.filled(SESSIONS[132])

    first = one.summaries(history(133))

    assert one.summaries(never) is first
    one.committed(history(134))
    assert one.summaries(history(134)) is not first


def test_a_commit_costs_nothing_before_anyone_has_looked() -> None:
    one = monitor()
    one.filled(SESSIONS[132])

    one.committed(never)

    assert one.ledger == Ledger(backfill_until=SESSIONS[132])


def test_windows_that_move_on_lose_nothing_that_followed() -> None:
    one = monitor()
    one.filled(SESSIONS[129])
    one.backfill(history(130, limit=130))

    for count in range(131, 201):
        if count == 131:
            one.opened(STRETCH, RISK_ON, session=SESSIONS[130])
        one.committed(history(count, limit=40))

    assert counts(one, history(200, limit=40)) == [
        (direction, horizon, 1) for direction in ("risk_off", "risk_on") for horizon in (1, 5, 20)
    ]


def test_a_ledger_from_a_checkpoint_is_answered_from() -> None:
    saved, one = monitor(), monitor()
    saved.filled(SESSIONS[132])
    expected = saved.summaries(history(133))
    assert one.summaries(history(133)) == ()

    one.ledger = saved.ledger

    assert one.summaries(history(133)) == expected


def test_before_the_first_aligned_session_nothing_is_entered() -> None:
    one = monitor()

    one.filled("")
    one.opened(STRETCH, RISK_OFF, session="")

    assert one.ledger == Ledger()
    assert one.summaries(history(1)) == ()


@pytest.mark.parametrize(
    ("at_ns", "left"), [(0, []), (15, [SESSIONS[0]]), (20, SESSIONS[:2]), (99, SESSIONS[:3])]
)
def test_openings_at_closes_that_have_not_come_are_forgotten_and_no_others(
    at_ns: int, left: list[str]
) -> None:
    """The sessions close at 10, 20 and 30 ns."""
    one = monitor()
    for session in SESSIONS[:3]:
        one.opened(STRETCH, RISK_OFF, session=session)
    calendar = SessionCalendar(labels=tuple(SESSIONS[:3]), open_ns=(5, 15, 25), close_ns=(10, 20, 30))

    one.undo_after(at_ns, calendar)

    assert [each.session for each in one.ledger.openings] == list(left)
