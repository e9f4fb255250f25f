"""The decision tables are whole: each situation has an answer, and no row is out of reach."""

from typing import Any

import pytest

from services.signals.core.divergence import on_close, on_data_fault, on_price
from services.signals.core.divergence.decision_table import DecisionTable, Row
from services.signals.core.divergence.state import (
    Decision,
    DivergenceState,
    Situation,
    keep,
    situation_of,
)

_TABLES = (on_close.TABLE, on_price.PRICE_TABLE, on_price.HOLD_TABLE, on_data_fault.TABLE)


@pytest.mark.parametrize("table", [on_close.TABLE, on_price.PRICE_TABLE], ids=["close", "price"])
def test_closes_and_prices_have_an_answer_in_every_situation(table: DecisionTable[Any]) -> None:
    assert {situation for row in table.rows for situation in row.situations} == set(Situation)


@pytest.mark.parametrize("table", _TABLES)
def test_only_the_last_row_of_a_situation_holds_always(table: DecisionTable[Any]) -> None:
    for situation in {each for row in table.rows for each in row.situations}:
        conditions = [row.condition.__name__ for row in table.rows if situation in row.situations]

        assert "always" not in conditions[:-1]
        assert conditions[-1] == "always" or situation is Situation.IDLE


def test_first_row_that_holds_decides() -> None:
    def count(reason: str) -> Decision:
        return Decision(state=DivergenceState(onset=reason))

    table: DecisionTable[float] = DecisionTable(
        Row((Situation.IDLE,), lambda x: x < 0, lambda _: count("negative")),
        Row((Situation.IDLE,), lambda x: x < 1, lambda _: count("small")),
        Row((Situation.IDLE,), lambda _: True, lambda _: count("large")),
    )

    decided = [table.decide(Situation.IDLE, x).state.onset for x in (-1, 0, 1)]

    assert decided == ["negative", "small", "large"]


def test_situation_without_a_row_is_our_own_error() -> None:
    table: DecisionTable[float] = DecisionTable(
        Row((Situation.IDLE,), lambda _: False, lambda _: keep(DivergenceState()))
    )

    for situation in (Situation.IDLE, Situation.PENDING):
        with pytest.raises(AssertionError, match="no condition holds"):
            table.decide(situation, 1.0)


def test_state_that_was_never_changed_is_idle() -> None:
    assert situation_of(DivergenceState()) is Situation.IDLE
