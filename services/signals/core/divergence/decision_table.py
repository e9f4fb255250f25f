"""Decision tables as data: rows of situation, condition and move, and the step that reads them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.signals.core.divergence.state import Decision, Situation

Input = TypeVar("Input")


@dataclass(frozen=True, slots=True)
class Row(Generic[Input]):
    """One row of a decision table.

    Parameters
    ----------
    situations
        The situations in which the row applies.
    condition
        A test of the input. The rows are tried in order, and the first whose condition holds decides.
    move
        The decision to make then.
    """

    situations: tuple[Situation, ...]
    condition: Callable[[Input], bool]
    move: Callable[[Input], Decision]


class DecisionTable(Generic[Input]):
    """Rows by situation, and the step that reads them.

    Parameters
    ----------
    rows
        In the order in which they are tried.
    """

    def __init__(self, *rows: Row[Input]) -> None:
        self.rows = rows
        self._by_situation = {
            situation: tuple((row.condition, row.move) for row in rows if situation in row.situations)
            for situation in Situation
        }

    def decide(self, situation: Situation, given: Input) -> Decision:
        """Return the decision of the situation's first row whose condition holds."""
        for condition, move in self._by_situation[situation]:
            if condition(given):
                return move(given)
        raise AssertionError(f"no condition holds for {given}")
