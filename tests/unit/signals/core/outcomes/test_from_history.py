"""Openings that a history's closes would have made."""

import numpy as np
import pytest

from services.signals.core.confirmed import confirmed_values, regimes
from services.signals.core.divergence.on_close import decide_on_close
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState
from services.signals.core.kinds.registry import LEVEL_KINDS, PUBLISHED_RULES, observe
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.outcomes.from_history import openings_of_history, openings_until
from services.signals.core.outcomes.history_evaluator import HistoryEvaluator
from services.signals.core.outcomes.ledger import Ledger
from services.signals.core.outcomes.scoring import Opening
from services.signals.core.statistics.e_break import AgreementBand
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.kinds import DIRECTIONS
from tests.oracle.pair_oracle import read_pair
from tests.support.data import shared_data
from tests.unit.signals.core.outcomes.closes import closes, labels

BAND = AgreementBand(low=0.42, high=0.52)
STRETCH = (Rule(kind=Kind.RATIO_STRETCH),)


def ratios(*last: float) -> AlignedSessions:
    """Return 90 sessions whose ratio swings between e^-0.01 and e^0.01, then those given as powers of e."""
    swing = [0.01, -0.01] * 45
    return closes(np.exp([*swing, *last]).tolist())


def opened_after_90(aligned: AlignedSessions, rules: tuple[Rule, ...]) -> list[tuple[str, str, int]]:
    """Return kind, direction and sessions after the first 90."""
    sessions = labels(len(aligned))
    return [
        (each.kind.value, each.direction.value, sessions.index(each.session) - 90)
        for each in openings_of_history(aligned, HistoryEvaluator(rules))
    ]


def session_by_session(
    aligned: AlignedSessions, rules: tuple[Rule, ...], band: AgreementBand | None = None
) -> list[Opening]:
    """Return the same openings the long way: each session's statistics, each state by itself."""
    opened: list[Opening] = []
    divergences: dict[tuple[Kind, Direction], DivergenceState] = {}
    named = [state.name for state in regimes(aligned.log_ratio)]
    for index, session in enumerate(aligned.sessions):
        values = confirmed_values(aligned.until(index + 1, limit=index + 1), band)
        for rule in (rule for rule in rules if rule.kind in LEVEL_KINDS):
            for direction in DIRECTIONS[rule.kind]:
                step = decide_on_close(
                    divergences.get((rule.kind, direction), DivergenceState()),
                    observe(rule, direction, values),
                    session=session,
                    close_ns=index,
                    at_ns=index,
                    rule=rule,
                    new_sessions=1,
                )
                divergences[rule.kind, direction] = step.state
                if step.transition is Transition.OPEN:
                    opened.append(Opening(kind=rule.kind, direction=direction, session=session))
        z, before = values["z_90"], named[index - 1] if index else None
        if z is not None and before is not None and named[index] not in (before, "NEUTRAL"):
            direction = Direction.RISK_OFF if z >= 0 else Direction.RISK_ON
            opened.append(Opening(kind=Kind.REGIME_CHANGE, direction=direction, session=session))
    return opened


def test_a_stretch_opens_once_and_again_after_its_end_and_cooldown() -> None:
    # Two thirds of a standard deviation is 0.0067; 0.05 is at least critical, 0.0 inside the leave level.
    aligned = ratios(0.0, 0.05, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.06, -0.06)

    assert opened_after_90(aligned, STRETCH) == [
        ("ratio_stretch", "risk_off", 1),
        ("ratio_stretch", "risk_off", 9),
        ("ratio_stretch", "risk_on", 10),
    ]


def test_a_stretch_in_its_cooldown_does_not_open() -> None:
    # z is 3.5, then back, then 2.6: above warning, not critical, two sessions after the end.
    aligned = ratios(0.035, 0.0, 0.0, 0.028)

    assert opened_after_90(aligned, STRETCH) == [("ratio_stretch", "risk_off", 0)]


def test_only_the_rules_in_force_open() -> None:
    aligned = ratios(0.0, 0.05)
    regime = (Rule(kind=Kind.REGIME_CHANGE),)

    assert opened_after_90(aligned, ()) == []
    assert opened_after_90(aligned, regime) == [("regime_change", "risk_off", 1)]


def test_a_regime_change_has_the_direction_of_its_z() -> None:
    aligned = ratios(0.0, -0.05, -0.05, -0.05, 0.05)

    assert opened_after_90(aligned, (Rule(kind=Kind.REGIME_CHANGE),)) == [
        ("regime_change", "risk_on", 1),
        ("regime_change", "risk_off", 4),
    ]


def test_the_first_regime_of_a_history_is_no_change() -> None:
    aligned = ratios(-0.05, -0.05, -0.05, 0.05)

    assert opened_after_90(aligned, (Rule(kind=Kind.REGIME_CHANGE),)) == [("regime_change", "risk_off", 3)]


def test_no_session_opens_nothing() -> None:
    assert openings_of_history(closes([]), HistoryEvaluator(PUBLISHED_RULES)) == ()


@pytest.mark.parametrize("seed", range(3))
def test_openings_are_those_of_each_session_evaluated_by_itself(seed: int) -> None:
    generator = np.random.default_rng(seed)
    # Calm and rough spells whose legs hang together now one way, now the other.
    scale, shared = (np.repeat(generator.uniform(*range_, 12), 35) for range_ in ((0.002, 0.03), (-0.9, 0.9)))
    noise = generator.standard_t(4, (2, 420)) * scale
    moves = noise[0], shared * noise[0] + (1 - np.abs(shared)) * noise[1]
    aligned = closes(*(100.0 * np.exp(each.cumsum()) for each in moves))

    found = openings_of_history(aligned, HistoryEvaluator(PUBLISHED_RULES), BAND)

    assert sorted(map(str, found)) == sorted(map(str, session_by_session(aligned, PUBLISHED_RULES, BAND)))
    assert len({each.kind for each in found}) >= 4


def test_openings_on_real_history_are_those_of_each_session_evaluated_by_itself() -> None:
    pair = read_pair(
        shared_data("pair_gold_daily_20121114_20210331.csv"),
        shared_data("pair_iwm_daily_20121114_20210331.csv"),
    )
    aligned = closes(pair["gold"].tolist(), pair["adjusted"].tolist()).until(2107, limit=800)

    found = openings_of_history(aligned, HistoryEvaluator(PUBLISHED_RULES), BAND)

    assert sorted(map(str, found)) == sorted(map(str, session_by_session(aligned, PUBLISHED_RULES, BAND)))
    assert {each.kind for each in found} == set(Kind) - {Kind.DATA_FAULT}


def test_what_is_pending_is_found_up_to_the_session_that_was_filled_last() -> None:
    aligned = ratios(0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.06)
    filled = labels(98)[92]

    found = openings_until(filled, aligned, lambda: HistoryEvaluator(STRETCH))

    assert [each.session for each in found] == [labels(98)[90]]
    entered = Ledger(backfill_until=filled).with_history(found)
    assert entered.openings == found
    assert entered.backfill_until is None
