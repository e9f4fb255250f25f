"""Every row of the regime's table, its boundaries, and the wait between changes."""

import math

import pytest

from services.signals.core.statistics.regime import (
    NEUTRAL,
    RISK_OFF,
    RISK_ON,
    START,
    RegimeState,
    next_regime,
    walk_regimes,
)

BELOW_HALF = math.nextafter(0.5, 0.0)
BELOW_ONE = math.nextafter(1.0, 0.0)


@pytest.mark.parametrize(
    ("held", "z", "becomes"),
    [
        (NEUTRAL, 1.0, RISK_OFF),
        (NEUTRAL, 5.0, RISK_OFF),
        (NEUTRAL, -1.0, RISK_ON),
        (NEUTRAL, -5.0, RISK_ON),
        (NEUTRAL, BELOW_ONE, NEUTRAL),
        (NEUTRAL, -BELOW_ONE, NEUTRAL),
        (NEUTRAL, 0.0, NEUTRAL),
        (RISK_OFF, 1.0, RISK_OFF),
        (RISK_OFF, BELOW_ONE, RISK_OFF),
        (RISK_OFF, 0.5, RISK_OFF),
        (RISK_OFF, BELOW_HALF, NEUTRAL),
        (RISK_OFF, -BELOW_HALF, NEUTRAL),
        (RISK_OFF, -0.5, RISK_OFF),
        (RISK_OFF, -BELOW_ONE, RISK_OFF),
        (RISK_OFF, -1.0, RISK_ON),
        (RISK_ON, -1.0, RISK_ON),
        (RISK_ON, -BELOW_ONE, RISK_ON),
        (RISK_ON, -0.5, RISK_ON),
        (RISK_ON, -BELOW_HALF, NEUTRAL),
        (RISK_ON, BELOW_HALF, NEUTRAL),
        (RISK_ON, 0.5, RISK_ON),
        (RISK_ON, BELOW_ONE, RISK_ON),
        (RISK_ON, 1.0, RISK_OFF),
    ],
)
def test_a_settled_regime_becomes_what_the_table_says(held: str, z: float, becomes: str) -> None:
    state = next_regime(RegimeState(name=held, sessions_since_change=10), z)
    since = 11 if becomes == held else 0
    assert state == RegimeState(name=becomes, sessions_since_change=since)


def test_the_next_change_comes_from_the_third_session_on() -> None:
    state = next_regime(START, 2.0)
    assert state == RegimeState(name=RISK_OFF, sessions_since_change=0)
    names = []
    for z in (-2.0, -2.0, -2.0, 0.0, 0.0, 0.0):
        state = next_regime(state, z)
        names.append(state.name)
    assert names == [RISK_OFF, RISK_OFF, RISK_ON, RISK_ON, RISK_ON, NEUTRAL]


def test_a_change_no_longer_wanted_when_its_time_comes_does_not_happen() -> None:
    state = next_regime(START, 2.0)
    for z in (0.0, 0.0, 0.7):
        state = next_regime(state, z)
    assert state == RegimeState(name=RISK_OFF, sessions_since_change=3)


@pytest.mark.parametrize(("z", "name"), [(1.0, RISK_OFF), (-1.0, RISK_ON), (0.99, NEUTRAL)])
def test_the_first_zscore_names_the_regime_at_once(z: float, name: str) -> None:
    assert next_regime(START, z).name == name


def test_a_first_neutral_session_is_no_change_and_holds_nothing_back() -> None:
    assert next_regime(next_regime(START, 0.0), 1.0).name == RISK_OFF


def test_before_the_first_zscore_there_is_no_regime() -> None:
    state = next_regime(next_regime(START, None), None)
    assert (state.name, state.suspended) == (None, None)
    assert next_regime(state, -1.0) == RegimeState(name=RISK_ON, sessions_since_change=0)


def test_a_session_without_a_zscore_has_no_name_but_keeps_the_hysteresis() -> None:
    state = next_regime(RegimeState(name=RISK_OFF, sessions_since_change=10), None)
    assert state == RegimeState(name=None, sessions_since_change=11, suspended=RISK_OFF)
    state = next_regime(state, None)
    assert state == RegimeState(name=None, sessions_since_change=12, suspended=RISK_OFF)
    # 0.7 would be NEUTRAL had the memory been lost.
    assert next_regime(state, 0.7) == RegimeState(name=RISK_OFF, sessions_since_change=13)


def test_sessions_without_a_zscore_count_towards_the_wait() -> None:
    state = next_regime(START, 2.0)
    state = next_regime(next_regime(state, None), None)
    assert next_regime(state, 0.0) == RegimeState(name=NEUTRAL, sessions_since_change=0)


def test_states_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="a regime must be RISK_OFF, RISK_ON or NEUTRAL, was 'risk_off'"):
        RegimeState(name="risk_off", sessions_since_change=0)
    with pytest.raises(ValueError, match="a regime must be RISK_OFF, RISK_ON or NEUTRAL, was ''"):
        RegimeState(name=None, sessions_since_change=0, suspended="")
    with pytest.raises(ValueError, match="a regime must be named or suspended, was both: RISK_ON, RISK_OFF"):
        RegimeState(name=RISK_ON, sessions_since_change=0, suspended=RISK_OFF)
    with pytest.raises(ValueError, match="sessions_since_change must not be negative, was -1"):
        RegimeState(name=RISK_ON, sessions_since_change=-1)


def test_walk_is_step_after_step_from_wherever_it_starts() -> None:
    zscores = [None, 2.0, -2.0, None, 0.0, float("nan"), 0.7, -1.0, 0.2]
    walked = walk_regimes(zscores)
    assert [state.name for state in walked] == [
        None, RISK_OFF, RISK_OFF, None, NEUTRAL, None, NEUTRAL, RISK_ON, RISK_ON
    ]  # fmt: skip
    for cut in range(1, len(zscores)):
        assert walked[:cut] + walk_regimes(zscores[cut:], walked[cut - 1]) == walked
    assert walk_regimes([]) == []
