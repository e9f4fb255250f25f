"""Find the openings of a filled history: the state machine of each kind and direction, close by close."""

from collections.abc import Iterable
from typing import Final

from services.signals.core.confirmed import Values
from services.signals.core.divergence.on_close import decide_on_close
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState
from services.signals.core.kinds.registry import LEVEL_KINDS, is_far_below, observe
from services.signals.core.statistics.regime import NEUTRAL, START, RegimeState, next_regime
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.kinds import DIRECTIONS

# Instants matter only for identities and for early warnings; a filled history has neither.
_NO_INSTANT: Final = 0


class HistoryEvaluator:
    """Decide on the closes of a history, without live prices and without data faults.

    Parameters
    ----------
    rules
        The rules in force; that of data faults is ignored, because closes show none.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = {rule.kind: rule for rule in rules}
        self._states: dict[tuple[Kind, Direction], DivergenceState] = {
            (kind, direction): DivergenceState()
            for kind in LEVEL_KINDS
            if kind in self._rules
            for direction in DIRECTIONS[kind]
        }
        self._regime: RegimeState = START

    def __call__(self, session: str, values: Values) -> list[tuple[Kind, Direction]]:
        """Decide on the next session and return what it opened."""
        opened = [key for key in self._states if self._opens(key, session, values)]
        return opened if (change := self._regime_changes(values)) is None else [*opened, change]

    def _regime_changes(self, values: Values) -> tuple[Kind, Direction] | None:
        z, before = values["z_90"], self._regime.name or self._regime.suspended
        self._regime = next_regime(self._regime, z)
        now = self._regime.name
        # The first regime of a history is not a change; and a change to neutral has no claim.
        if z is None or before is None or now in (before, NEUTRAL) or Kind.REGIME_CHANGE not in self._rules:
            return None
        return Kind.REGIME_CHANGE, Direction.RISK_OFF if z >= 0 else Direction.RISK_ON

    def _opens(self, key: tuple[Kind, Direction], session: str, values: Values) -> bool:
        rule, state = self._rules[key[0]], self._states[key]
        if state.is_at_rest and is_far_below(rule, values):
            return False
        decision = decide_on_close(
            state,
            observe(rule, key[1], values),
            session=session,
            close_ns=_NO_INSTANT,
            at_ns=_NO_INSTANT,
            rule=rule,
            new_sessions=1,
        )
        self._states[key] = decision.state
        return decision.transition is Transition.OPEN
