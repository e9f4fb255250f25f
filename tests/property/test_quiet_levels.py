"""Between two levels that a state listens to no price changes it: what lets most ticks pass in bulk."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.signals.core.divergence.on_price import decide_on_price, price_levels
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState, Phase
from shared.domain.divergences import Severity

RULE = Rule(warning=2.0, critical=3.0, leave=1.0)
severities = st.sampled_from(Severity)
# Every float near a level, and the levels themselves.
statistics = st.one_of(
    st.floats(min_value=-5, max_value=5),
    st.sampled_from([1.0, 2.0, 3.0, -1.0]).flatmap(lambda x: st.floats(x - 1e-9, x + 1e-9)),
)
divergences = st.builds(
    DivergenceState,
    phase=st.sampled_from(Phase),
    warning_since_ns=st.none() | st.integers(0, 10),
    critical_since_ns=st.none() | st.integers(0, 10),
    is_muted=st.booleans(),
    severity=severities,
    confirmed_severity=st.none() | severities,
    cooldown_sessions_left=st.integers(0, 5),
    recent_states=st.integers(0, 3) | st.integers(0, (1 << 21) - 1),
    is_flapping=st.booleans(),
)


@given(state=divergences, first=statistics, second=statistics)
def test_price_between_the_same_two_levels_changes_nothing(
    state: DivergenceState, first: float, second: float
) -> None:
    evaluated = decide_on_price(state, first, at_ns=20, rule=RULE).state
    levels = price_levels(evaluated, RULE)
    if any(min(first, second) <= level <= max(first, second) for level in levels):
        return
    again = decide_on_price(evaluated, second, at_ns=30, rule=RULE)
    assert (again.state, again.transition, again.suppressed) == (evaluated, None, None)


@given(state=divergences, x=statistics)
def test_same_price_decides_nothing_the_second_time(state: DivergenceState, x: float) -> None:
    evaluated = decide_on_price(state, x, at_ns=20, rule=RULE).state
    again = decide_on_price(evaluated, x, at_ns=30, rule=RULE)
    assert (again.state, again.transition, again.suppressed) == (evaluated, None, None)


def test_each_phase_listens_to_the_levels_of_its_table() -> None:
    def opened(severity: Severity, confirmed: Severity | None) -> DivergenceState:
        return DivergenceState(phase=Phase.OPEN, severity=severity, confirmed_severity=confirmed)

    warning, critical = Severity.WARNING, Severity.CRITICAL
    rows = [
        (DivergenceState(), (2.0,)),
        (DivergenceState(phase=Phase.PENDING), (2.0, 3.0)),
        (opened(warning, None), (1.0, 3.0)),
        (opened(critical, None), (1.0, 2.0)),
        (opened(warning, warning), (3.0,)),
        (opened(critical, warning), (2.0,)),
        (opened(critical, critical), ()),
        # Held open because it flaps: it has left already, and could only become critical, or ease.
        (replace(opened(warning, None), is_flapping=True), (3.0,)),
        (replace(opened(warning, None), is_flapping=True, recent_states=1), (1.0, 3.0)),
        (replace(opened(critical, None), is_flapping=True), (1.0, 2.0)),
    ]
    assert [price_levels(state, RULE) for state, _ in rows] == [levels for _, levels in rows]
