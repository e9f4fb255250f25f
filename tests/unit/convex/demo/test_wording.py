"""What the demo's terminal says of each kind, in the words of the mails and the page."""

import re
from dataclasses import replace

import pytest

from convex.demo.wording import at_fault, expected_close, happened, nearest_triggers, still_open
from shared.domain.divergences import Confirmation, Direction, Kind, Severity, Transition
from shared.domain.snapshots import LegFault, OpenDivergence, Trigger, TriggerAt
from tests.support.builders_kinds import KINDS_AND_DIRECTIONS, divergence_of
from tests.support.snapshot_builder import leg, other_leg, snapshot


def one_open(
    kind: Kind, direction: Direction, *, marks: tuple[bool, bool] = (False, False)
) -> OpenDivergence:
    return OpenDivergence(
        divergence_id="dv_1",
        kind=kind,
        direction=direction,
        severity=Severity.WARNING,
        confirmation=Confirmation.CONFIRMED,
        opened_at="2020-03-18T00:15:00.000000Z",
        is_inhibited=marks[0],
        is_flapping=marks[1],
    )


@pytest.mark.parametrize(("kind", "direction"), KINDS_AND_DIRECTIONS)
def test_no_line_speaks_the_programs_language(kind: Kind, direction: Direction) -> None:
    lines = [
        happened(divergence_of(kind, direction, type=each)) for each in Transition if each != "not_confirmed"
    ]
    lines.append(still_open(snapshot(open=(one_open(kind, direction),))))

    assert [line for line in lines if re.search(r"\bNone\b|\w_\w", line)] == []


def test_line_of_an_event_has_its_pair_what_happened_how_far_and_when() -> None:
    event = divergence_of(Kind.HEDGE_LOST, Direction.RISK_OFF, is_flapping=True)

    assert happened(event) == (
        "gold-iwm open: Gold no longer hedges IWM, correlation +0.41 (confirmed) [flapping], "
        "at 2014-05-02T12:35:10Z"
    )


def test_open_ones_say_how_they_are_treated() -> None:
    shown = snapshot(
        open=(
            one_open(Kind.HEDGE_LOST, Direction.RISK_OFF, marks=(True, True)),
            one_open(Kind.DATA_FAULT, Direction.OTHER),
        )
    )

    assert still_open(shown) == (
        "Gold no longer hedges IWM (warning, confirmed, inhibited, flapping), "
        "The data of IWM cannot be trusted (warning)"
    )
    assert still_open(snapshot()) == "nothing"


def test_fault_says_why_and_since_when() -> None:
    fault = LegFault(instrument="IWM.REPLAY", causes=("stale",), since="2020-03-18T19:52:00.000000Z")

    assert at_fault(snapshot(faults=(fault,))) == (
        "IWM.REPLAY: no tick arrives although the market is open, since 2020-03-18T19:52:00Z"
    )
    assert at_fault(snapshot()) == ""


def test_line_of_trigger_prices_has_the_nearest_two_with_their_distance_and_time() -> None:
    triggers = tuple(
        Trigger(
            kind=Kind.RATIO_STRETCH,
            direction=Direction.RISK_OFF,
            transition=transition,
            lead_price=price,
            at=at,
        )
        for transition, price, at in (
            (Transition.ESCALATED, 1650.0, TriggerAt.CLOSE),
            (Transition.OPEN, 1530.0, TriggerAt.CLOSE),
            (Transition.CLOSED, 1485.0, TriggerAt.LIVE),
        )
    )
    known = snapshot(triggers=triggers, legs=(leg(price=1500.0), other_leg()))

    assert nearest_triggers(known) == (
        "Ratio stretch, risk-off closes at 1,485.00 (−1.0%) now; "
        "Ratio stretch, risk-off opens at 1,530.00 (+2.0%) at the next close"
    )
    assert nearest_triggers(replace(known, legs=(leg(price=None), other_leg()))) == ""
    assert nearest_triggers(snapshot()) == ""


def test_expected_close_is_told_where_it_is_computed() -> None:
    provisional = snapshot().provisional
    assert provisional is not None
    values = {**provisional.values, "z_90_expected": 2.41, "z_90_spread": 0.38}

    assert expected_close(snapshot(provisional=replace(provisional, values=values))) == (
        "z +2.41 ± 0.38 expected at the close"
    )
    assert expected_close(snapshot()) == ""
    assert expected_close(snapshot(provisional=None)) == ""
