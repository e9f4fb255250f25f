"""What live prices do to one pair: its provisional ratio stretch, and the deadlines of that divergence.

They decide by the likely z of the next close: the one that it reaches or exceeds with the rule's probability.
"""

from typing import Final

from services.signals.core.divergence import on_price
from services.signals.core.divergence.going_back import decide_on_undone_opening, opened_after
from services.signals.core.divergence.observation import sign_of
from services.signals.core.divergence.on_price import decide_on_price
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import NEVER_OPENED, Decision, DivergenceState, Phase
from services.signals.core.engine_config import EngineConfig
from services.signals.core.pairs.deadband import EMPTY_DEADBAND, UNBOUNDED_DEADBAND, Ratios, deadband
from services.signals.core.pairs.effects import NOTHING, Effects, merge
from services.signals.core.pairs.pair_statistics import PairStatistics
from services.signals.core.pairs.transition_log import TransitionLog
from services.signals.core.statistics.next_close import NextClose, margin_of
from shared.domain.divergences import Confirmation, Direction, Kind
from shared.domain.kinds import DIRECTIONS
from shared.domain.sessions import missing_bar_at_ns

_RATIO: Final = Kind.RATIO_STRETCH
_SIGNS: Final = tuple((direction, sign_of(direction)) for direction in DIRECTIONS[_RATIO])
_Side = tuple[Direction, float, DivergenceState]


