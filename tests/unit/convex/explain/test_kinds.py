"""Each kind's working on markets that a person can work out."""

import math
from dataclasses import replace
from typing import Any

import pytest

from convex.explain.kinds import (
    correlation_break,
    data_fault,
    evidence_break,
    hedge_lost,
    opposite_moves,
    ratio_stretch,
)
from convex.explain.material import Material
from convex.explain.statistics import NotRecomputed, recompute
from convex.explain.working import Line, Working
from shared.domain.divergences import Direction, Kind, Transition
from tests.unit.convex.explain.stories import confirmed, market, material

# ln 1.1 either way around ln 10, 45 times each.
_SWINGING = [11.0 * 100, 100 / 11 * 100] * 45
_IWM = [100.0] * 90


def result(working: Working, name: str) -> str:
    return next(line.result for line in working.lines if line.name == name)


def line(working: Working, name: str) -> Line:
    return next(each for each in working.lines if each.name == name)


def test_ratio_is_worked_out_line_by_line() -> None:
    # Every ratio is ln 10 ± ln 1.1: the mean is ln 10, the squares are 90 (ln 1.1)² = 0.81756...
    event = confirmed(type=Transition.OPEN)
    working = ratio_stretch.working_of(material(event), market([*_SWINGING, 1210.0], [*_IWM, 100.0]))

    assert result(working, "sum") == f"{90 * math.log(10):.5f}"
    assert result(working, "mean") == "2.3025851"
    assert line(working, "mean").formula == "207.23266 / 90"
    assert result(working, "squares") == "0.81756273"
    assert line(working, "std").formula == "√(0.81756273 / 89)"
    assert result(working, "std") == "0.095844135"
    # ln 12.1 = ln 10 + 2 ln 1.1, so z = 2 ln 1.1 / std = 2 √(89/90).
    assert line(working, "ln(Gold/IWM)").formula == "ln(1210.00 / 100.00)"
    assert line(working, "z").formula == "(2.4932055 − 2.3025851) / 0.095844135"
    assert result(working, "z") == f"{2 * math.sqrt(89 / 90):.7f}" == "1.9888579"
    assert [(each.text, each.holds) for each in working.conclusions[:1]] == [
        ("z = 1.99 < 2: not warning", False)
    ]


def test_levels_are_reported_as_prices_of_the_lead() -> None:
    working = ratio_stretch.working_of(material(confirmed()), market([*_SWINGING, 1300.0], [*_IWM, 100.0]))

    # 100 × 10 × e^(2 × 0.0958441...) = 1000 × 1.21130...
    assert line(working, "warning at").formula == "100.00 × e^(2.3025851 + 2 × 0.095844135)"
    assert result(working, "warning at") == "Gold 1211.29"


def test_other_direction_reads_z_negated() -> None:
    event = confirmed(direction=Direction.RISK_ON)
    working = ratio_stretch.working_of(material(event), market([*_SWINGING, 800.0], [*_IWM, 100.0]))

    assert result(working, "z").startswith("-2.3281")
    assert working.conclusions[0].text == "−z = 2.33 ≥ 2: warning"
    assert working.sentence == (
        "At the close of 2019-04-01 Gold stood 2.33 standard deviations below its 90-session mean in IWM; "
        "a warning opened."
    )


def test_live_price_is_held_against_the_last_90_sessions() -> None:
    working = ratio_stretch.working_of(
        material(confirmed()), market([999.0, *_SWINGING], [100.0, *_IWM], live=1300.0)
    )

    assert working.window is not None
    assert len(working.window.hashed) == 90
    assert result(working, "mean") == "2.3025851"


def test_window_that_does_not_move_leaves_z_undefined() -> None:
    working = ratio_stretch.working_of(material(confirmed()), market([1000.0] * 91, [100.0] * 91))

    assert result(working, "z") == "undefined"
    assert not working.conclusions[0].holds


def test_short_window_leaves_everything_undefined() -> None:
    working = ratio_stretch.working_of(material(confirmed()), market([1000.0, 1001.0], [100.0, 100.0]))

    assert result(working, "mean, std") == "undefined"


