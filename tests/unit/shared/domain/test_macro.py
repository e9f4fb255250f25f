"""What an observation may be."""

from typing import Any

import pytest

from shared.contracts.records import MACRO
from shared.domain.macro import MOST_VALUE, Observation
from shared.errors import DataError, QualityError


def observation(**changes: Any) -> Observation:
    fields: dict[str, Any] = {
        "series": "fred:DFII10",
        "date": "2024-05-24",
        "vintage": "2024-05-28",
        "value": 2.13,
        "unit": "percent",
        "source": "fred",
        "known_at_ns": 0,
    }
    return Observation(**(fields | changes))


@pytest.mark.parametrize("value", [None, 0.0, -0.5, MOST_VALUE, -MOST_VALUE])
def test_no_value_zero_and_negative_values_are_fine(value: float | None) -> None:
    assert observation(value=value).value == value


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"date": "2024-02-30"}, "implausible_date"),
        ({"date": "24-05-2024"}, "implausible_date"),
        ({"date": "2024-05-24T00:00:00Z"}, "implausible_date"),
        ({"date": "٢٠٢٤-05-24"}, "implausible_date"),
        ({"vintage": ""}, "implausible_date"),
        ({"vintage": "0000-01-01"}, "implausible_date"),
        ({"value": float("nan")}, "not_finite"),
        ({"value": float("-inf")}, "not_finite"),
        ({"value": 1e16}, "outside_range"),
        ({"value": -1e300}, "outside_range"),
        ({"known_at_ns": -1}, "implausible_instant"),
        ({"known_at_ns": 1 << 63}, "implausible_instant"),
    ],
)
def test_implausible_observation_is_refused_with_a_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(QualityError) as caught:
        observation(**changes)

    assert caught.value.reason == reason


def test_record_with_an_implausible_value_is_a_data_error() -> None:
    written = MACRO.encode(observation()).replace(b"2024-05-24", b"2024-05-99")

    with pytest.raises(DataError):
        MACRO.decode(written)
