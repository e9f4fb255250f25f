"""One pair's divergences, and how a step of one becomes an event with the pair's next number."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from services.signals.core.confirmed import Values
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Decision, DivergenceState, Phase
from services.signals.core.legs.leg import Leg
from services.signals.core.outcomes.judging import HistoryEvaluator
from services.signals.core.outcomes.outcome_book import OutcomeBook
from services.signals.core.pairs.decision_context import (
    DecisionContext,
    context_of_close,
    context_of_fault,
    context_of_price,
)
from services.signals.core.pairs.effects import Effects
from services.signals.core.pairs.event import build_event
from services.signals.core.pairs.pair_statistics import PairStatistics
from shared.domain.divergences import Confirmation, Direction, Kind, Transition
from shared.domain.instants import NS_PER_SECOND
from shared.domain.kinds import DIRECTIONS
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar

_UNBORN = DivergenceState()


class TransitionLog(PairStatistics):
    """What a pair has said, and how it says the next thing.

    Parameters
    ----------
    pair, lead, other, calendar
        See `PairStatistics`.
    rules
        When to speak; a kind without a rule is silent.
    code_version
        Stands in the evidence of each event.
    false_alarms
        Openings a year by chance, by pair and rule version.

    Attributes
    ----------
    divergences
        By kind and direction; one that is not there has never begun.
    sequence
        Number of the last event.
    outcomes
        What followed each opening.
    """

    def __init__(
        self,
        pair: Pair,
        lead: Leg,
        other: Leg,
        *,
        rules: Iterable[Rule],
        calendar: SessionCalendar,
        code_version: str,
        false_alarms: Mapping[tuple[str, str], float],
    ) -> None:
        super().__init__(pair, lead, other, calendar=calendar)
        self.rules = {rule.kind: rule for rule in rules}
        self.divergences: dict[tuple[Kind, Direction], DivergenceState] = {}
        self.sequence = 0
        self.outcomes = OutcomeBook(lambda: HistoryEvaluator(self.rules.values()))
        self._code_version = code_version
        self._false_alarms = false_alarms

    def life(self, kind: Kind, direction: Direction) -> DivergenceState:
        """Return the state of one fingerprint."""
        return self.divergences.get((kind, direction), _UNBORN)

    def remember(self) -> None:
        """Compute now what is asked for after the legs have changed, and means how they were."""
        super().remember()
        self.outcomes.settle(self.align)

    def begun(self) -> list[tuple[Kind, Direction, DivergenceState]]:
        """Return the divergences that have begun, in an order that does not depend on which began first."""
        return [
            (kind, direction, life)
            for kind, directions in DIRECTIONS.items()
            for direction in directions
            if (life := self.divergences.get((kind, direction))) is not None
        ]

    @property
    def is_inhibited(self) -> bool:
        """Tell whether a leg's data are at fault, so that nothing opens on them.

        A fault that was open when its rule was switched off has no end, and holds nothing back.
        """
        return Kind.DATA_FAULT in self.rules and any(
            self.life(Kind.DATA_FAULT, leg).phase is Phase.OPEN for leg in (Direction.LEAD, Direction.OTHER)
        )

    def record_transition(
        self,
        kind: Kind,
        direction: Direction,
        step: Decision,
        *,
        at_ns: int,
        confirmation: Confirmation,
        effects: Effects,
        values: Values | None = None,
    ) -> None:
        """Keep a step's state, count what it suppressed and tell what it tells.

        Parameters
        ----------
        values
            What the event says besides the statistics of its kind.
        """
        # No checkpoint for a level that begins or ends to be held: it would be one per tick at a threshold,
        # and the log tells it again.
        if step.state != self.life(kind, direction):
            self.divergences[kind, direction] = step.state
            self.is_dirty = True
        if step.suppressed is not None:
            effects.suppressed[step.suppressed.value] += 1
        if step.transition is None or step.reported is None:
            return
        # A change to neutral claims nothing that could be scored.
        if step.transition is Transition.OPEN and (values or {}).get("regime") != 0.0:
            self.outcomes.opened(kind, direction, session=self.session)
        self.sequence += 1
        effects.changed.add(self.pair.name)
        grounds = self._grounds(kind, direction, step.reported, at_ns, confirmation)
        effects.events.append(
            build_event(
                pair=self.pair,
                rule=self.rules[kind],
                direction=direction,
                transition=step.transition,
                life=step.reported,
                confirmation=confirmation,
                sequence=self.sequence,
                at_ns=at_ns,
                grounds=grounds if values is None else replace(grounds, values=values | grounds.values),
                hedge=self.hedge,
                confirmed=self.values,
                false_alarms=self._false_alarms,
                code_version=self._code_version,
            )
        )

    def _grounds(
        self, kind: Kind, direction: Direction, life: DivergenceState, at_ns: int, confirmation: Confirmation
    ) -> DecisionContext:
        if kind is Kind.DATA_FAULT:
            quality = (self.lead if direction is Direction.LEAD else self.other).data_quality
            values: dict[str, float | None] = {
                cause: (at_ns - since_ns) / NS_PER_SECOND
                for cause, since_ns in quality.active_since_ns.items()
            }
            if not values:
                values = {"lasted_seconds": (at_ns - life.opened_at_ns) / NS_PER_SECOND}
            return context_of_fault(self, values, at_ns=at_ns)
        if confirmation is Confirmation.PROVISIONAL:
            return context_of_price(self, at_ns=at_ns)
        return context_of_close(self, kind, at_ns=at_ns)
