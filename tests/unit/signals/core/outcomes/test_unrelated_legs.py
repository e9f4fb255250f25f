"""What outcomes say about two legs that have nothing to do with each other: nothing unusual."""

import numpy as np

from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.outcomes.from_history import openings_of_history
from services.signals.core.outcomes.history_evaluator import HistoryEvaluator
from services.signals.core.outcomes.scoring import rescored
from services.signals.core.outcomes.summary import summarise
from shared.text.outcomes import against_usual
from tests.unit.signals.core.outcomes.closes import closes


def test_hardly_any_page_of_two_unrelated_walks_shows_an_unusual_hit_rate() -> None:
    """The openings of 40 pairs of walks with fat tails, 800 sessions each, by every published rule.

    The adjusted intervals promise at most 2 such pages. Plain intervals would give 8: they are the control.
    """
    random = np.random.default_rng(5)
    adjusted = plain = rows = 0
    for _ in range(40):
        a, b = random.standard_t(4, (2, 800)) * [[0.006], [0.009]]
        aligned = closes(np.exp(np.cumsum(a)).tolist(), np.exp(np.cumsum(b)).tolist())
        openings = openings_of_history(aligned, HistoryEvaluator(PUBLISHED_RULES))
        found = [one for one in summarise(rescored(openings, aligned), aligned) if one.count]
        rows += len(found)
        adjusted += any(against_usual(one) for one in found)
        plain += any(
            not (one.hit_rate.low or 0.0) <= (one.usual_rate or 0.0) <= (one.hit_rate.high or 0.0)
            for one in found
        )

    assert rows > 600
    assert adjusted <= 2
    assert plain > adjusted
