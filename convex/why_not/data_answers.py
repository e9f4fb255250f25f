"""Whether the data of each leg could be trusted: the gate of ``data_fault``, which holds back all others."""

from convex.why_not.close_answers import facts_of_state
from convex.why_not.decisions import Decisions
from convex.why_not.gate import Answer, By, Gate
from services.signals.core.divergence.state import Phase
from services.signals.core.kinds.registry import KINDS
from services.signals.core.pairs.pair_monitor import PairMonitor
from shared.domain.divergences import Kind
from shared.domain.instants import parse_rfc3339
from shared.domain.kinds import DIRECTIONS


def data_answers(monitor: PairMonitor, decisions: Decisions, at_ns: int) -> list[Answer]:
    """Return for each leg whether its data were at fault at an instant, and since when."""
    kind = Kind.DATA_FAULT
    is_on = kind in monitor.config.rule_of
    answers = []
    for direction in DIRECTIONS[kind]:
        state = monitor.transitions.divergence(kind, direction)
        opened = decisions.opened.get((kind, direction))
        causes = monitor.legs.of(direction).data_quality.active_since_ns
        if state.phase is Phase.OPEN:
            is_now = opened is not None and parse_rfc3339(opened.occurred_at) == at_ns
            gate = Gate.OPENED if is_now else Gate.ALREADY_OPEN
        else:
            gate = Gate.NO_FAULT if is_on else Gate.RULE_OFF
        answers.append(
            Answer(
                kind=kind,
                direction=direction,
                by=By.DATA,
                gate=gate,
                rule=monitor.config.rule_of.get(kind, KINDS[kind].default_rule),
                phase=state.phase,
                facts={
                    **{
                        name: value
                        for name, value in facts_of_state(state, decisions, (kind, direction)).items()
                        if not name.startswith("cooldown")
                    },
                    "why": ",".join(causes) or None,
                    "since_ns": min(causes.values(), default=None),
                    "is_on": is_on,
                },
            )
        )
    return answers
