"""Every kind, direction and transition has words, and none of them is a word of the program."""

import re

import pytest

from services.signals.core.legs.data_quality import Cause
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.kinds import KIND_TRAITS
from shared.text.data_faults import causes_among, describe_cause, describe_quarantine
from shared.text.divergences import (
    TRANSITION_WORDS,
    describe_direction,
    describe_divergence,
    describe_kind,
    describe_regime,
)
from tests.support.builders_kinds import KINDS_AND_DIRECTIONS


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_has_a_title_and_a_question(kind: Kind) -> None:
    assert KIND_TRAITS[kind].title
    assert KIND_TRAITS[kind].question.format(lead="Gold", other="IWM").endswith("?")


@pytest.mark.parametrize("transition", list(Transition))
def test_each_transition_has_words(transition: Transition) -> None:
    assert "_" not in TRANSITION_WORDS[transition]


@pytest.mark.parametrize(("kind", "direction"), KINDS_AND_DIRECTIONS)
def test_each_direction_of_a_kind_has_a_sentence_that_names_a_leg(kind: Kind, direction: Direction) -> None:
    sentence = describe_divergence(kind, direction, lead="Gold", other="IWM")

    assert re.search("Gold|IWM", sentence)
    assert not sentence.startswith(KIND_TRAITS[kind].title)
    assert "_" not in describe_kind(kind, direction)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("direction", list(Direction))
def test_a_direction_that_a_kind_does_not_have_is_shown_and_not_rejected(
    kind: Kind, direction: Direction
) -> None:
    assert describe_divergence(kind, direction, lead="Gold", other="IWM")


def test_a_kind_without_a_side_has_only_its_title() -> None:
    assert describe_kind(Kind.DATA_FAULT, Direction.LEAD) == "Data fault"
    assert describe_kind(Kind.CORRELATION_BREAK, Direction.LOOSENING) == "Correlation break, loosening"


def test_the_direction_of_a_data_fault_is_a_leg() -> None:
    assert describe_direction(Direction.LEAD, lead="Gold", other="IWM") == "Gold"
    assert describe_direction(Direction.RISK_ON, lead="Gold", other="IWM") == "risk-on"


@pytest.mark.parametrize(
    ("regime", "text"),
    [
        ("RISK_ON", "risk-on"),
        ("NEUTRAL", "neutral"),
        (1.0, "risk-off"),
        (0.0, "neutral"),
        (0.5, "?"),
        (None, "?"),
    ],
)
def test_a_regime_is_named_from_its_word_and_from_its_number(regime: str | float | None, text: str) -> None:
    assert describe_regime(regime, missing="?") == text


@pytest.mark.parametrize("cause", ["stale", "bad_ticks", "missing_bar", "no_close_sample", "revised_bar"])
def test_each_cause_of_a_data_fault_has_a_name_and_a_sentence(cause: str) -> None:
    words = describe_cause(cause)

    assert words.name
    assert words.sentence[0].islower()


def test_what_a_fault_measures_is_not_a_cause() -> None:
    values = {"bad_ticks": 3.0, "lasted_seconds": 60.0, "revised_from": 1.0, "revised_to": 2.0}

    assert causes_among(values) == ("bad_ticks",)


@pytest.mark.parametrize("cause", [cause.value for cause in Cause])
def test_each_cause_of_a_fault_has_words_of_its_own(cause: str) -> None:
    described = describe_cause(cause)

    assert described.sentence != described.name
    assert described.sentence[0].islower()
    assert not described.sentence.endswith(".")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"stale": 70.0}, None),
        ({"quarantined_closes": 1.0}, "1 close was kept out of the statistics meanwhile."),
        ({"quarantined_closes": 4.0}, "4 closes were kept out of the statistics meanwhile."),
        (
            {"quarantined_closes": 1.0, "quarantined_close": 9.5, "quarantined_session": 20200318.0},
            "The close of 2020-03-18, 9.50, is in no statistic.",
        ),
        (
            {
                "quarantined_closes": 2.0,
                "quarantined_close": 9.5,
                "quarantined_session": 20200318.0,
                "last_good_close": 95.0,
            },
            "2 closes are in no statistic; the newest is the close of 2020-03-18, 9.50 after 95.00.",
        ),
    ],
)
def test_closes_that_are_not_used_are_named(values: dict[str, float | None], sentence: str | None) -> None:
    assert describe_quarantine(values) == sentence
    assert causes_among(values) == tuple(name for name in values if name == "stale")
