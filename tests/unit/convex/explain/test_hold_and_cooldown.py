"""What an opening had to wait for: the hold of its level, and the cooldown of the one before."""

from dataclasses import replace

import pytest

from convex.explain.arithmetic import mean_and_std
from convex.explain.hold_and_cooldown import check_cooldown, check_hold, held_since_ns, stretches_of
from convex.explain.material import Bars, Prices, Ticks
from shared.domain.divergences import (
    Confirmation,
    DivergenceEvent,
    EvidenceInput,
    Severity,
    Transition,
)
from shared.domain.instants import parse_rfc3339
from tests.support.builders import divergence
from tests.unit.convex.explain.stories import LEAD, OTHER, bar, confirmed, label, market, material

_SWINGING, _IWM = [1100.0, 1000 / 1.1] * 45, [100.0] * 90
_BASE = mean_and_std([each for _ in range(45) for each in (2.3978952727983707, 2.2072749131897207)])
_AT = parse_rfc3339("2014-05-02T12:35:10.000000Z")
_THRESHOLDS = {"warning": 2.0, "critical": 3.0, "leave": 1.0, "hold_seconds": 300.0}
_ENDED = "the one before ended 2019-04-02 00:15:00 UTC"
_SPARES = "which after an unconfirmed divergence applies to early warnings only"


def opening() -> DivergenceEvent:
    return divergence(thresholds=_THRESHOLDS)


def ticks(*prices: float) -> Ticks:
    return Ticks(ts_ns=tuple(_AT - (300 - index) * 10**9 for index in range(len(prices))), price=prices)


def test_level_is_held_if_every_price_holds_it() -> None:
    prices = Prices(lead=ticks(1300.0, 1250.0, 1300.0))
    (conclusion,) = check_hold(
        material(opening(), prices=prices), market(_SWINGING, _IWM, live=1300.0), _BASE
    )

    # ln 1.25 / 0.0958441 = 2.3282
    assert (
        conclusion.text == "z of all 3 prices from 12:30:10 to 12:35:10 UTC at least 2.33: 2 held for 300 s"
    )
    assert conclusion.holds


def test_level_is_not_held_if_one_price_leaves_it() -> None:
    prices = Prices(lead=ticks(1300.0, 1200.0, 1300.0))
    (conclusion,) = check_hold(
        material(opening(), prices=prices), market(_SWINGING, _IWM, live=1300.0), _BASE
    )

    assert conclusion.text.endswith("at least 1.90: 2 was not held for 300 s")
    assert not conclusion.holds


def test_bar_that_moved_the_window_meanwhile_is_an_excuse() -> None:
    prices = Prices(lead=ticks(1300.0, 1200.0, 1300.0))
    meanwhile = replace(bar(OTHER, 3, 100.0), known_at_ns=_AT - 10**9)
    given = material(opening(), prices=prices, bars=Bars(source="", bars=(meanwhile,)))
    (conclusion,) = check_hold(given, market(_SWINGING, _IWM, live=1300.0), _BASE)

    assert conclusion.text.endswith("against this window, which a bar changed meanwhile")
    assert conclusion.holds


def test_prices_of_both_legs_that_tick_are_evaluated_together() -> None:
    lead = Ticks(ts_ns=(_AT - 200, _AT - 100), price=(1300.0, 1300.0))
    other = Ticks(ts_ns=(_AT - 150,), price=(110.0,))
    given = material(opening(), prices=Prices(lead=lead, other=other))
    (conclusion,) = check_hold(given, market(_SWINGING, _IWM, live=1300.0), _BASE)

    # ln(1300 / 110 / 10) / 0.0958441 = 1.7430
    assert "at least 1.74: 2 was not held" in conclusion.text


def test_prices_that_are_gone_are_said_to_be() -> None:
    given = material(opening(), prices=Prices(missing="ticks.v1/0/7 is gone"))
    (conclusion,) = check_hold(given, market(_SWINGING, _IWM, live=1300.0), _BASE)

    assert conclusion.text == "held for 300 s of event time: not checked; ticks.v1/0/7 is gone"


def test_what_needs_no_holding_is_not_asked_about() -> None:
    for event in (confirmed(), divergence(type=Transition.CLOSED)):
        assert held_since_ns(event) is None
        assert check_hold(material(event), market(_SWINGING, _IWM, live=1300.0), _BASE) == ()


def test_prices_are_needed_from_when_the_level_began_to_be_held() -> None:
    begin, end = stretches_of(opening())[LEAD]

    assert (_AT - begin) // 10**9 == 299
    assert end == 1_399_034_110_000_000_000
    assert stretches_of(confirmed()) == {}


def ended(index: int, **changes: object) -> DivergenceEvent:
    """Return the end of the one before, by the close of a session."""
    event = confirmed(type=Transition.CLOSED, **changes)
    inputs = tuple(EvidenceInput(instrument=each, session=label(index)) for each in (LEAD, OTHER))
    return replace(event, evidence=replace(event.evidence, inputs=inputs))


@pytest.mark.parametrize(
    ("event", "before", "text", "holds"),
    [
        (
            confirmed(),
            (),
            "nothing of this kind and direction ended before it in events.jsonl: no cooldown",
            True,
        ),
        (
            confirmed(),
            (ended(85),),
            f"{_ENDED}, 5 sessions earlier: the cooldown of 5 was over",
            True,
        ),
        (
            confirmed(),
            (ended(86),),
            f"{_ENDED}, 4 sessions earlier: within the cooldown of 5",
            False,
        ),
        (
            confirmed(severity=Severity.CRITICAL),
            (ended(86),),
            f"{_ENDED}, 4 sessions earlier: within the cooldown of 5, which does not apply at critical",
            True,
        ),
        (
            confirmed(),
            (ended(89, confirmation=Confirmation.PROVISIONAL),),
            f"{_ENDED}, 1 session earlier: within the cooldown of 5, {_SPARES}",
            True,
        ),
    ],
)
def test_opening_waits_for_the_cooldown(
    event: DivergenceEvent, before: tuple[DivergenceEvent, ...], text: str, holds: bool
) -> None:
    found = check_cooldown(material(event, before=before), market([1000.0] * 91, [100.0] * 91))

    assert [(each.text, each.holds) for each in found] == [(text, holds)]


def test_close_that_refuted_a_warning_spares_the_confirmed_ones() -> None:
    before = replace(ended(88), type=Transition.NOT_CONFIRMED)
    (conclusion,) = check_cooldown(
        material(confirmed(), before=(before,)), market([1000.0] * 91, [100.0] * 91)
    )

    assert conclusion.holds


def test_end_by_price_counts_the_sessions_from_that_day_on() -> None:
    before = divergence(type=Transition.CLOSED, occurred_at="2019-03-30T15:00:00.000000Z")
    (conclusion,) = check_cooldown(
        material(confirmed(), before=(before,)), market([1000.0] * 91, [100.0] * 91)
    )

    assert "3 sessions earlier" in conclusion.text


def test_cooldown_of_a_rule_that_is_not_known_is_not_evaluated() -> None:
    given = material(confirmed(), before=(ended(89),), cooldown_sessions=None)
    (conclusion,) = check_cooldown(given, market([1000.0] * 91, [100.0] * 91))

    assert conclusion.text.endswith("its cooldown is in the rule " + confirmed().evidence.rule_version)


def test_only_an_opening_waits() -> None:
    given = material(confirmed(type=Transition.CLOSED), before=(ended(89),))

    assert check_cooldown(given, market([1000.0] * 91, [100.0] * 91)) == ()
