"""What a live price decided: a hold and what it lacked, a price that is not likely enough, or too old."""

from dataclasses import replace

import pytest

from convex.why_not.gate import Answer, By, Gate
from convex.why_not.inquiry import Findings
from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.engine import Record
from shared.domain.divergences import Confirmation, Direction, Kind, Transition
from shared.domain.instants import parse_rfc3339
from shared.domain.snapshots import TriggerAt
from tests.support.builders_market import SECOND, ny, quotes, status
from tests.unit.convex.why_not.markets import CALENDAR, answer, ask, events_of, recent

_RULES = (Rule(hold_seconds=300, stale_after_seconds=120, critical=30.0),)
# The day after 200 sessions of history; gold is at 1,303 there, and the level far below 1,400.
_DAY = CALENDAR.labels[200]
_CALM, _RICH = 1303.0, 1400.0


def history() -> list[Record]:
    """Return closes that hardly move: gold between 1,300 and 1,306."""
    lead = [1300.0 + index % 7 for index in range(200)]
    other = [150.0 - index % 3 / 10 for index in range(200)]
    return recent(lead, other, live=2)


def every(seconds: int, begin: str, end: str, price: float) -> list[Record]:
    """Return a quote and a status each so many seconds, from a time of that day to another."""
    begin_ns, end_ns = ny(f"{_DAY} {begin}"), ny(f"{_DAY} {end}")
    return [
        record
        for at_ns in range(begin_ns, end_ns, seconds * SECOND)
        for record in (quotes([(at_ns, price)]), status(at_ns))
    ]


def story() -> list[Record]:
    """Gold is rich for three minutes, then calm, then rich for good."""
    return [
        *history(),
        *every(10, "09:50", "10:00", _CALM),
        *every(10, "10:00", "10:03", _RICH),
        *every(10, "10:03", "11:00", _CALM),
        *every(10, "11:00", "11:20", _RICH),
    ]


def asked(time: str, records: list[Record], rules: tuple[Rule, ...] = _RULES) -> tuple[Findings, Answer]:
    found = ask(f"{_DAY} {time} America/New_York", records, rules)
    return found, answer(found, Kind.RATIO_STRETCH, Direction.RISK_OFF, By.PRICE)


def test_level_that_is_held_says_since_when_and_until_when_it_would_have_had_to_be() -> None:
    _, one = asked("10:02:05", story())

    assert one.gate is Gate.NOT_HELD_LONG_ENOUGH
    assert one.facts["held_since_ns"] == ny(f"{_DAY} 10:00")
    assert one.facts["hold_ends_at_ns"] == ny(f"{_DAY} 10:05")


def test_hold_that_the_price_ended_is_listed_with_its_length() -> None:
    found, one = asked("10:30", story())

    assert one.gate is Gate.BELOW_LEVEL
    ((since_ns, until_ns, ended_by),) = [
        (hold.since_ns, hold.until_ns, hold.ended_by)
        for hold in found.holds
        if hold.direction is Direction.RISK_OFF
    ]
    assert (since_ns, ended_by) == (ny(f"{_DAY} 10:00"), "price")
    assert until_ns == ny(f"{_DAY} 10:03")


def test_before_the_end_of_the_hold_it_is_held_and_then_it_opens_with_the_numbers_of_the_event() -> None:
    (event,) = [each for each in events_of(story(), _RULES) if each.type is Transition.OPEN]
    at_ns = parse_rfc3339(event.occurred_at)
    assert (event.confirmation, at_ns) == (Confirmation.PROVISIONAL, ny(f"{_DAY} 11:05"))

    _, before = asked("11:04:59", story())
    found, one = asked("11:05:00", story())
    _, after = asked("11:10", story())

    assert (before.gate, before.facts["hold_ends_at_ns"]) == (Gate.NOT_HELD_LONG_ENOUGH, at_ns)
    assert (one.gate, one.facts["opened_by"]) == (Gate.OPENED, event.event_id)
    assert one.values == event.values
    assert one.facts["probability_now"] == event.probability
    assert [each.event_id for each in found.near] == [event.event_id]
    assert (after.gate, after.facts["opened_by"]) == (Gate.ALREADY_OPEN, event.event_id)


