"""A trigger price says what would happen, on which side of the present price, and when."""

import pytest

from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.snapshots import Trigger, TriggerAt
from shared.text.trigger_prices import TRIGGER_WORDS, describe_trigger


def trigger(
    price: float, *, at: TriggerAt = TriggerAt.CLOSE, transition: Transition = Transition.OPEN
) -> Trigger:
    return Trigger(
        kind=Kind.RATIO_STRETCH,
        direction=Direction.RISK_ON,
        transition=transition,
        lead_price=price,
        at=at,
    )


@pytest.mark.parametrize(
    ("price", "present", "words"),
    [
        (1650.0, 1681.9, "with Gold at or below 1,650.00 (−1.9%) at the next close, with IWM unchanged."),
        (1702.15, 1681.9, "with Gold at or above 1,702.15 (+1.2%) at the next close, with IWM unchanged."),
        (1681.9, 1681.9, "with Gold at 1,681.90 (0.0%) at the next close, with IWM unchanged."),
        (1650.0, None, "with Gold at 1,650.00 at the next close, with IWM unchanged."),
    ],
)
def test_price_is_on_a_side_of_the_present_one(price: float, present: float | None, words: str) -> None:
    said = describe_trigger(trigger(price), lead="Gold", other="IWM", present=present)

    assert said == f"Ratio stretch, risk-on opens {words}"


def test_live_trigger_needs_the_price_to_be_held() -> None:
    said = describe_trigger(trigger(1650.0, at=TriggerAt.LIVE), lead="Gold", other="IWM", present=1681.9)

    assert said.endswith("at or below 1,650.00 (−1.9%) now, if the price is held.")


@pytest.mark.parametrize("transition", list(Transition))
def test_each_transition_has_a_verb(transition: Transition) -> None:
    assert "_" not in TRIGGER_WORDS[transition]