def opposite(lead_step: float, other_step: float, **changes: Any) -> Working:
    """Return the working of legs that swing by 1 % and then move for five sessions."""
    lead, other = [1000.0], [100.0]
    for index in range(86):
        lead.append(lead[-1] * (1.01 if index % 2 else 1 / 1.01))
        other.append(100.0)
    for _ in range(5):
        lead.append(lead[-1] * math.exp(lead_step))
        other.append(other[-1] * math.exp(other_step))
    event = confirmed(kind=Kind.OPPOSITE_MOVES, **changes)
    return opposite_moves.working_of(material(event), market(lead, other))


def test_moves_are_worked_out_line_by_line() -> None:
    working = opposite(0.006, -0.006)

    assert result(working, "R Gold") == "0.030000000"
    assert result(working, "R IWM") == "-0.030000000"
    # The last 90 gaps: 85 of ±ln 1.01, the first of them up, and 5 of 0.012.
    gaps = [math.log(1.01) * (1 if index % 2 == 0 else -1) for index in range(85)] + [0.012] * 5
    mean = sum(gaps) / 90
    std = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / 89)
    assert float(result(working, "std")) == pytest.approx(std, rel=1e-7)
    assert float(result(working, "D")) == pytest.approx(0.06 / (std * math.sqrt(5)), rel=1e-7)
    assert "the moves have opposite signs" in [each.text for each in working.conclusions]
    assert all(each.holds for each in working.conclusions)


def test_moves_of_one_sign_open_nothing() -> None:
    working = opposite(0.03, 0.001)

    assert ("the moves have the same sign: nothing opens", False) in [
        (each.text, each.holds) for each in working.conclusions
    ]


def correlated(sign: int, count: int = 253) -> tuple[list[float], list[float]]:
    """Return closes whose last 20 returns correlate with ``sign`` and the ones before not at all."""
    lead, other = [1000.0], [100.0]
    for index in range(count - 1):
        a = 0.01 if index % 2 else -0.01
        is_recent = index >= count - 21
        b = sign * a if is_recent else (0.01 if index % 4 < 2 else -0.01)
        # A little of something else, or r would be ±1.
        b += 0.004 * math.sin(index)
        lead.append(lead[-1] * math.exp(a))
        other.append(other[-1] * math.exp(b))
    return lead, other


@pytest.mark.parametrize(("sign", "direction"), [(1, Direction.TIGHTENING), (-1, Direction.LOOSENING)])
def test_change_of_a_correlation_is_worked_out(sign: int, direction: Direction) -> None:
    thresholds = {"warning": 1.0, "critical": 30.0, "leave": 0.5, "min_change": 0.3}
    event = confirmed(kind=Kind.CORRELATION_BREAK, direction=direction, thresholds=thresholds)
    working = correlation_break.working_of(material(event), market(*correlated(sign)))

    r20, r252 = float(result(working, "r20")), float(result(working, "r252"))
    n20, n252 = float(result(working, "n_eff 20")), float(result(working, "n_eff 252"))
    width = math.sqrt(1 / (n20 - 3) + 1 / (n252 - 3))
    assert sign * r20 > 0.9
    assert float(result(working, "change")) == pytest.approx(r20 - r252, abs=1e-6)
    assert float(result(working, "z_F")) == pytest.approx(
        (math.atanh(r20) - math.atanh(r252)) / width, rel=1e-5
    )
    assert all(each.holds for each in working.conclusions)
    assert "large enough" in working.conclusions[2].text


def test_small_change_is_not_reported() -> None:
    thresholds = {"warning": 1.0, "critical": 30.0, "leave": 0.5, "min_change": 1.9}
    event = confirmed(kind=Kind.CORRELATION_BREAK, direction=Direction.TIGHTENING, thresholds=thresholds)
    working = correlation_break.working_of(material(event), market(*correlated(1)))

    assert not working.conclusions[2].holds
    assert "not large enough" in working.conclusions[2].text


