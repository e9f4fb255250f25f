"""The openings counted in a history at once are those of the engine that goes through it close by close."""

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from convex.backtesting.replay import replay
from convex.calibrate.history import read_history
from convex.calibrate.rule_openings import KINDS, can_count, rule_openings
from services.signals.core.kinds.registry import PUBLISHED_RULES
from shared.calendars import xnys_calendar
from shared.domain.divergences import Kind, Transition
from shared.files.timeline import Recording
from shared.pairs.loading import load_pairs
from tests.support.data import shared_data

PAIR = next(each for each in load_pairs("replay") if each.name == "gold-iwm")
RULES = tuple(rule for rule in PUBLISHED_RULES if can_count(rule.kind, PAIR))


def by_the_engine(recording: Recording) -> Counter[Kind]:
    replayed = replay(
        recording, pair=PAIR, rules=PUBLISHED_RULES, calendar=xnys_calendar(), code_version="test"
    )
    assert "inhibited" not in replayed.suppressed
    opened = (event.kind for event in replayed.events if event.type is Transition.OPEN)
    return Counter(kind for kind in opened if kind.is_market)


def at_once(recording: Recording) -> Counter[Kind]:
    history = read_history(recording, pair=PAIR, calendar=xnys_calendar())
    legs = history.lead[np.newaxis], history.other[np.newaxis]
    return Counter(
        {rule.kind: int(rule_openings(rule, *legs, pair=PAIR, after=0).counts[0]) for rule in RULES}
    )


def test_every_kind_about_the_market_can_be_counted() -> None:
    assert {rule.kind for rule in PUBLISHED_RULES if rule.kind.is_market} <= set(KINDS)


def test_openings_on_real_closes_are_the_backtests() -> None:
    recording = Recording(
        lead_files=(shared_data("pair_gold_daily_20121114_20210331.csv"),),
        other_files=(shared_data("pair_iwm_daily_20121114_20210331.csv"),),
    )

    found = at_once(recording)

    assert found == by_the_engine(recording)
    # The pair's own baseline was chosen on these closes.
    assert all(found[rule.kind] for rule in RULES if rule.kind is not Kind.EVIDENCE_BREAK)


@pytest.mark.parametrize("seed", [1, 2])
def test_openings_of_a_made_up_market_are_the_backtests(seed: int, tmp_path: Path) -> None:
    sessions = xnys_calendar().labels[-1_201:]
    generator = np.random.default_rng(seed)
    lead, own = generator.standard_t(4, (2, 1_200)) * 0.01
    # A correlation that comes and goes: every kind opens.
    relation = 0.9 * np.sin(np.arange(1_200) / 80.0)
    other = relation * lead + np.sqrt(1.0 - relation**2) * own
    files = []
    for name, returns in (("gold", lead), ("iwm", other)):
        closes = 100.0 * np.exp(np.concatenate(([0.0], np.cumsum(returns))))
        rows = (f"{date.fromisoformat(s)},{c:.4f}\n" for s, c in zip(sessions, closes, strict=True))
        path = tmp_path / f"{name}.csv"
        path.write_text("date,close\n" + "".join(rows))
        files.append(path)
    recording = Recording(lead_files=(files[0],), other_files=(files[1],))

    found = at_once(recording)

    assert found == by_the_engine(recording)
    assert all(found[rule.kind] for rule in RULES)


def test_sessions_are_those_in_which_the_statistic_has_a_value() -> None:
    legs = np.random.default_rng(1).standard_normal((2, 3, 400)) * 0.01
    sessions = {rule.kind: rule_openings(rule, *legs, pair=PAIR, after=0).sessions.tolist() for rule in RULES}

    # A z-score needs 90 log ratios before it, of 401; the others so many returns of 400.
    for kind, expected in (
        (Kind.RATIO_STRETCH, 311),
        (Kind.REGIME_CHANGE, 311),
        (Kind.OPPOSITE_MOVES, 311),
        (Kind.HEDGE_LOST, 341),
        (Kind.CORRELATION_BREAK, 149),
    ):
        assert sessions[kind] == [expected] * 3