def test_opening_soon_after_is_near_though_the_instant_is_before_it() -> None:
    found, _ = asked("10:30", story())

    assert [each.type for each in found.near] == [Transition.OPEN]


@pytest.mark.parametrize("cents", [0.0, -0.01])
def test_price_that_would_have_opened_it_opens_it_and_a_cent_less_does_not(cents: float) -> None:
    _, one = asked("10:30", story())
    (trigger,) = one.opens_at
    assert (trigger.at, one.gate) == (TriggerAt.LIVE, Gate.BELOW_LEVEL)

    # From the same quarter of an hour on: as much of the session is to come, so the level is the same price.
    records = [
        *history(),
        *every(10, "09:50", "10:30", _CALM),
        *every(10, "10:30", "10:40", trigger.lead_price + cents),
    ]
    opened = [each for each in events_of(records, _RULES) if each.type is Transition.OPEN]

    assert bool(opened) == (cents == 0.0)


def test_z_beyond_the_level_that_the_next_close_may_not_keep_is_not_likely_enough() -> None:
    """With gold volatile the live z is at the level long before the next close is likely to be."""
    rules = (replace(_RULES[0], probability=0.99),)
    _, calm = asked("10:02:05", story(), rules)
    level = calm.rule.warning
    mean, std = calm.values["mean_90"], calm.values["std_90"]
    assert mean is not None
    assert std is not None
    ratio = mean + (level + 0.05) * std
    # The other leg's newest close is 149.9: session 199 is the second of its three.
    price = round(149.9 * 2.718281828459045**ratio, 2)
    records = [*history(), *every(10, "09:50", "10:10", price)]
    _, one = asked("10:05", records, rules)

    z = one.values["z_90"]
    assert z is not None
    assert z >= level
    assert one.gate is Gate.NOT_LIKELY_ENOUGH
    probability = one.facts["probability_now"]
    assert isinstance(probability, float)
    assert probability < 0.99


def test_price_that_is_too_old_at_the_end_of_its_hold_does_not_count() -> None:
    """No tick comes for five minutes; the status records say that the market is open."""
    silent = [status(ny(f"{_DAY} 10:00:10") + 10 * at * SECOND) for at in range(36)]
    records = [
        *history(),
        *every(10, "09:50", "10:00", _CALM),
        *every(10, "10:00", "10:00:10", _RICH),
        *silent,
    ]
    _, during = asked("10:03", records)
    found, one = asked("10:05:30", records)

    assert during.gate is Gate.NOT_HELD_LONG_ENOUGH
    assert one.gate is Gate.STALE_PRICE
    assert one.facts["price_age_seconds"] == 330.0
    assert [hold.ended_by for hold in found.holds] == ["stale"]


def test_late_ticks_are_counted_as_unused_at_the_very_end_of_the_log_too() -> None:
    records = [
        *history(),
        *every(10, "09:50", "10:00", _CALM),
        quotes([(ny(f"{_DAY} 09:40"), _RICH)]),
        quotes([(ny(f"{_DAY} 10:00"), _CALM)]),
    ]
    found, _ = asked("10:00", records)

    assert found.unused["tick_late"] == 1


def test_without_a_live_price_no_early_warning_is_asked_about() -> None:
    found = ask(CALENDAR.labels[199], history(), _RULES)

    assert not found.has_live_price
    assert {each.by for each in found.answers} == {By.CLOSE, By.DATA}


def test_events_are_those_of_the_engine_without_the_question() -> None:
    """The cut at the instant and the status record put there change no event."""
    expected = [each.event_id for each in events_of(story(), _RULES)]
    for time in ("10:00:00", "10:02:05", "11:02:59", "11:05:00", "11:07:31"):
        found, _ = asked(time, story())
        assert [each.event_id for each in found.near] == expected
