"""The proof of docs/evidence.md, step by step: no bet inside the band gains, and the constants are enough."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.signals.core.kinds.evidence_break import EVIDENCE_BREAK
from services.signals.core.statistics.e_break import SCALE, STARTS, AgreementBand, evidence_of
from shared.text.evidence import GROWTH_A_SESSION

_ENDS = st.tuples(st.floats(0.05, 0.94), st.floats(0.005, 0.9))
BANDS = _ENDS.map(lambda each: AgreementBand(low=each[0], high=min(0.95, each[0] + each[1])))
# As many sessions as the evidence looks back over, and fewer.
PASTS = st.lists(st.sampled_from((-1, 0, 1)), min_size=1, max_size=STARTS)


def evidence(past: list[int], band: AgreementBand) -> tuple[float, float]:
    found = evidence_of(np.array(past[-STARTS:], dtype=np.int8), band)
    assert found is not None
    return found.tightening, found.loosening


@given(PASTS, BANDS, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_evidence_grows_by_at_most_its_scale_a_session_on_average_while_the_baseline_holds(
    past: list[int], band: AgreementBand, place: float, no_side: float
) -> None:
    agreement = band.low + place * (band.high - band.low)
    chances = {0: no_side, 1: (1 - no_side) * agreement, -1: (1 - no_side) * (1 - agreement)}

    now = evidence(past, band)
    following = {side: evidence([*past, side], band) for side in chances}

    for direction in (0, 1):
        mean = sum(chance * following[side][direction] for side, chance in chances.items())
        assert mean <= (now[direction] + SCALE) * (1 + 1e-12)


@given(st.lists(st.sampled_from((-1, 1)), max_size=STARTS - 2), BANDS)
def test_evidence_is_fair_at_the_edge_where_nothing_is_forgotten(
    past: list[int], band: AgreementBand
) -> None:
    now = evidence(past, band) if past else (0.0, 0.0)
    agrees, differs = evidence([*past, 1], band), evidence([*past, -1], band)

    for direction, agreement in ((0, band.high), (1, band.low)):
        mean = agreement * agrees[direction] + (1 - agreement) * differs[direction]
        assert abs(mean - now[direction] - SCALE) <= 1e-9 * (1 + now[direction])


def test_levels_allow_at_most_one_opening_in_252_sessions_in_both_directions_together() -> None:
    rule = EVIDENCE_BREAK.default_rule

    a_year_by_direction = 252 * SCALE / (rule.warning - rule.leave)

    assert 2 * a_year_by_direction <= 1
    assert GROWTH_A_SESSION == SCALE, "texts state the guarantee with this number"
    # And no more is given away than the last digit.
    assert 2 * 252 * (SCALE + 0.01) / (rule.warning - rule.leave) > 1
