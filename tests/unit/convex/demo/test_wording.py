"""What the demo's terminal says of each kind, in the words of the mails and the page."""

import re

import pytest

from convex.demo.wording import at_fault, happened, still_open
from shared.domain.divergences import Confirmation, Direction, Kind, Severity, Transition
from shared.domain.snapshots import LegFault, OpenDivergence
from tests.support.builders_kinds import KINDS_AND_DIRECTIONS, divergence_of
from tests.support.snapshot_builder import snapshot


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
