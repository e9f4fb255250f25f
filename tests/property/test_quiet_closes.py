"""A close that is not looked at for a kind, because its statistic is small, would have changed nothing."""

from hypothesis import assume, given
from hypothesis import strategies as st

from services.signals.core.confirmed import Values
from services.signals.core.divergence.on_close import decide_on_close
from services.signals.core.divergence.state import NEVER_OPENED, DivergenceState, keep
from services.signals.core.kinds.registry import KINDS, LEVEL_KINDS, is_far_below, observe
from shared.domain.divergences import Kind
from shared.domain.kinds import DIRECTIONS

_NUMBER = st.one_of(st.none(), st.floats(-4.0, 4.0))
_NAMES = (
    *("z_90", "opposite_moves", "return_5_lead", "return_5_other"),
    *("fisher_z", "corr_change", "corr_60", "corr_ci_60_low"),
)
_RESTING = st.builds(DivergenceState, ended_at_ns=st.integers(0, 9), last_onset=st.sampled_from(["", "x"]))


@st.composite
def values_of_a_close(draw: st.DrawFn) -> Values:
    values: Values = {name: draw(_NUMBER) for name in _NAMES}
    evidence = draw(st.one_of(st.none(), st.tuples(st.floats(0.0, 300.0), st.floats(0.0, 300.0))))
    tightening, loosening = evidence or (None, None)
    total = None if evidence is None else sum(evidence)
    return values | {"e_break": total, "e_tightening": tightening, "e_loosening": loosening}


@given(
    kind=st.sampled_from(LEVEL_KINDS),
    values=values_of_a_close(),
    state=st.one_of(st.just(NEVER_OPENED), _RESTING),
    new_sessions=st.integers(0, 2),
    is_inhibited=st.booleans(),
)
def test_a_close_far_below_the_warning_level_leaves_a_state_at_rest_as_it_is(
    kind: Kind, values: Values, state: DivergenceState, new_sessions: int, is_inhibited: bool
) -> None:
    rule = KINDS[kind].default_rule
    assume(is_far_below(rule, values))
    assert state.is_at_rest

    for direction in DIRECTIONS[kind]:
        decision = decide_on_close(
            state,
            observe(rule, direction, values),
            session="2020-03-18",
            close_ns=0,
            at_ns=0,
            rule=rule,
            new_sessions=new_sessions,
            is_inhibited=is_inhibited,
        )
        assert decision == keep(state)
