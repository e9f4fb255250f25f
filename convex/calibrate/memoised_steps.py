"""A state machine that is asked only once about each state and symbol, and answers from memory after that.

The engine's decisions at a close depend on few things: which levels the statistic has reached, and the state
before. Over thousands of years of synthetic closes the same questions come again and again. So the closes are
turned into symbols, and the engine is asked about a state and a symbol when they meet for the first time.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

State = TypeVar("State")


class MemoisedSteps(Generic[State]):
    """The answers of a state machine so far.

    Parameters
    ----------
    start
        The state in which every path begins.
    step
        Returns the state after a symbol, and whether something opened. The same arguments must give the same
        answer.
    key_of
        Returns what later answers depend on; states with equal keys are taken as one.
    symbols
        How many there are; a symbol is a number below it.
    """

    def __init__(
        self,
        start: State,
        step: Callable[[State, int], tuple[State, bool]],
        *,
        key_of: Callable[[State], Hashable],
        symbols: int,
    ) -> None:
        self._step = step
        self._key_of = key_of
        self._symbols = symbols
        self._states: list[State] = [start]
        self._numbers: dict[Hashable, int] = {key_of(start): 0}
        # By state number times symbols plus symbol: twice the number of the next state, plus 1 if it opened.
        self._answers: dict[int, int] = {}

    def opened_at(self, path: bytes, *, may_open: bytes) -> list[int]:
        """Return the closes at which something opens, ascending.

        Parameters
        ----------
        path
            A symbol for each close.
        may_open
            1 for each close whose symbol may take a path out of the state in which it began, else 0: in that
            state all others are skipped.
        """
        answers, symbols = self._answers, self._symbols
        opened: list[int] = []
        start = may_open.find(1)
        while start >= 0:
            number = 0
            for at in range(start, len(path)):
                key = number * symbols + path[at]
                answer = answers.get(key)
                if answer is None:
                    answer = self._ask(key)
                number = answer >> 1
                if answer & 1:
                    opened.append(at)
                if not number:
                    break
            start = may_open.find(1, at + 1)
        return opened

    def _ask(self, key: int) -> int:
        number, symbol = divmod(key, self._symbols)
        state, has_opened = self._step(self._states[number], symbol)
        after = self._numbers.setdefault(self._key_of(state), len(self._states))
        if after == len(self._states):
            self._states.append(state)
        self._answers[key] = answer = 2 * after + has_opened
        return answer
