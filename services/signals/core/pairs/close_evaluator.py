"""What a close does to one pair: it is compared with the levels of each kind, and with the regime."""

from typing import Final

from services.signals.core.confirmed import Values
from services.signals.core.divergence import on_close
from services.signals.core.divergence.going_back import decide_on_undone_opening, opened_after
from services.signals.core.divergence.state import Decision, Phase
from services.signals.core.engine_config import EngineConfig
from services.signals.core.kinds.regime_change import direction_of_change
from services.signals.core.kinds.registry import KINDS, LEVEL_KINDS, is_far_below, observe
from services.signals.core.pairs.effects import NOTHING, Effects, merge
from services.signals.core.pairs.pair_statistics import PairStatistics
from services.signals.core.pairs.transition_log import TransitionLog
from shared.domain.divergences import Confirmation, Direction, Kind
from shared.domain.kinds import DIRECTIONS
from shared.domain.sessions import missing_bar_at_ns

_REGIME_NUMBER: Final = {"RISK_ON": -1.0, "NEUTRAL": 0.0, "RISK_OFF": 1.0}


class CloseEvaluator:
    """Evaluate the newest session that both legs of a pair have.

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
    reported_regime
        The regime that was last reported, or first seen; None before the first.
    """

    def __init__(self, statistics: PairStatistics, transitions: TransitionLog, config: EngineConfig) -> None:
        self.reported_regime: str | None = None
        self._statistics = statistics
        self._transitions = transitions
        self._rule_of = config.rule_of
        self._calendar = config.calendar

    def start(self) -> None:
        """Take the regime at the end of a filled history as reported, so that it opens no regime change."""
        regime = self._statistics.regime
        self.reported_regime = regime.name or regime.suspended

    def evaluate(self, at_ns: int, *, new_sessions: int) -> Effects:
        """Evaluate the confirmed statistics at an instant.

        Parameters
        ----------
        new_sessions
            Sessions since the last evaluation, this one included; 0 when a known one is evaluated again.
        """
        session = self._statistics.session
        close_ns = self._calendar.close_of(session)
        expected_until_ns = self._expected_until_ns(session) if new_sessions > 0 else close_ns
        is_inhibited, values = self._transitions.is_inhibited, self._statistics.values
        parts: list[Effects] = []
        for kind in LEVEL_KINDS:
            rule, is_off = self._rule_of.get(kind, KINDS[kind].default_rule), kind not in self._rule_of
            if self._is_at_rest(kind) and is_far_below(rule, values):
                continue
            for direction in self._open_first(kind):
                state = self._transitions.divergence(kind, direction)
                # What was open when its kind was switched off still ends, at the published levels.
                if is_off and state.phase is not Phase.OPEN:
                    continue
                decision = on_close.decide_on_close(
                    state,
                    observe(rule, direction, values),
                    session=session,
                    close_ns=close_ns,
                    at_ns=at_ns,
                    rule=rule,
                    new_sessions=new_sessions,
                    expected_until_ns=expected_until_ns,
                    is_inhibited=is_inhibited or is_off,
                )
                parts.append(self._record(kind, direction, decision, at_ns))
        parts.append(self._evaluate_regime(at_ns, is_inhibited=is_inhibited))
        return merge(parts)

    def end_undone(self, at_ns: int) -> Effects:
        """End what closes have opened after an instant that event time goes back to."""
        parts: list[Effects] = []
        for kind, direction, state in self._transitions.known():
            rule = self._rule_of.get(kind)
            is_by_close = kind in LEVEL_KINDS and state.confirmed_severity is not None
            if rule is not None and is_by_close and opened_after(state, at_ns):
                parts.append(self._record(kind, direction, decide_on_undone_opening(state, rule), at_ns))
        return merge(parts)

    def restate(self, before: Values, at_ns: int) -> Effects:
        """Report again each confirmed divergence whose statistics a correction has changed.

        Parameters
        ----------
        before
            The confirmed statistics as they were.
        """
        parts: list[Effects] = []
        values = self._statistics.values
        for kind, direction, state in self._transitions.known():
            rule = self._rule_of.get(kind)
            if rule is None or kind not in LEVEL_KINDS:
                continue
            if state.phase is not Phase.OPEN or state.confirmed_severity is None:
                continue
            # The correction of a session outside the window changes nothing computed from the window.
            if observe(rule, direction, values) != observe(rule, direction, before):
                parts.append(self._record(kind, direction, on_close.restate(state), at_ns))
        return merge(parts)

    def _expected_until_ns(self, session: str) -> int:
        """Return until when early warnings were about a new session: until the other leg's close was known.

        From when on that is missing they are about the next one.
        """
        known_at_ns = self._statistics.legs.other.history.known_at_ns(session) or 0
        return max(self._calendar.close_of(session), min(known_at_ns, missing_bar_at_ns(session) - 1))

    def _evaluate_regime(self, at_ns: int, *, is_inhibited: bool) -> Effects:
        before, now = self.reported_regime, self._statistics.regime.name
        rule = self._rule_of.get(Kind.REGIME_CHANGE)
        if now is None or now == before:
            return NOTHING
        z = self._statistics.values.get("z_90")
        direction = direction_of_change(before, now, is_rich=z is not None and z >= 0)
        if before is None or rule is None or direction is None:
            self.reported_regime = now
            return NOTHING
        decisions = on_close.decide_on_change(
            self._transitions.divergence(Kind.REGIME_CHANGE, direction),
            onset=self._statistics.session,
            at_ns=at_ns,
            rule=rule,
            is_inhibited=is_inhibited,
        )
        values: Values = {"regime_before": _REGIME_NUMBER[before], "regime": _REGIME_NUMBER[now]}
        if not is_inhibited:
            self.reported_regime = now
        return merge(
            [self._record(Kind.REGIME_CHANGE, direction, each, at_ns, values=values) for each in decisions]
        )

    def _is_at_rest(self, kind: Kind) -> bool:
        divergence = self._transitions.divergence
        return all(divergence(kind, each).is_at_rest for each in DIRECTIONS[kind])

    def _open_first(self, kind: Kind) -> list[Direction]:
        # When a statistic changes sign at once, the open divergence ends before that of the other sign opens.
        divergence = self._transitions.divergence
        return sorted(DIRECTIONS[kind], key=lambda each: divergence(kind, each).phase is not Phase.OPEN)

    def _record(
        self, kind: Kind, direction: Direction, decision: Decision, at_ns: int, values: Values | None = None
    ) -> Effects:
        confirmed = Confirmation.CONFIRMED
        return self._transitions.record(
            kind, direction, decision, at_ns=at_ns, confirmation=confirmed, values=values
        )
