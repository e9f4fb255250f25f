import math

import pytest

from convex.explain.kinds import regime_change
from convex.explain.regimes import Regime, regimes
from shared.domain.divergences import Direction, Kind
from tests.unit.convex.explain.stories import confirmed, market, material

_SWING = 0.01


def names(*z: float) -> list[tuple[str, int]]:
    """Return the regimes after sessions with about these z-scores, over a window of 90 swings."""
    ratios = [_SWING if index % 2 else -_SWING for index in range(90)]
    ratios += [value * _SWING for value in z]
    return [(each.name, each.since) for each in regimes(ratios, size=90)]


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        ((0.9,), [("NEUTRAL", 4)]),
        ((1.2,), [("RISK_OFF", 0)]),
        ((-1.2,), [("RISK_ON", 0)]),
        # What z asks for waits for the third session after a change.
        ((1.2, 0.1, 0.1, 0.1), [("RISK_OFF", 0), ("RISK_OFF", 1), ("RISK_OFF", 2), ("NEUTRAL", 0)]),
        # Between 0.5 and 1 the regime stays.
        ((1.2, 0.7, 0.7, 0.7), [("RISK_OFF", 0), ("RISK_OFF", 1), ("RISK_OFF", 2), ("RISK_OFF", 3)]),
    ],
)
def test_regime_follows_the_table(z: tuple[float, ...], expected: list[tuple[str, int]]) -> None:
    assert names(*z) == expected


def test_session_without_a_z_score_keeps_the_regime() -> None:
    assert regimes([2.0] * 91, size=90) == [Regime(index=90, z=None, name="NEUTRAL", since=4)]


def test_change_is_explained_by_the_sessions_before_it() -> None:
    ratios = [_SWING if index % 2 else -_SWING for index in range(90)] + [0.0, 0.012]
    event = confirmed(kind=Kind.REGIME_CHANGE, thresholds={})
    working = regime_change.working_of(
        material(event), market([100 * math.exp(each) for each in ratios], [100.0] * 92)
    )

    assert [(each.text, each.holds) for each in working.conclusions] == [
        ("z = 1.19 ≥ 1: RISK_OFF", True),
        ("NEUTRAL before, by the closes before; RISK_OFF after: changed", True),
        ("z > 0: risk_off", True),
        ("5 sessions after the last change; 3 is the least", True),
    ]
    assert [each.result for each in working.lines[-2:]] == ["NEUTRAL", "RISK_OFF"]
    assert working.sentence.endswith("; the regime went from NEUTRAL to RISK_OFF.")


def test_change_that_a_fault_held_back_is_reported_later() -> None:
    ratios = [_SWING if index % 2 else -_SWING for index in range(90)] + [0.0, 0.012, 0.009]
    event = confirmed(kind=Kind.REGIME_CHANGE, thresholds={})
    working = regime_change.working_of(
        material(event), market([100 * math.exp(each) for each in ratios], [100.0] * 93)
    )

    assert working.conclusions[-1].text.startswith("by the closes it changed 1 sessions earlier")
    assert all(each.holds for each in working.conclusions)


@pytest.mark.parametrize(
    ("stated", "earlier", "before", "source"),
    [
        (0.0, None, "NEUTRAL", "by the closes before"),
        (-1.0, None, "RISK_ON", "by this event alone; by the closes before it was NEUTRAL"),
        (0.5, None, "NEUTRAL", "by the closes before"),
        (-1.0, -1.0, "RISK_ON", "by the event before"),
        (0.0, -1.0, "RISK_ON", "by the event before"),
    ],
)
def test_regime_before_is_what_was_reported_last(
    stated: float, earlier: float | None, before: str, source: str
) -> None:
    """A correction changes the regimes of the past, and not what was told of them."""
    ratios = [_SWING if index % 2 else -_SWING for index in range(90)] + [0.0, 0.012]
    event = confirmed(kind=Kind.REGIME_CHANGE, thresholds={}, values={"regime_before": stated, "regime": 1.0})
    one = confirmed(kind=Kind.REGIME_CHANGE, values={"regime": earlier}, onset="2019-01-02")
    told = () if earlier is None else (one, confirmed(), event)
    working = regime_change.working_of(
        material(event, before=told), market([100 * math.exp(each) for each in ratios], [100.0] * 92)
    )

    assert working.conclusions[1].text == f"{before} before, {source}; RISK_OFF after: changed"
    assert working.values["regime_before"] == {"RISK_ON": -1.0, "NEUTRAL": 0.0}[before]


def test_direction_that_is_not_the_sign_of_z_does_not_follow() -> None:
    ratios = [_SWING if index % 2 else -_SWING for index in range(90)] + [0.0, 0.012]
    event = confirmed(kind=Kind.REGIME_CHANGE, thresholds={}, direction=Direction.RISK_ON)
    working = regime_change.working_of(
        material(event), market([100 * math.exp(each) for each in ratios], [100.0] * 92)
    )

    assert [each.text for each in working.conclusions if not each.holds] == ["z > 0: not risk_on"]


def test_history_without_a_z_score_has_no_regime_to_change() -> None:
    event = confirmed(kind=Kind.REGIME_CHANGE, thresholds={})
    working = regime_change.working_of(material(event), market([100.0] * 5, [100.0] * 5))

    assert not working.conclusions[0].holds
