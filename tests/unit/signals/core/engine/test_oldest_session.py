"""A full history loses its oldest session to a bar whose session the other leg lacks."""

import pytest

from services.signals.core.engine import leg_pairs
from services.signals.core.legs import leg, quarantine
from services.signals.core.pairs.pair_statistics import PairStatistics
from shared.domain.bars import Bar
from tests.support.builders_market import LEAD, OTHER
from tests.support.faulty_bars import Run, as_log, quiet_bars

LIMIT = 100
BARS = quiet_bars(LIMIT + 1)


@pytest.fixture(autouse=True)
def short_histories(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (leg, leg_pairs, quarantine):
        monkeypatch.setattr(module, "HISTORY_SESSIONS", LIMIT)


def before_and_after(other: list[Bar]) -> tuple[PairStatistics, int, int]:
    """Take the lead's last bar; return how many sessions both legs have, before it and after it."""
    run, log = Run(), as_log({LEAD: BARS[LEAD], OTHER: other}, live=1)
    run.take(log[:2])
    statistics = run.engine.monitors[0].statistics
    before = statistics.count
    run.take(log[2:])
    assert run.engine.legs[LEAD].history.sessions == [each.session for each in BARS[LEAD][1:]]
    return statistics, before, statistics.count


def test_statistics_lose_a_session_that_both_legs_had() -> None:
    statistics, before, after = before_and_after(BARS[OTHER][:-1])

    assert (before, after) == (LIMIT, LIMIT - 1)
    assert len(statistics.legs.align()) == after


def test_statistics_lose_nothing_if_the_other_leg_never_had_it() -> None:
    statistics, before, after = before_and_after(BARS[OTHER][1:-1])

    assert before == after == LIMIT - 1
    assert len(statistics.legs.align()) == after


def test_windows_that_need_the_lost_session_are_computed_again() -> None:
    statistics, before, after = before_and_after(BARS[OTHER][:90])

    assert (before, after) == (90, 89)
    assert statistics.base is None
