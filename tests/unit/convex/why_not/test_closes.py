"""What a close decided: the gate, its numbers, and the close that would have opened it."""

from collections import Counter
from dataclasses import replace

import pytest

from convex.why_not.asked_instant import read_instant
from convex.why_not.gate import By, Gate
from convex.why_not.inquiry import Inquiry
from services.signals.core.divergence.comparison import compare
from services.signals.core.kinds.registry import LEVEL_KINDS, observe
from shared.domain.divergences import Direction, DivergenceEvent, Kind, Transition
from shared.errors import ConfigError
from tests.support.builders_market import OTHER, ny, pair
from tests.unit.convex.why_not.markets import (
    CALENDAR,
    RULES,
    answer,
    ask,
    closes,
    config,
    daily,
    events_of,
    recent,
)

_COUNT, _LIVE = 420, 60


_FIRST_LIVE = CALENDAR.labels[_COUNT - _LIVE]


def openings(events: list[DivergenceEvent]) -> list[DivergenceEvent]:
    return [each for each in events if each.type is Transition.OPEN and each.kind in LEVEL_KINDS]


def session_of(event: DivergenceEvent) -> str:
    session = event.evidence.inputs[0].session
    assert session is not None
    return session


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_opening_is_found_with_the_numbers_of_its_event_and_its_gate_the_session_before(
    seed: int,
) -> None:
    records = recent(*closes(seed, _COUNT), live=_LIVE)
    # Not those of the first live close: the session before it is history.
    opened = [each for each in openings(events_of(records)) if session_of(each) > _FIRST_LIVE][:4]
    assert opened

    for event in opened:
        found = ask(session_of(event), records)
        one = answer(found, event.kind, event.direction)
        assert one.gate is Gate.OPENED
        assert one.facts["opened_by"] == event.event_id
        assert one.values == event.values
        assert event.event_id in {near.event_id for near in found.near}

        before = CALENDAR.labels[CALENDAR.labels.index(session_of(event)) - 1]
        held_back = answer(ask(before, records), event.kind, event.direction)
        assert held_back.gate in (
            *(Gate.BELOW_LEVEL, Gate.UNDEFINED, Gate.CONDITION_NOT_MET, Gate.COOLDOWN, Gate.ALREADY_OPEN),
        )
        # It closed and opened again at one close, or it was not open the session before.
        assert held_back.gate is not Gate.ALREADY_OPEN or held_back.facts["opened_by"] != event.event_id


@pytest.mark.parametrize("seed", [1, 4])
def test_gate_at_each_close_is_the_one_that_the_observation_and_the_levels_give(seed: int) -> None:
    """Read the gate off the statistics and the events alone, without the decisions."""
    records = recent(*closes(seed, _COUNT), live=_LIVE)
    events = events_of(records)
    seen: Counter[Gate] = Counter()

    for session in CALENDAR.labels[_COUNT - _LIVE : _COUNT : 7]:
        for one in ask(session, records).answers:
            if one.kind not in LEVEL_KINDS:
                continue
            seen[one.gate] += 1
            until = [
                event
                for event in events
                if (event.kind, event.direction) == (one.kind, one.direction)
                and ny(f"{session} 20:15") >= _at(event)
            ]
            is_open = bool(until) and not until[-1].type.is_final
            assert is_open == (one.gate in (Gate.OPENED, Gate.ALREADY_OPEN))
            observation = observe(one.rule, one.direction, dict(one.values))
            if is_open or observation is None:
                assert is_open or one.gate is Gate.UNDEFINED
                continue
            compared = compare(observation, one.rule)
            if not compared.at_warning:
                assert one.gate is Gate.BELOW_LEVEL
            elif not compared.can_open:
                assert one.gate is Gate.CONDITION_NOT_MET
            else:
                assert one.gate is Gate.COOLDOWN
                assert until[-1].event_id == one.facts["ended_by"]
    assert {Gate.BELOW_LEVEL, Gate.ALREADY_OPEN} <= set(seen)


def _at(event: DivergenceEvent) -> int:
    return ny(f"{session_of(event)} 20:15")


