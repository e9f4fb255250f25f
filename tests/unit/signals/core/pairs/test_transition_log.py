"""Whoever asks why nothing was sent sees each decision as it was made, and changes none."""

from services.signals.core.divergence.state import Phase
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.pairs.transition_log import Recorded
from shared.domain.divergences import Transition
from tests.unit.convex.why_not.markets import GOLD_IWM, closes, config, recent


def test_each_decision_is_reported_with_the_state_that_it_was_made_on() -> None:
    records = recent(*closes(1, 320), live=40)
    seen: list[Recorded] = []
    watched, alone = (LeadEngine(GOLD_IWM.lead, (GOLD_IWM,), config()) for _ in range(2))
    watched.monitors[0].transitions.on_record = seen.append

    events = [event for record in records for event in watched.apply(record).events]

    assert events == [event for record in records for event in alone.apply(record).events]
    reported = [each for each in seen if each.decision.transition is not None]
    assert [(each.kind, each.direction, each.decision.transition) for each in reported] == [
        (event.kind, event.direction, event.type) for event in events
    ]
    for each in reported:
        is_opening = each.decision.transition is Transition.OPEN
        assert (each.before.phase is not Phase.OPEN) == is_opening
    assert len(seen) > len(reported)
