"""The decisions that the engine made, as it made them: the newest of each rule, and those near an instant."""

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

from services.signals.core.divergence.state import Decision, DivergenceState, Phase, Suppressed
from services.signals.core.pairs.effects import Effects
from services.signals.core.pairs.pair_monitor import PairMonitor
from services.signals.core.pairs.transition_log import Recorded
from shared.domain.divergences import Confirmation, Direction, DivergenceEvent, Kind, Transition
from shared.domain.instants import parse_rfc3339

# Enough for a day of prices around a level; older ones are forgotten and counted.
_KEPT: Final = 400
_OWN_REASONS: Final = frozenset(each.value for each in Suppressed)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseDecision:
    """The decision of one rule and direction by a close.

    Parameters
    ----------
    session
        The newest session that both legs had.
    before
        The state that it was made on.
    is_inhibited
        A leg's data were at fault.
    """

    session: str
    before: DivergenceState
    decision: Decision
    at_ns: int
    is_inhibited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A time for which the live price held a level, and how it ended.

    Parameters
    ----------
    until_ns
        When it ended.
    ended_by
        ``opened``, ``price`` (it went below the level), ``stale``, ``inhibited`` or ``cooldown``.
    """

    direction: Direction
    since_ns: int
    until_ns: int
    ended_by: str


class Decisions:
    """What a pair's engine decides, kept as far as an answer needs it.

    Parameters
    ----------
    monitor
        The pair; from now on it reports its decisions here.
    since_ns
        From when on holds and unused input are kept.
    """

    def __init__(self, monitor: PairMonitor, *, since_ns: int) -> None:
        self._monitor = monitor
        self._since_ns = since_ns
        self.of_close: dict[tuple[Kind, Direction], CloseDecision] = {}
        self.holds: deque[Hold] = deque(maxlen=_KEPT)
        self.unused: Counter[str] = Counter()
        self.opened: dict[tuple[Kind, Direction], DivergenceEvent] = {}
        self.newest: dict[tuple[Kind, Direction], DivergenceEvent] = {}
        self.near: list[DivergenceEvent] = []
        monitor.transitions.on_record = self._take

    def take_effects(self, effects: Effects, *, at_ns: int) -> None:
        """Keep the events of a record, and count the input that was not used."""
        for event in effects.events:
            key = (event.kind, event.direction)
            self.newest[key] = event
            if event.type is Transition.OPEN:
                self.opened[key] = event
            if parse_rfc3339(event.occurred_at) >= self._since_ns:
                self.near.append(event)
        if at_ns >= self._since_ns:
            for reason, count in effects.suppressed.items():
                if reason not in _OWN_REASONS:
                    self.unused[reason] += count
            if effects.late_ticks:
                self.unused["tick_late"] += effects.late_ticks

    def _take(self, recorded: Recorded) -> None:
        if recorded.confirmation is Confirmation.CONFIRMED:
            if recorded.kind is not Kind.DATA_FAULT:
                self.of_close[recorded.kind, recorded.direction] = CloseDecision(
                    session=self._monitor.statistics.session,
                    before=recorded.before,
                    decision=recorded.decision,
                    at_ns=recorded.at_ns,
                    is_inhibited=self._monitor.transitions.is_inhibited,
                )
            return
        before, decision = recorded.before, recorded.decision
        if before.phase is not Phase.PENDING or before.warning_since_ns is None:
            return
        is_muted = decision.state.is_muted and not before.is_muted
        if (decision.state.phase is Phase.PENDING and not is_muted) or recorded.at_ns < self._since_ns:
            return
        self.holds.append(
            Hold(
                direction=recorded.direction,
                since_ns=before.warning_since_ns,
                until_ns=recorded.at_ns,
                ended_by="opened"
                if decision.transition is Transition.OPEN
                else (decision.suppressed.value if decision.suppressed is not None else "price"),
            )
        )