@pytest.mark.parametrize("seed", [1])
def test_close_that_would_have_opened_it_opens_it_and_a_cent_less_does_not(seed: int) -> None:
    lead, other = closes(seed, _COUNT)
    records = recent(lead, other, live=_LIVE)
    tried = 0

    for session in CALENDAR.labels[_COUNT - _LIVE + 4 : _COUNT : 18]:
        index = CALENDAR.labels.index(session)
        for one in ask(session, records).answers:
            for trigger in one.opens_at:
                nearer = 0.01 if trigger.lead_price < lead[index] else -0.01
                for price, is_opened in (
                    (trigger.lead_price, True),
                    (round(trigger.lead_price + nearer, 2), False),
                ):
                    changed = [*lead[:index], price]
                    ids = [
                        event
                        for event in openings(
                            events_of(recent(changed, other, live=len(changed) - _COUNT + _LIVE))
                        )
                        if (event.kind, event.direction) == (one.kind, one.direction)
                        and session_of(event) == session
                    ]
                    assert bool(ids) == is_opened, (one.kind, one.direction, session, price)
                tried += 1
    assert tried >= 4


def test_cooldown_says_when_it_ended_and_how_many_sessions_are_left() -> None:
    """Gold is rich at one close, at its mean at the next, and rich again three sessions later."""
    rules = [
        replace(rule, cooldown_sessions=5, critical=50.0) for rule in RULES if rule.kind is Kind.RATIO_STRETCH
    ]
    lead, other = closes(1, 200)
    for index in range(90, 200):
        lead[index], other[index] = 1300.0 + index % 7, 150.0 - index % 3 / 10
    lead[190] = lead[194] = 1400.0
    records = recent(lead, other, live=12)
    (opened, closed) = events_of(records, rules)[:2]
    one = answer(ask(CALENDAR.labels[194], records, rules), Kind.RATIO_STRETCH, Direction.RISK_OFF)

    assert (opened.type, closed.type) == (Transition.OPEN, Transition.CLOSED)
    assert (one.gate, one.facts["ended_by"]) == (Gate.COOLDOWN, closed.event_id)
    # It ended by the close of session 191: 194 is the third after it.
    assert one.facts["cooldown_sessions_left"] == 2
    assert one.x is not None
    assert one.x >= 2.0


def test_window_that_is_short_and_a_leg_that_does_not_move_are_the_reason() -> None:
    lead, other = closes(1, 140)
    short = answer(ask(CALENDAR.labels[56], daily(lead[:60], other)), Kind.RATIO_STRETCH, Direction.RISK_OFF)
    flat = answer(
        ask(CALENDAR.labels[138], recent([*lead[:60], *[lead[60]] * 80], other, live=3)),
        Kind.HEDGE_LOST,
        Direction.RISK_OFF,
    )

    assert (short.gate, short.facts["why"]) == (Gate.UNDEFINED, "warming up: 57 of 91 sessions")
    assert flat.gate in (Gate.UNDEFINED, Gate.INHIBITED)


def test_data_fault_that_holds_back_an_alert_is_named() -> None:
    lead, other = closes(2, 200)
    # IWM's close is the same five times in a row: it is stuck, and gold jumps at the fifth.
    other[150:156] = [other[150]] * 6
    lead[155:] = [round(price * 1.12, 2) for price in lead[155:]]
    found = ask(CALENDAR.labels[155], recent(lead, other, live=55))
    one = answer(found, Kind.RATIO_STRETCH, Direction.RISK_OFF)
    fault = answer(found, Kind.DATA_FAULT, Direction.OTHER, By.DATA)

    assert (one.gate, one.facts["why"]) == (Gate.INHIBITED, "IWM: stuck_close")
    assert fault.gate is Gate.ALREADY_OPEN


def test_kind_that_is_switched_off_still_shows_its_statistic() -> None:
    rules = [rule for rule in RULES if rule.kind is not Kind.OPPOSITE_MOVES]
    one = answer(
        ask(CALENDAR.labels[150], recent(*closes(1, 160), live=20), rules),
        Kind.OPPOSITE_MOVES,
        Direction.RISK_ON,
    )

    assert (one.gate, one.opens_at) == (Gate.RULE_OFF, ())
    assert one.values["opposite_moves"] is not None


