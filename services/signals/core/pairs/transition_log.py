"""One pair's divergences; each reported transition becomes an event with the pair's next number."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from services.signals.core.confirmed import Values
from services.signals.core.divergence.going_back import undone_after
from services.signals.core.divergence.state import NEVER_OPENED, Decision, DivergenceState, Phase
from services.signals.core.engine_config import EngineConfig
from services.signals.core.kinds.registry import KINDS
from services.signals.core.legs.quarantine import quarantine_values
from services.signals.core.outcomes.history_evaluator import HistoryEvaluator
from services.signals.core.outcomes.outcome_book import OutcomeBook
from services.signals.core.outcomes.scoring import last_closed
from services.signals.core.pairs.decision_context import (
    DecisionContext,
    context_of_close,
    context_of_fault,
    context_of_price,
)
from services.signals.core.pairs.effects import NOTHING, Effects, merge, suppress
from services.signals.core.pairs.event import build_event
from services.signals.core.pairs.pair_statistics import PairStatistics
from shared.domain.divergences import Confirmation, Direction, Kind, Transition
from shared.domain.instants import NS_PER_SECOND
from shared.domain.kinds import DIRECTIONS
from shared.domain.pairs import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A decision as it was recorded.

    Parameters
    ----------
    before
        The state that it was made on.
    """

    kind: Kind
    direction: Direction
    before: DivergenceState
    decision: Decision
    at_ns: int
    confirmation: Confirmation


class TransitionLog:
    """The state of each divergence of a pair, and the events of its transitions.

    Parameters
    ----------
    pair
        The pair.
    statistics
        Its statistics, which the events show.
    config
        See `EngineConfig`.

    Attributes
    ----------
    divergences
        By kind and direction; an absent one has never opened or held a level.
    sequence
        Number of the last event.
    outcomes
        What followed each opening.
    dirty
        That the pair's last checkpoint no longer holds: one value for all who say it of the pair, for there
        are thousands of pairs.
    on_record
        Called with each decision before its state is kept; None, as in the service, for nobody.
    """

    def __init__(self, pair: Pair, statistics: PairStatistics, config: EngineConfig) -> None:
        self.divergences: dict[tuple[Kind, Direction], DivergenceState] = {}
        self.sequence = 0
        self.on_record: Callable[[Recorded], None] | None = None
        self.outcomes = OutcomeBook(lambda: HistoryEvaluator(config.rules), statistics.band)
        self._pair = pair
        self._statistics = statistics
        self._config = config
        self.dirty = Effects(dirty=frozenset((pair.name,)))

    def divergence(self, kind: Kind, direction: Direction) -> DivergenceState:
        """Return the state of one divergence."""
        return self.divergences.get((kind, direction), NEVER_OPENED)

    def known(self) -> list[tuple[Kind, Direction, DivergenceState]]:
        """Return the divergences that have a state, in the fixed order of kinds and directions."""
        return [
            (kind, direction, state)
            for kind, directions in DIRECTIONS.items()
            for direction in directions
            if (state := self.divergences.get((kind, direction))) is not None
        ]

    @property
    def is_inhibited(self) -> bool:
        """Return whether a leg's data are at fault, so that nothing opens on them.

        A fault that was open when its rule was switched off would never end, so it does not count.
        """
        return Kind.DATA_FAULT in self._config.rule_of and any(
            self.divergence(Kind.DATA_FAULT, leg).phase is Phase.OPEN
            for leg in (Direction.LEAD, Direction.OTHER)
        )

    def record(
        self,
        kind: Kind,
        direction: Direction,
        decision: Decision,
        *,
        at_ns: int,
        confirmation: Confirmation,
        values: Values | None = None,
    ) -> Effects:
        """Keep the state after a decision; return what it suppressed and what it reports.

        Parameters
        ----------
        values
            What the event shows besides the statistics of its kind.
        """
        # The start or the end of a hold makes the pair dirty but asks for no checkpoint: at a threshold that
        # would be one a tick, and it can be found again from the log.
        state = self.divergence(kind, direction)
        if decision.transition is not None and decision.transition.is_final:
            decision = replace(decision, state=replace(decision.state, ended_at_ns=at_ns))
        if self.on_record is not None:
            self.on_record(
                Recorded(
                    kind=kind,
                    direction=direction,
                    before=state,
                    decision=decision,
                    at_ns=at_ns,
                    confirmation=confirmation,
                )
            )
        is_new = decision.state is not state and decision.state != state
        if is_new:
            self.divergences[kind, direction] = decision.state
        effects = self.dirty if is_new else NOTHING
        if decision.suppressed is not None:
            effects = merge((effects, suppress(decision.suppressed.value)))
        transition, reported = decision.transition, decision.reported
        if transition is None or reported is None:
            return effects
        # A change to neutral has no claim, so it is not scored.
        if transition is Transition.OPEN and (values or {}).get("regime") != 0.0:
            newest = self._statistics.session
            closed = last_closed(at_ns, calendar=self._config.calendar, newest=newest) if newest else ""
            self.outcomes.opened(kind, direction, session=closed)
        self.sequence += 1
        context = self._context(kind, direction, transition, reported, at_ns, confirmation)
        if kind is Kind.DATA_FAULT and values is None:
            values = quarantine_values(self._statistics.legs.of(direction))
        event = build_event(
            pair=self._pair,
            # A divergence whose kind was switched off ends at the published levels.
            rule=self._config.rule_of.get(kind, KINDS[kind].default_rule),
            direction=direction,
            transition=transition,
            state=reported,
            confirmation=confirmation,
            sequence=self.sequence,
            at_ns=at_ns,
            context=context if values is None else replace(context, values=values | context.values),
            hedge=self._statistics.hedge,
            confirmed=self._statistics.values,
            config=self._config,
        )
        name = self.dirty.dirty
        return merge((effects, Effects(events=(event,), changed=name, dirty=name)))

    def undo_after(self, at_ns: int) -> None:
        """Take back what is after an instant, because event time was too far; report nothing."""
        for key, state in self.divergences.items():
            self.divergences[key] = undone_after(state, at_ns)
        self.outcomes.undo_after(at_ns, self._config.calendar)

    def _context(
        self,
        kind: Kind,
        direction: Direction,
        transition: Transition,
        state: DivergenceState,
        at_ns: int,
        confirmation: Confirmation,
    ) -> DecisionContext:
        if kind is Kind.DATA_FAULT:
            quality = self._statistics.legs.of(direction).data_quality
            values: dict[str, float | None] = {
                cause: (at_ns - since_ns) / NS_PER_SECOND
                for cause, since_ns in quality.active_since_ns.items()
            }
            if not values:
                values = {"lasted_seconds": (at_ns - state.opened_at_ns) / NS_PER_SECOND}
            return context_of_fault(self._statistics, values, at_ns=at_ns)
        if confirmation is Confirmation.PROVISIONAL:
            rule = self._config.rule_of[kind]
            level = rule.critical if transition is Transition.ESCALATED else rule.warning
            return context_of_price(self._statistics, rule, direction, level=level, at_ns=at_ns)
        return context_of_close(self._statistics, kind, at_ns=at_ns)