def test_lost_hedge_is_worked_out() -> None:
    thresholds = {"warning": 0.001, "critical": 0.9, "leave": 0.0}
    event = confirmed(kind=Kind.HEDGE_LOST, thresholds=thresholds)
    lead, other = correlated(1, count=61)
    working = hedge_lost.working_of(material(event), market(lead, other))

    r, n = float(result(working, "r60")), float(result(working, "n_eff 60"))
    low = math.tanh(math.atanh(r) - 1.959963985 / math.sqrt(n - 3))
    assert float(result(working, "lower end")) == pytest.approx(low, abs=1e-7)
    assert working.conclusions[0].text == f"lower end = {low:.2f} > 0.001: warning"


@pytest.mark.parametrize(
    "work", [correlation_break.working_of, hedge_lost.working_of, opposite_moves.working_of]
)
def test_flat_leg_and_short_history_leave_the_statistic_undefined(work: Any) -> None:
    event = confirmed(thresholds={"warning": 1.0, "critical": 3.0, "leave": 0.5, "min_change": 0.3})

    for closes in ([1000.0] * 260, [1000.0] * 4):
        working = work(material(event), market(closes, closes))
        assert "undefined" in working.conclusions[0].text
        assert not working.conclusions[0].holds


def fault(**changes: Any) -> Material:
    return material(
        confirmed(
            kind=Kind.DATA_FAULT, **{"direction": Direction.OTHER, "values": {"missing_bar": 0.0}} | changes
        )
    )


def test_fault_names_its_causes_and_how_long_they_hold() -> None:
    working = data_fault.working_of(fault(values={"missing_bar": 90.0, "stale": 0.0}))

    assert working.sentence == "At 2019-04-02 00:15:00 UTC the data of IWM could not be trusted."
    assert [(each.name, each.result) for each in working.lines] == [
        ("missing_bar", "for 1 min 30 s"),
        ("stale", "for under 1 s"),
    ]
    assert working.conclusions[0].text == "the data of IWM are at fault: missing_bar and stale"


def test_fault_that_is_over_says_how_long_it_lasted() -> None:
    working = data_fault.working_of(fault(type=Transition.CLOSED, values={"lasted_seconds": 120.0}))

    assert [(each.name, each.result) for each in working.lines] == [("lasted", "for 2 min")]
    assert working.conclusions[0].text == "no cause is left: IWM can be used"


def test_fault_of_closes_says_which_close_is_not_used() -> None:
    values = {
        "close_jump": 0.0,
        "quarantined_closes": 1.0,
        "quarantined_close": 240.0,
        "quarantined_session": 20190401.0,
        "last_good_close": 150.0,
    }
    working = data_fault.working_of(fault(values=values))

    assert [(each.name, each.result) for each in working.lines] == [
        ("close_jump", "for under 1 s"),
        ("quarantined_closes", "1"),
    ]
    assert working.lines[1].formula == "The close of 2019-04-01, 240.00 after 150.00, is in no statistic."
    assert working.conclusions[0].text == "the data of IWM are at fault: close_jump"


def test_corrected_close_is_a_cause() -> None:
    values = {"revised_from": 150.0, "revised_to": 151.5, "lasted_seconds": 0.0}
    working = data_fault.working_of(fault(values=values))

    assert line(working, "revised_bar").result == "150.00 became 151.50"
    assert working.conclusions[0].holds


def test_fault_without_a_cause_does_not_follow() -> None:
    assert not data_fault.working_of(fault(values={})).conclusions[0].holds


def test_name_that_is_not_known_is_not_recomputed() -> None:
    for name in ("lead_lag_120", "corr_20_low", "corr_ci_20"):
        with pytest.raises(NotRecomputed):
            recompute(name, market([1000.0, 1001.0], [100.0, 100.0]))


BASELINE = {"agreement_low": 0.45, "agreement_high": 0.5}
EVIDENCE_LEVELS = {"warning": 2.0, "critical": 9.0, "leave": 0.5}


def agreeing(sides: list[int]) -> tuple[list[float], list[float]]:
    """Return closes that stand still for 60 sessions and then move to the same side, or to opposite ones."""
    lead, other = [100.0] * 61, [100.0] * 61
    for at, side in enumerate(sides):
        # Away from the mean of the moves before, which is small beside them.
        move = 1.1 if at % 2 else 1 / 1.1
        lead.append(lead[-1] * move)
        other.append(other[-1] * (move if side > 0 else 1 / move))
    return lead, other


