"""What live prices do to one pair: its ratio stretch, decided provisionally, and when that is due again."""

from typing import Final

from services.signals.core.divergence import on_price
from services.signals.core.divergence.observation import sign_of
from services.signals.core.divergence.state import Decision, DivergenceState, Phase
from services.signals.core.engine_config import EngineConfig
from services.signals.core.pairs.deadband import EMPTY_DEADBAND, UNBOUNDED_DEADBAND, Ratios, deadband
from services.signals.core.pairs.effects import NOTHING, Effects, merge
from services.signals.core.pairs.pair_statistics import PairStatistics
from services.signals.core.pairs.transition_log import TransitionLog
from shared.domain.divergences import Confirmation, Direction, Kind
from shared.domain.instants import NS_PER_SECOND
from shared.domain.kinds import DIRECTIONS
from shared.domain.sessions import bar_final_at_ns

# By then the bars of a close should long have been known.
LATEST_BAR_NS: Final = 2 * 3_600 * NS_PER_SECOND
_RATIO: Final = Kind.RATIO_STRETCH
_DIRECTIONS: Final = DIRECTIONS[_RATIO]


class PriceEvaluator:
    """Evaluate the live ratio of one pair.

    Parameters
    ----------
    statistics
        The pair's.
    transitions
        Where its divergences are.
    config
        See `EngineConfig`.
    """

    def __init__(self, statistics: PairStatistics, transitions: TransitionLog, config: EngineConfig) -> None:
        self._statistics = statistics
        self._transitions = transitions
        self._rule = config.rule_of.get(_RATIO)
        self._calendar = config.calendar

    def evaluate(self, at_ns: int) -> Effects:
        """Evaluate the newest prices at an instant."""
        rule, z = self._rule, self._statistics.live_z()
        if rule is None or z is None:
            return NOTHING
        # When a price jumps from one side to the other, the old divergence ends before the new one opens.
        directions = sorted(_DIRECTIONS, key=lambda each: self._state(each).phase is not Phase.OPEN)
        return merge(
            [
                self._record(
                    direction,
                    on_price.decide_on_price(
                        self._state(direction), sign_of(direction) * z, at_ns=at_ns, rule=rule
                    ),
                    at_ns,
                )
                for direction in directions
            ]
        )

    def is_holding(self) -> bool:
        """Return whether a level is being held, which a stale feed would end."""
        return any(on_price.is_holding(self._state(direction)) for direction in _DIRECTIONS)

    def on_stale_feed(self, at_ns: int) -> Effects:
        """Stop every hold."""
        return merge(
            [
                self._record(direction, on_price.decide_on_stale_feed(self._state(direction)), at_ns)
                for direction in _DIRECTIONS
                if on_price.is_holding(self._state(direction))
            ]
        )

    def deadband(self) -> Ratios:
        """Return the ratios of the live prices between which no decision changes."""
        rule, base = self._rule, self._statistics.base
        if rule is None or base is None or self._statistics.legs.other_price() is None:
            return UNBOUNDED_DEADBAND
        z = self._statistics.live_z()
        if z is None:
            return EMPTY_DEADBAND
        states = [(sign_of(direction), self._state(direction)) for direction in _DIRECTIONS]
        for sign, state in states:
            # The next price decides something even if it is the same one: after a stale feed has ended a
            # hold, and when the windows were filled under a running price. The level is held, but no hold
            # has begun.
            if on_price.decide_on_price(state, sign * z, at_ns=0, rule=rule).state != state:
                return EMPTY_DEADBAND
        # Only the levels that this state listens to: a price that stays at another one goes on in bulk.
        levels = [sign * level for sign, state in states for level in on_price.price_levels(state, rule)]
        return deadband(z, levels=levels, base=base)

    # -- time ---------------------------------------------------------------------------------------------

    def next_deadline_ns(self) -> int | None:
        """Return when a hold ends or a provisional divergence expires; None when nothing is due."""
        due = [
            each
            for direction in _DIRECTIONS
            for each in (self._hold_ends_at_ns(direction), self._expires_at_ns(direction))
            if each is not None
        ]
        return min(due, default=None)

    def on_deadline(self, at_ns: int) -> Effects:
        """Do what is due at ``at_ns``, which is what `next_deadline_ns` returned."""
        return merge([self._on_deadline(direction, at_ns) for direction in _DIRECTIONS])

    def _on_deadline(self, direction: Direction, at_ns: int) -> Effects:
        rule, state = self._rule, self._state(direction)
        if rule is None:
            return NOTHING
        if self._expires_at_ns(direction) == at_ns:
            return self._record(direction, on_price.decide_on_expiry(state, rule), at_ns)
        if self._hold_ends_at_ns(direction) != at_ns:
            return NOTHING
        decision = on_price.decide_on_hold_end(
            state,
            at_ns=at_ns,
            price_ts_ns=self._statistics.legs.lead.last_price.ts_ns,
            rule=rule,
            is_inhibited=self._transitions.is_inhibited,
        )
        return self._record(direction, decision, at_ns)

    def _hold_ends_at_ns(self, direction: Direction) -> int | None:
        return None if self._rule is None else on_price.hold_ends_at_ns(self._state(direction), self._rule)

    def _expires_at_ns(self, direction: Direction) -> int | None:
        state = self._state(direction)
        if self._rule is None or state.phase is not Phase.OPEN or state.confirmed_severity is not None:
            return None
        labels = self._calendar.labels
        second = self._calendar.first_closing_at_or_after(state.opened_at_ns) + 1
        return bar_final_at_ns(labels[second]) + LATEST_BAR_NS if second < len(labels) else None

    def _state(self, direction: Direction) -> DivergenceState:
        return self._transitions.divergence(_RATIO, direction)

    def _record(self, direction: Direction, decision: Decision, at_ns: int) -> Effects:
        return self._transitions.record(
            _RATIO, direction, decision, at_ns=at_ns, confirmation=Confirmation.PROVISIONAL
        )
