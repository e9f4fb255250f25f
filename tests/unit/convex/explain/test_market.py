"""The sessions as they were known at the event, put together from bars in any state."""

from dataclasses import replace
from typing import Any

import pytest

from convex.explain.market import Market, Missing, rebuild
from convex.explain.material import Bars, Prices, Ticks
from shared.domain.bars import Bar, BarStatus
from shared.domain.divergences import DivergenceEvent, EvidenceInput
from shared.domain.sessions import SessionCalendar
from tests.support.builders import divergence
from tests.unit.convex.explain.stories import LEAD, OTHER, bar, confirmed, label

_CALENDAR = SessionCalendar(
    labels=tuple(label(index) for index in range(5)), open_ns=tuple(range(5)), close_ns=tuple(range(5))
)
_NO_PRICES = Prices()


def closes(*prices: float, instrument: str = LEAD) -> list[Bar]:
    return [bar(instrument, index, price) for index, price in enumerate(prices)]


def decided_at(index: int, event: DivergenceEvent | None = None) -> DivergenceEvent:
    event = event if event is not None else confirmed()
    inputs = tuple(EvidenceInput(instrument=each, session=label(index)) for each in (LEAD, OTHER))
    return replace(
        event,
        occurred_at=f"1970-01-01T00:00:{index + 1:02d}.000000Z",
        evidence=replace(event.evidence, inputs=inputs),
    )


def built(event: DivergenceEvent, bars: list[Bar], prices: Prices = _NO_PRICES) -> Market:
    found = rebuild(event, Bars(source="bars.v1", bars=tuple(bars)), prices, calendar=_CALENDAR)
    assert isinstance(found, Market)
    return found


def test_sessions_of_both_legs_up_to_the_evaluated_one_are_used() -> None:
    bars = [*closes(10, 11, 12, 13), *closes(20, 21, 22, instrument=OTHER), bar("SPY.REPLAY", 1, 9.0)]
    found = built(decided_at(1), bars)

    assert found.sessions == (label(0), label(1))
    assert (found.evaluated_lead, found.evaluated_other) == (11, 21)


def test_what_was_not_known_yet_is_left_out() -> None:
    correction = replace(bar(LEAD, 0, 10.5), revision=1, status=BarStatus.CORRECTED, known_at_ns=3 * 10**9)
    bars = [*closes(10, 11), *closes(20, 21, instrument=OTHER), correction]

    assert [each.close for each in built(decided_at(1), bars).lead] == [10, 11]
    bars += [*closes(10, 11, 12)[2:], *closes(20, 21, 22, instrument=OTHER)[2:]]
    assert [each.close for each in built(decided_at(2), bars).lead] == [10.5, 11, 12]


def test_provisional_bars_and_dates_without_a_session_are_left_out() -> None:
    bars = [*closes(10, 11), *closes(20, 21, instrument=OTHER)]
    bars += [replace(bars[0], session="2019-02-09"), replace(bars[2], session="2019-02-09")]
    bars[0] = replace(bars[0], status=BarStatus.PROVISIONAL)

    assert built(decided_at(1), bars).sessions == (label(1),)


@pytest.mark.parametrize(
    ("bars", "what"),
    [
        ([], f"bars.v1 has no bar of {LEAD} and {OTHER} for 2019-01-02 that was known at the event"),
        (
            [*closes(10, 11), *closes(20, instrument=OTHER)],
            f"bars.v1 has no bar of {OTHER} for 2019-01-02 that was known at the event",
        ),
    ],
)
def test_bar_that_is_not_there_is_named(bars: list[Bar], what: str) -> None:
    found = rebuild(decided_at(1), Bars(source="bars.v1", bars=tuple(bars)), Prices(), calendar=_CALENDAR)

    assert isinstance(found, Missing)
    assert found.what == what
    assert "--events FILE" in found.remedy


def live(lead_ns: int, other: dict[str, Any]) -> DivergenceEvent:
    event = decided_at(1, divergence())
    inputs = (
        EvidenceInput(instrument=LEAD, ts_event_ns=lead_ns),
        EvidenceInput(instrument=OTHER, **other),
    )
    return replace(event, evidence=replace(event.evidence, inputs=inputs))


def test_live_price_is_the_logs_where_it_has_it_and_else_the_events() -> None:
    bars = [*closes(10, 11), *closes(20, 21, instrument=OTHER)]
    event = live(7, {"session": label(1)})

    prices = Prices(lead=Ticks(ts_ns=(6, 7), price=(12.0, 13.0)))
    assert built(event, bars, prices).evaluated_lead == 13.0
    assert built(event, bars).evaluated_lead == event.legs[0].price
    assert built(event, bars).is_live


def test_other_leg_may_be_live_too() -> None:
    bars = [*closes(10, 11), *closes(20, 21, instrument=OTHER)]
    prices = Prices(lead=Ticks(ts_ns=(7,), price=(13.0,)), other=Ticks(ts_ns=(5,), price=(2.5,)))
    found = built(live(7, {"ts_event_ns": 5}), bars, prices)

    assert (found.evaluated_lead, found.evaluated_other) == (13.0, 2.5)