class PriceEvaluator:
    """Evaluate the live ratio of one pair.

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
    is_near
        Whether time alone can bring a level to the price before the next close, as of the last `deadband`.
    """

    def __init__(self, statistics: PairStatistics, transitions: TransitionLog, config: EngineConfig) -> None:
        self._statistics = statistics
        self._transitions = transitions
        self._rule = config.rule_of.get(_RATIO)
        self._calendar = config.calendar
        self.is_near = False
        self._margin = 0.0 if self._rule is None else margin_of(self._rule.probability)
        # By which likely z the states were decided last, and what they became.
        self._decided: tuple[tuple[float, ...], list[DivergenceState]] | None = None

    def evaluate(self, at_ns: int) -> Effects:
        """Evaluate the newest prices at an instant."""
        rule, ratio = self._rule, self._statistics.legs.live_ratio()
        if rule is None or ratio is None or (ahead := self._statistics.next_close()) is None:
            return NOTHING
        likely = self._likely(ahead, ratio)
        # When z changes sign at once, the open divergence ends before that of the other sign opens.
        sides = sorted(zip(self._sides(), likely, strict=True), key=_is_not_open)
        effects = merge(
            [
                self._record(direction, decide_on_price(state, x, at_ns=at_ns, rule=rule), at_ns)
                for (direction, _, state), x in sides
            ]
        )
        self._decided = likely, [state for _, _, state in self._sides()]
        return effects

    def is_holding(self) -> bool:
        """Return whether a level is being held, which a stale feed would end."""
        return any(on_price.is_holding(state) for _, _, state in self._sides())

    def on_stale_feed(self, at_ns: int) -> Effects:
        """Stop every hold."""
        return merge(
            [
                self._record(direction, on_price.decide_on_stale_feed(state), at_ns)
                for direction, _, state in self._sides()
                if on_price.is_holding(state)
            ]
        )

    def end_undone(self, at_ns: int) -> Effects:
        """End the early warnings that opened after an instant that event time goes back to."""
        rule = self._rule
        if rule is None:
            return NOTHING
        return merge(
            [
                self._record(direction, decide_on_undone_opening(state, rule), at_ns)
                for direction, _, state in self._sides()
                if opened_after(state, at_ns) and state.confirmed_severity is None
            ]
        )

    def deadband(self) -> Ratios:
        """Return the ratios of the live prices between which no decision changes.

        If a level could come to the price before the next close, that holds until the clock's next step;
        else until the close.
        """
        self.is_near = False
        rule, statistics = self._rule, self._statistics
        if rule is None or not statistics.has_next_close:
            return UNBOUNDED_DEADBAND
        ratio = statistics.legs.live_ratio()
        if ratio is None or (ahead := statistics.next_close()) is None:
            return EMPTY_DEADBAND
        sides, likely = self._sides(), self._likely(ahead, ratio)
        if not self._is_decided(likely, sides):
            for (_, _, state), x in zip(sides, likely, strict=True):
                # The price is beyond a level but no hold has begun: a stale feed ended it, the windows were
                # filled after the price came, or less of the session is to come. Then the next price starts
                # a hold even if it is the same price.
                decided = decide_on_price(state, x, at_ns=0, rule=rule).state
                if decided is not state and decided != state:
                    return EMPTY_DEADBAND
        # Only the levels that matter in this state: ticks around any other are skipped in bulk.
        levels = list[tuple[float, float]]()
        # The less is to come, the smaller the spread: each level moves from here to there and not back.
        at_close = self._likely(ahead._replace(spread=ahead.least_spread), ratio)
        for (_, sign, state), x, last in zip(sides, likely, at_close, strict=True):
            for level in on_price.price_levels(state, rule):
                levels.append((sign, level))
                self.is_near |= (x >= level) != (last >= level)
        return deadband(
            ratio, levels=levels, ahead=ahead, margin=self._margin, is_until_close=not self.is_near
        )

    def _likely(self, ahead: NextClose, ratio: float) -> tuple[float, ...]:
        """Return what each direction is decided by."""
        return tuple(ahead.likely(ratio, sign=sign, margin=self._margin) for _, sign in _SIGNS)

    def _is_decided(self, likely: tuple[float, ...], sides: list[_Side]) -> bool:
        """Return whether the states are those that these values left: to decide again changes nothing."""
        if self._decided is None or self._decided[0] != likely:
            return False
        return all(state is known for (_, _, state), known in zip(sides, self._decided[1], strict=True))

    # -- time ---------------------------------------------------------------------------------------------

    def next_deadline_ns(self) -> int | None:
        """Return when a hold ends or a provisional divergence expires; None when nothing is due."""
        rule = self._rule
        if rule is None:
            return None
        due = [
            each
            for _, _, state in self._sides()
            if state is not NEVER_OPENED
            for each in (on_price.hold_ends_at_ns(state, rule), self._expires_at_ns(state))
            if each is not None
        ]
        return min(due, default=None)

    def on_deadline(self, at_ns: int) -> Effects:
        """Do what is due at ``at_ns``, the time that `next_deadline_ns` returned."""
        rule = self._rule
        if rule is None:
            return NOTHING
        return merge(
            [self._on_deadline(direction, state, at_ns, rule) for direction, _, state in self._sides()]
        )

    def _on_deadline(self, direction: Direction, state: DivergenceState, at_ns: int, rule: Rule) -> Effects:
        if self._expires_at_ns(state) == at_ns:
            return self._record(direction, on_price.decide_on_expiry(state, rule), at_ns)
        if on_price.hold_ends_at_ns(state, rule) != at_ns:
            return NOTHING
        decision = on_price.decide_on_hold_end(
            state,
            at_ns=at_ns,
            price_ts_ns=self._statistics.legs.lead.last_price.ts_ns,
            rule=rule,
            is_inhibited=self._transitions.is_inhibited,
        )
        return self._record(direction, decision, at_ns)

    def _expires_at_ns(self, state: DivergenceState) -> int | None:
        if state.phase is not Phase.OPEN or state.confirmed_severity is not None:
            return None
        labels = self._calendar.labels
        second = self._calendar.first_closing_at_or_after(state.opened_at_ns) + 1
        return missing_bar_at_ns(labels[second]) if second < len(labels) else None

    def _sides(self) -> list[_Side]:
        known = self._transitions.divergences
        return [(direction, sign, known.get((_RATIO, direction), NEVER_OPENED)) for direction, sign in _SIGNS]

    def _record(self, direction: Direction, decision: Decision, at_ns: int) -> Effects:
        return self._transitions.record(
            _RATIO, direction, decision, at_ns=at_ns, confirmation=Confirmation.PROVISIONAL
        )


def _is_not_open(side: tuple[_Side, float]) -> bool:
    return side[0][2].phase is not Phase.OPEN
