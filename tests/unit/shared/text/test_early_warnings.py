"""A probability is never shown as certain, and every transition of an early warning has its sentence."""

import pytest

from shared.domain.divergences import Transition
from shared.text.early_warnings import describe_probability, format_probability


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (1.0, "over 99%"),
        (0.991, "over 99%"),
        (0.99, "99%"),
        (0.8, "80%"),
        (0.01, "1%"),
        (0.004, "under 1%"),
        (0.0, "under 1%"),
        (None, "—"),
        (float("nan"), "—"),
    ],
)
def test_probability_is_in_whole_percent_and_never_certain(probability: float | None, text: str) -> None:
    assert format_probability(probability) == text


@pytest.mark.parametrize(
    ("transition", "level"),
    [
        (Transition.OPEN, "opens it"),
        (Transition.ESCALATED, "critical level"),
        (Transition.EASED, "warning level"),
        (Transition.REVISED, "warning level"),
        (Transition.CLOSED, "warning level"),
        (Transition.EXPIRED, "warning level"),
    ],
)
def test_sentence_names_the_level_that_the_probability_is_about(transition: Transition, level: str) -> None:
    said = describe_probability(0.84, transition)

    assert level in said
    assert said.endswith("with a probability of 84%.")
