"""The judge of a filled history: one life for each direction of each rule, judged close by close."""

from collections.abc import Iterable
from typing import Final

from services.signals.core.confirmed import Values
from services.signals.core.divergence.observation import DIRECTIONS, LEVEL_KINDS, observe
from services.signals.core.divergence.on_close import by_close
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState, Phase
from services.signals.core.statistics.regime import NEUTRAL, START, RegimeState, next_regime
from shared.domain.divergences import Direction, Kind, Transition

# No reading of a kind exceeds the size of its statistic: below the warning level there is nothing to read.
_STATISTICS: Final = {
    Kind.RATIO_STRETCH: "z_90",
    Kind.OPPOSITE_MOVES: "opposite_moves",
    Kind.CORRELATION_BREAK: "fisher_z",
    Kind.HEDGE_LOST: "corr_ci_60_low",
}
# The instants of a close stand in identities and cooldowns of early warnings; here there are neither.
_NO_INSTANT: Final = 0


class HistoryEvaluator:
    """Judge closes that were never live, with data that are never at fault.

    Parameters
    ----------
    rules
        Those in force; a fault of the data is none that closes can show.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = {rule.kind: rule for rule in rules}
        self._lives: dict[tuple[Kind, Direction], DivergenceState] = {
            (kind, direction): DivergenceState()
            for kind in LEVEL_KINDS
            if kind in self._rules
            for direction in DIRECTIONS[kind]
        }
        self._regime: RegimeState = START

    def __call__(self, session: str, values: Values) -> list[tuple[Kind, Direction]]:
        """Judge the next session and return what it opened."""
        opened = [key for key in self._lives if self._opens(key, session, values)]
        return opened if (change := self._regime_changes(values)) is None else [*opened, change]

    def _regime_changes(self, values: Values) -> tuple[Kind, Direction] | None:
        z, before = values["z_90"], self._regime.name or self._regime.suspended
        self._regime = next_regime(self._regime, z)
        now = self._regime.name
        # The first regime of a history is seen, not changed to; and a change to neutral claims nothing.
        if z is None or before is None or now in (before, NEUTRAL) or Kind.REGIME_CHANGE not in self._rules:
            return None
        return Kind.REGIME_CHANGE, Direction.RISK_OFF if z >= 0 else Direction.RISK_ON

    def _opens(self, key: tuple[Kind, Direction], session: str, values: Values) -> bool:
        rule, life = self._rules[key[0]], self._lives[key]
        if life.phase is Phase.IDLE and not life.cooldown_sessions_left and not life.recent_states:
            # So it is nearly always, and nothing would come of it.
            statistic = values[_STATISTICS[key[0]]]
            if statistic is None or abs(statistic) < rule.warning:
                return False
        reading = observe(rule, key[1], values)
        step = by_close(
            life,
            reading,
            session=session,
            close_ns=_NO_INSTANT,
            at_ns=_NO_INSTANT,
            rule=rule,
            new_sessions=1,
        )
        self._lives[key] = step.life
        return step.transition is Transition.OPEN