def test_evidence_is_worked_out_bettor_by_bettor() -> None:
    event = confirmed(
        kind=Kind.EVIDENCE_BREAK,
        direction=Direction.TIGHTENING,
        thresholds=EVIDENCE_LEVELS,
        values=BASELINE,
    )
    told = replace(market(*agreeing([1, 1, 1])), band=(0.45, 0.5))

    working = evidence_break.working_of(material(event), told)

    # At even odds the bettors of a stake k own (1 + k) + (1 + k)² + (1 + k)³.
    owned = [sum((1 + stake) ** wins for wins in (1, 2, 3)) for stake in (0.125, 0.25, 0.5)]
    assert result(working, "agreed") == "3, opposite 0"
    assert result(working, "odds") == "1.0000000"
    assert result(working, "owned at 0.5") == f"{1.5 + 1.5**2 + 1.5**3:.7f}" == "7.1250000"
    assert line(working, "owned at 0.5").formula == "3 starts: × 1.5000000 if right, × 0.50000000 if wrong"
    assert result(working, "e") == f"{0.46 * sum(owned) / 3:.7f}"
    assert [each.text for each in working.conclusions[:2]] == [
        f"e = {0.46 * sum(owned) / 3:.2f} ≥ 2: warning",
        f"e = {0.46 * sum(owned) / 3:.2f} < 9: not critical",
    ]
    assert recompute("e_tightening", told) == pytest.approx(0.46 * sum(owned) / 3, rel=1e-12)
    assert recompute("agreement_60", told) is None


def test_evidence_for_less_agreement_bets_at_the_other_end_of_the_baseline() -> None:
    event = confirmed(
        kind=Kind.EVIDENCE_BREAK,
        direction=Direction.LOOSENING,
        thresholds=EVIDENCE_LEVELS,
        values=BASELINE,
    )
    told = replace(market(*agreeing([-1, -1, 1])), band=(0.5, 0.6))

    working = evidence_break.working_of(material(event), told)

    owned = [
        (1 + stake) ** 2 * (1 - stake) + (1 + stake) * (1 - stake) + (1 - stake)
        for stake in (0.125, 0.25, 0.5)
    ]
    assert result(working, "agreed") == "1, opposite 2"
    assert line(working, "p").formula == "the baseline's 1 − the lower end 0.50000000"
    assert result(working, "e") == f"{0.46 * sum(owned) / 3:.7f}"
    assert not working.conclusions[0].holds
    assert recompute("e_loosening", told) == pytest.approx(0.46 * sum(owned) / 3, rel=1e-12)
    total = recompute("e_break", told)
    tightening = recompute("e_tightening", told)
    assert total is not None
    assert tightening is not None
    assert total == pytest.approx(tightening + 0.46 * sum(owned) / 3, rel=1e-12)


def test_event_without_a_baseline_or_with_too_few_sessions_has_no_evidence() -> None:
    event = confirmed(kind=Kind.EVIDENCE_BREAK, direction=Direction.TIGHTENING, thresholds=EVIDENCE_LEVELS)
    unstated = market(*agreeing([1, 1, 1]))
    short = replace(market([100.0] * 30, [100.0] * 30), band=(0.45, 0.5))

    of_unstated = evidence_break.working_of(material(event), unstated)
    of_short = evidence_break.working_of(material(event), short)

    assert [each.text for each in of_unstated.conclusions[:2]] == [
        "e is undefined: no level is reached",
        "the event states no baseline",
    ]
    assert not of_short.conclusions[0].holds
    for told in (unstated, short):
        assert [recompute(name, told) for name in ("e_break", "e_tightening", "e_loosening")] == [None] * 3
    assert (recompute("agreement_low", unstated), recompute("agreement_high", short)) == (None, 0.5)


def test_sessions_in_which_a_leg_moved_as_its_mean_make_no_bet() -> None:
    lead, other = agreeing([1, 1, 1])
    told = replace(market([*lead, lead[-1]], [100.0] * len(other) + [100.0]), band=(0.45, 0.5))

    # Each of the four bettors still owns 1, at each stake.
    assert recompute("e_break", told) == pytest.approx(2 * 0.46 * 4, rel=1e-12)
    assert recompute("agreement_60", told) is None
