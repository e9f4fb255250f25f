"""Decide the data faults of one pair, and when to evaluate again what they held back."""

from services.signals.core.confirmed import Values
from services.signals.core.divergence import on_data_fault
from services.signals.core.divergence.state import Decision, DivergenceState, Phase
from services.signals.core.engine_config import EngineConfig
from services.signals.core.pairs.effects import NOTHING, Effects, merge
from services.signals.core.pairs.pair_statistics import PairStatistics
from services.signals.core.pairs.transition_log import TransitionLog
from shared.domain.bars import Bar
from shared.domain.divergences import Confirmation, Direction, Kind
from shared.domain.kinds import DIRECTIONS

_FAULT = Kind.DATA_FAULT


class FaultEvaluator:
    """Evaluate whether the data of a pair's legs can be trusted.

    Parameters
    ----------
    statistics
        The pair's.
    transitions
        Its divergences.
    config
        See `EngineConfig`.

    Attributes
    ----------
    needs_reevaluation
        Whether the last fault is over and what it held back has not been evaluated again yet.
    """

    def __init__(self, statistics: PairStatistics, transitions: TransitionLog, config: EngineConfig) -> None:
        self.needs_reevaluation = False
        self._statistics = statistics
        self._transitions = transitions
        self._rule = config.rule_of.get(_FAULT)

    def evaluate(self, leg: Direction, at_ns: int) -> Effects:
        """Evaluate the data quality of a leg after it has changed."""
        if self._rule is None:
            return NOTHING
        was_inhibited = self._transitions.is_inhibited
        quality = self._statistics.legs.of(leg).data_quality
        decision = on_data_fault.decide_on_data_fault(
            self._state(leg), quality.is_at_fault, at_ns=at_ns, rule=self._rule
        )
        effects = self._record(leg, decision, at_ns)
        self.needs_reevaluation |= was_inhibited and not self._transitions.is_inhibited
        return effects

    def on_correction(self, leg: Direction, before: Bar, now: Bar, at_ns: int) -> Effects:
        """Report that a known close was corrected, as a data fault that opens and closes at one instant."""
        if self._rule is None or self._state(leg).phase is Phase.OPEN:
            return NOTHING
        values: Values = {"revised_from": before.close, "revised_to": now.close}
        decisions = on_data_fault.decide_on_correction(self._state(leg), at_ns=at_ns, rule=self._rule)
        return merge([self._record(leg, each, at_ns, values=values) for each in decisions])

    def next_deadline_ns(self) -> int | None:
        """Return when a fault that is open only because it flaps will end; None when there is none."""
        if self._rule is None:
            return None
        due = [on_data_fault.settled_at_ns(self._state(leg)) for leg in DIRECTIONS[_FAULT]]
        return min((each for each in due if each is not None), default=None)

    def on_deadline(self, at_ns: int) -> Effects:
        """Do what is due at ``at_ns``, the time that `next_deadline_ns` returned."""
        parts: list[Effects] = []
        for leg in DIRECTIONS[_FAULT]:
            state = self._state(leg)
            if self._rule is not None and on_data_fault.settled_at_ns(state) == at_ns:
                decision = on_data_fault.decide_on_settled(state, at_ns=at_ns, rule=self._rule)
                parts.append(self._record(leg, decision, at_ns))
                self.needs_reevaluation = True
        return merge(parts)

    def _state(self, leg: Direction) -> DivergenceState:
        return self._transitions.divergence(_FAULT, leg)

    def _record(
        self, leg: Direction, decision: Decision, at_ns: int, values: Values | None = None
    ) -> Effects:
        confirmed = Confirmation.CONFIRMED
        return self._transitions.record(
            _FAULT, leg, decision, at_ns=at_ns, confirmation=confirmed, values=values
        )
