"""Openings entered, retired and forgotten: every row of the ledger's table."""

from services.signals.core.outcomes.ledger import MOST_OPENINGS, Ledger
from services.signals.core.outcomes.scoring import Opening
from shared.contracts.envelope import Contract
from shared.domain.divergences import Direction, Kind
from tests.unit.signals.core.outcomes.closes import closes, labels

STRETCH, RISK_OFF, RISK_ON = Kind.RATIO_STRETCH, Direction.RISK_OFF, Direction.RISK_ON


def stretch(session: str, direction: Direction = RISK_OFF) -> Opening:
    return Opening(kind=STRETCH, direction=direction, session=session)


def test_an_opening_is_entered_once() -> None:
    ledger = Ledger().with_opening(STRETCH, RISK_OFF, session="2019-06-03")

    assert ledger.openings == (stretch("2019-06-03"),)
    assert ledger.with_opening(STRETCH, RISK_OFF, session="2019-06-03") is ledger


def test_a_data_fault_is_not_entered() -> None:
    assert Ledger().with_opening(Kind.DATA_FAULT, Direction.LEAD, session="2019-06-03") == Ledger()


def test_what_is_pending_is_entered_before_what_opened_meanwhile() -> None:
    ledger = Ledger(backfill_until="2019-06-03").with_opening(STRETCH, RISK_OFF, session="2019-06-04")

    paid = ledger.with_history((stretch("2019-05-02"), stretch("2019-06-03", RISK_ON)))

    assert paid == Ledger(
        openings=(stretch("2019-05-02"), stretch("2019-06-03", RISK_ON), stretch("2019-06-04"))
    )


def test_a_history_without_an_opening_is_pending_no_more() -> None:
    assert Ledger(backfill_until="2019-06-03").with_history(()) == Ledger()


def test_an_opening_whose_session_leaves_the_windows_keeps_what_followed() -> None:
    whole = closes([100.0 + each for each in range(40)])
    sessions = labels(40)
    entered = Ledger().with_history((stretch(sessions[3]), stretch(sessions[4])))
    before, after = whole.until(30, limit=27), whole.until(31, limit=27)
    assert (before.sessions[0], after.sessions[0]) == (sessions[3], sessions[4])

    moved = entered.rescored(before).rescored(after)

    assert moved == entered.rescored(whole)
    assert [len(opening.scores) for opening in moved.openings] == [3, 3]


def test_a_ledger_without_openings_has_nothing_to_score() -> None:
    ledger = Ledger()

    assert ledger.rescored(closes([100.0, 101.0])) is ledger


def test_the_oldest_are_forgotten_beyond_512() -> None:
    sessions = labels(514)
    full = Ledger().with_history(tuple(map(stretch, sessions[:512])))
    assert len(full.openings) == MOST_OPENINGS == 512

    one_more = full.with_opening(STRETCH, RISK_OFF, session=sessions[512])

    assert one_more.openings == tuple(map(stretch, sessions[1:513]))


def test_a_ledger_survives_a_checkpoint() -> None:
    ledger = Ledger(backfill_until="2019-06-03").with_opening(STRETCH, RISK_OFF, session="2019-06-04")
    scored = (
        Ledger().with_history((stretch(labels(1)[0]),)).rescored(closes([100.0 + each for each in range(7)]))
    )
    contract = Contract("ledger", 1, Ledger)
    assert len(scored.openings[0].scores) == 2

    assert contract.decode(contract.encode(ledger)) == ledger
    assert contract.decode(contract.encode(scored)) == scored