def test_close_that_never_came_is_missing_at_the_next_close() -> None:
    records = recent(*closes(1, 160), live=20)
    missing = CALENDAR.labels[150]
    kept = [
        each
        for each in records
        if not (hasattr(each, "bars") and each.bars[0].session == missing and each.instrument == OTHER)
    ]
    found = ask(missing, kept)

    assert (found.is_missing, found.used_session) == (True, CALENDAR.labels[149])
    assert found.at_ns == CALENDAR.close_ns[151]
    assert answer(found, Kind.DATA_FAULT, Direction.OTHER, By.DATA).facts["why"] == "missing_bar"


def test_instant_before_or_after_the_data_is_one_clear_line() -> None:
    records = daily(*closes(1, 50), first=10)

    with pytest.raises(ConfigError, match="lies before the first decision, at 2018-01-17"):
        ask(CALENDAR.labels[3], records)
    with pytest.raises(ConfigError, match="lies after the data, which end at 2018-03-27"):
        ask(CALENDAR.labels[80], records)
    with pytest.raises(ConfigError, match="lies after the data"):
        ask("2018-06-01T12:00Z", records)


def test_history_only_fills_the_windows_and_says_so() -> None:
    labels = CALENDAR.labels
    records = recent(*closes(1, 155), live=5)

    with pytest.raises(ConfigError, match=f"sessions to {labels[149]} are history, which fills the windows"):
        ask(labels[120], records)
    assert ask(labels[151], records).sessions == 152


def test_regime_change_is_found_with_its_event_and_no_change_the_session_after() -> None:
    records = recent(*closes(1, _COUNT), live=_LIVE)
    (first, *_) = [
        each
        for each in events_of(records)
        if each.kind is Kind.REGIME_CHANGE and each.type is Transition.OPEN
    ]
    session = session_of(first)
    one = answer(ask(session, records), first.kind, first.direction)
    after = CALENDAR.labels[CALENDAR.labels.index(session) + 1]

    assert (one.gate, one.facts["opened_by"]) == (Gate.OPENED, first.event_id)
    assert answer(ask(after, records), first.kind, first.direction).gate is Gate.NO_CHANGE


def test_pair_without_a_baseline_has_no_evidence() -> None:
    inquiry = Inquiry(read_instant([CALENDAR.labels[155]], CALENDAR), pair(), config())
    for record in recent(*closes(1, 160), live=10):
        if inquiry.take(record):
            break
    one = answer(inquiry.findings("the log"), Kind.EVIDENCE_BREAK, Direction.LOOSENING)

    assert one.gate is Gate.NO_BASELINE
    assert one.facts["why"] == "the pair states no baseline: agreement_low and agreement_high"


def test_legs_that_moved_the_same_way_are_the_condition_that_was_not_met() -> None:
    lead, other = closes(1, 200)
    for step, index in enumerate(range(186, 191), start=1):
        lead[index] = round(lead[185] * (1 + 0.04 * step), 2)
        other[index] = round(other[185] * (1 + 0.001 * step), 2)
    one = answer(
        ask(CALENDAR.labels[190], recent(lead[:193], other[:193], live=3)),
        Kind.OPPOSITE_MOVES,
        Direction.RISK_OFF,
    )

    assert one.gate is Gate.CONDITION_NOT_MET
    assert one.x is not None
    assert one.x >= one.rule.warning


def test_close_that_only_filled_the_windows_was_not_decided_on() -> None:
    """Gold is rich at the last close of the history, and the question is about the morning after."""
    lead = [1300.0 + index % 7 for index in range(199)] + [1400.0]
    other = [150.0 - index % 3 / 10 for index in range(200)]
    past = recent([*lead, 1300.0], [*other, 150.0], live=1)
    morning = f"{CALENDAR.labels[200]}T08:00Z"
    one = answer(ask(morning, past), Kind.RATIO_STRETCH, Direction.RISK_OFF)

    assert one.gate is Gate.NOT_DECIDED
