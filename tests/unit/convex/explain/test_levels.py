"""Every row of the table, on both sides."""

from typing import Any

import pytest

from convex.explain.levels import SignedStatistic, check_levels
from shared.domain.divergences import Confirmation, Direction, Severity, Transition
from tests.unit.convex.explain.stories import confirmed

_CRITICAL = {"severity": Severity.CRITICAL}
_EARLY = {"confirmation": Confirmation.PROVISIONAL}


@pytest.mark.parametrize(
    ("transition", "x", "changes", "texts", "holds"),
    [
        (Transition.OPEN, 2.3111, {}, ["z = 2.31 ≥ 2: warning", "z = 2.31 < 3: not critical"], True),
        (Transition.OPEN, 2.0, {}, ["z = 2.00 ≥ 2: warning", "z = 2.00 < 3: not critical"], True),
        (Transition.OPEN, 1.9999, {}, ["z = 1.9999 < 2: not warning", "z = 2.00 < 3: not critical"], False),
        (
            Transition.OPEN,
            3.1,
            {},
            ["z = 3.10 ≥ 2: warning", "z = 3.10 ≥ 3: not so: not critical"],
            False,
        ),
        (Transition.OPEN, 3.1, _CRITICAL, ["z = 3.10 ≥ 3: critical"], True),
        (Transition.OPEN, 2.9, _CRITICAL, ["z = 2.90 < 3: not critical"], False),
        (
            Transition.OPEN,
            3.1,
            _EARLY,
            ["z = 3.10 ≥ 2: warning", "beyond critical too, but not yet for as long as that takes"],
            True,
        ),
        (Transition.ESCALATED, 3.0, _CRITICAL, ["z = 3.00 ≥ 3: critical"], True),
        (Transition.ESCALATED, 2.9, _CRITICAL, ["z = 2.90 < 3: not critical"], False),
        (Transition.ESCALATED, 3.0, {}, ["z = 3.00 ≥ 3: critical"], False),
        (Transition.EASED, 2.0, {}, ["z = 2.00 ≤ 2: eased to a warning"], True),
        (Transition.EASED, 1.2, _CRITICAL, ["z = 1.20 ≤ 2: eased to a warning"], False),
        (
            Transition.EASED,
            2.5,
            {},
            ["z = 2.50 < 3: eased to a warning, as only a live price had reached critical"],
            True,
        ),
        (
            Transition.EASED,
            3.5,
            {},
            ["z = 3.50 ≥ 3: not so: eased to a warning, as only a live price had reached critical"],
            False,
        ),
        (Transition.REVISED, 2.4, {}, ["z = 2.40 ≥ 2: warning, as the close confirms"], True),
        (
            Transition.REVISED,
            1.4,
            {},
            ["z = 1.40 < 2: reported again with other data; it stays open until it closes"],
            True,
        ),
        (
            Transition.REVISED,
            0.4,
            {"is_flapping": True},
            ["z = 0.40 < 2: reported again with other data; it is held open while it flaps"],
            True,
        ),
        (Transition.CLOSED, 1.0, {}, ["z = 1.00 ≤ 1: closed"], True),
        (Transition.CLOSED, 1.01, {}, ["z = 1.01 > 1: open"], False),
        (Transition.CLOSED, 1.5, {"is_flapping": True}, ["z = 1.50 > 1: open, but for its flapping"], True),
        (Transition.NOT_CONFIRMED, 1.9999, {}, ["z = 1.9999 < 2: the close does not confirm it"], True),
        (Transition.NOT_CONFIRMED, 2.0, {}, ["z = 2.00 ≥ 2: not so: the close does not confirm it"], False),
        (
            Transition.EXPIRED,
            9.0,
            {},
            ["no close confirmed or refuted it in time: expired, whatever the number is"],
            True,
        ),
        (Transition.OPEN, None, {}, ["z is undefined: no level is reached"], False),
        (Transition.REVISED, None, {}, ["z is undefined: no level is reached"], True),
    ],
)
def test_transition_follows_from_the_level_or_does_not(
    transition: Transition, x: float | None, changes: dict[str, Any], texts: list[str], holds: bool
) -> None:
    conclusions = check_levels(confirmed(type=transition, **changes), SignedStatistic(name="z", x=x))

    assert [conclusion.text for conclusion in conclusions] == texts
    assert all(conclusion.holds for conclusion in conclusions) is holds


def test_level_that_must_be_exceeded_is_not_reached_by_touching_it() -> None:
    event = confirmed(thresholds={"warning": 0.1, "critical": 0.3, "leave": 0.0})

    (first, _) = check_levels(event, SignedStatistic(name="lower end", x=0.1, is_strict=True))

    assert (first.text, first.holds) == ("lower end = 0.10 ≤ 0.1: not warning", False)


def test_what_closes_may_be_another_statistic() -> None:
    event = confirmed(type=Transition.CLOSED, thresholds={"warning": 0.1, "critical": 0.3, "leave": 0.0})

    (conclusion,) = check_levels(
        event, SignedStatistic(name="lower end", x=-0.3, leave_name="r60", leave_value=-0.02)
    )

    assert (conclusion.text, conclusion.holds) == ("r60 = -0.02 ≤ 0: closed", True)


def test_event_without_its_thresholds_is_said_to_be_so() -> None:
    (conclusion,) = check_levels(
        confirmed(thresholds={"warning": 2.0}, direction=Direction.RISK_ON), SignedStatistic(name="−z", x=2.5)
    )

    assert (conclusion.text, conclusion.holds) == ("the event states no threshold critical, leave", False)
