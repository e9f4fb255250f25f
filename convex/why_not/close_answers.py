"""What a close decided, for every kind that closes decide: the gate, and the close that would have opened it.

The gate is read off the engine's own decision about the newest session that both legs have:

======================================= ======================
decision and observation                gate
======================================= ======================
the kind has no rule                    ``rule_off``
it opened by this close                 ``opened``
the divergence is open                  ``already_open``
the observation is None                 ``undefined``, ``no_baseline``
suppressed: inhibited                   ``inhibited``
suppressed: cooldown                    ``cooldown``
at the level, ``can_open`` is false     ``condition_not_met``
below the level                         ``below_level``
otherwise: no decision was made on it   ``not_decided``
======================================= ======================
"""

from collections.abc import Mapping

from convex.why_not.decisions import CloseDecision, Decisions
from convex.why_not.gate import Answer, By, Gate
from services.signals.core.confirmed import Values, regimes
from services.signals.core.divergence.comparison import compare
from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState, Phase, Suppressed
from services.signals.core.kinds.registry import KINDS, LEVEL_KINDS, observe
from services.signals.core.legs.history import day_of
from services.signals.core.legs.hypothetical_close import HypotheticalClose
from services.signals.core.pairs.decision_context import context_of_close
from services.signals.core.pairs.pair_monitor import PairMonitor
from services.signals.core.triggers.close_triggers import Standing, close_triggers
from services.signals.core.triggers.next_close import next_close_regions
from services.signals.core.undefined import why_undefined
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.kinds import DIRECTIONS
from shared.domain.snapshots import Trigger

_Key = tuple[Kind, Direction]


def close_answers(monitor: PairMonitor, decisions: Decisions) -> list[Answer]:
    """Return what the newest close decided, in the order of kinds and directions."""
    opens_at = _opening_closes(monitor, decisions)
    return [
        _regime_answer(monitor, decisions, direction)
        if kind is Kind.REGIME_CHANGE
        else _level_answer(monitor, decisions, kind, direction, opens_at.get((kind, direction), ()))
        for kind in (*LEVEL_KINDS, Kind.REGIME_CHANGE)
        for direction in DIRECTIONS[kind]
    ]


def _level_answer(
    monitor: PairMonitor,
    decisions: Decisions,
    kind: Kind,
    direction: Direction,
    opens_at: tuple[Trigger, ...],
) -> Answer:
    statistics, values = monitor.statistics, monitor.statistics.values
    rule = monitor.config.rule_of.get(kind, KINDS[kind].default_rule)
    state = monitor.transitions.divergence(kind, direction)
    decided = decisions.of_close.get((kind, direction))
    if decided is not None and decided.session != statistics.session:
        decided = None
    observation = observe(rule, direction, values) if statistics.session else None
    gate = _gate_of(monitor, rule, state, decided, observation)
    facts: dict[str, float | int | str | bool | None] = {
        **facts_of_state(state, decisions, (kind, direction)),
        "decided_at_ns": None if decided is None else decided.at_ns,
        "is_on": kind in monitor.config.rule_of,
        "can_open": observation is not None and observation.can_open,
        "lead_close": _lead_close(monitor),
    }
    if gate in (Gate.UNDEFINED, Gate.NO_BASELINE):
        facts["why"] = _why_undefined(monitor, kind, values)
    if gate is Gate.INHIBITED:
        facts["why"] = ",".join(faults_of(monitor))
    return Answer(
        kind=kind,
        direction=direction,
        by=By.CLOSE,
        gate=gate,
        rule=rule,
        session=statistics.session or None,
        values=_evidence(monitor, kind),
        x=None if observation is None else observation.x,
        phase=state.phase,
        facts=facts,
        opens_at=opens_at if gate not in (Gate.OPENED, Gate.ALREADY_OPEN, Gate.RULE_OFF) else (),
    )


def _gate_of(
    monitor: PairMonitor,
    rule: Rule,
    state: DivergenceState,
    decided: CloseDecision | None,
    observation: Observation | None,
) -> Gate:
    transition = None if decided is None else decided.decision.transition
    if state.phase is Phase.OPEN:
        return Gate.OPENED if transition is Transition.OPEN else Gate.ALREADY_OPEN
    if rule.kind not in monitor.config.rule_of:
        return Gate.RULE_OFF
    if observation is None:
        has_baseline = monitor.statistics.band is not None or rule.kind is not Kind.EVIDENCE_BREAK
        return Gate.UNDEFINED if has_baseline else Gate.NO_BASELINE
    match decided.decision.suppressed if decided is not None else None:
        case Suppressed.INHIBITED:
            return Gate.INHIBITED
        case Suppressed.COOLDOWN:
            return Gate.COOLDOWN
    seen = compare(observation, rule)
    if not seen.at_warning:
        return Gate.BELOW_LEVEL
    return Gate.NOT_DECIDED if seen.can_open else Gate.CONDITION_NOT_MET


def _regime_answer(monitor: PairMonitor, decisions: Decisions, direction: Direction) -> Answer:
    kind, statistics = Kind.REGIME_CHANGE, monitor.statistics
    rule = monitor.config.rule_of.get(kind, KINDS[kind].default_rule)
    decided = decisions.of_close.get((kind, direction))
    opened = decisions.opened.get((kind, direction))
    is_now = decided is not None and decided.session == statistics.session
    regime, reported = statistics.regime.name, monitor.closes.reported_regime
    if kind not in monitor.config.rule_of:
        gate = Gate.RULE_OFF
    elif is_now and decided is not None and decided.decision.suppressed is Suppressed.INHIBITED:
        gate = Gate.INHIBITED
    elif is_now and opened is not None and decided is not None and decided.decision.transition is not None:
        gate = Gate.OPENED
    else:
        gate = Gate.UNDEFINED if regime is None else Gate.NO_CHANGE
    why = why_undefined("z_90", statistics.count) if regime is None else None
    return Answer(
        kind=kind,
        direction=direction,
        by=By.CLOSE,
        gate=gate,
        rule=rule,
        session=statistics.session or None,
        values=_evidence(monitor, kind) or {"z_90": None},
        x=statistics.values.get("z_90"),
        facts={
            **facts_of_state(monitor.transitions.divergence(kind, direction), decisions, (kind, direction)),
            **({"opened_by": opened.event_id} if opened is not None and gate is Gate.OPENED else {}),
            "regime": regime,
            "reported_regime": reported,
            "why": ",".join(faults_of(monitor)) if gate is Gate.INHIBITED else why,
            "is_on": kind in monitor.config.rule_of,
        },
    )


def _lead_close(monitor: PairMonitor) -> float | None:
    bar = monitor.legs.lead.history.get(monitor.statistics.session) if monitor.statistics.session else None
    return None if bar is None else bar.close


def _evidence(monitor: PairMonitor, kind: Kind) -> Values:
    """Return the values that an event of this kind at this close shows."""
    return (
        dict(context_of_close(monitor.statistics, kind, at_ns=0).values) if monitor.statistics.session else {}
    )


def facts_of_state(
    state: DivergenceState, decisions: Decisions, key: _Key
) -> dict[str, float | int | str | bool | None]:
    """Return how a divergence stands, with the events that reported it."""
    opened, newest = decisions.opened.get(key), decisions.newest.get(key)
    facts: dict[str, float | int | str | bool | None] = {}
    if state.phase is Phase.OPEN:
        facts |= {
            "opened_at_ns": state.opened_at_ns,
            "opened_by": None if opened is None else opened.event_id,
            "severity": state.severity.value,
            "confirmation": state.confirmation.value,
            "is_flapping": state.is_flapping,
        }
    elif newest is not None and newest.type.is_final:
        facts |= {"ended_at_ns": state.ended_at_ns, "ended_by": newest.event_id}
    if state.cooldown_sessions_left:
        facts |= {
            "cooldown_sessions_left": state.cooldown_sessions_left,
            "cooldown_provisional_only": state.cooldown_provisional_only,
        }
    return facts


def faults_of(monitor: PairMonitor) -> tuple[str, ...]:
    """Return the causes for which a leg's data are at fault now, each with its leg's title."""
    titles = {monitor.pair.lead: monitor.pair.lead_title, monitor.pair.other: monitor.pair.other_title}
    return tuple(
        f"{titles[leg.instrument]}: {cause}"
        for leg in (monitor.legs.lead, monitor.legs.other)
        for cause in leg.data_quality.active_since_ns
    )


def _why_undefined(monitor: PairMonitor, kind: Kind, values: Values) -> str:
    statistics = monitor.statistics
    if not statistics.session:
        return "there is no session yet for which both legs have a close"
    missing = next((name for name in KINDS[kind].decided_by if values.get(name) is None), "z_90")
    return why_undefined(missing, statistics.count, has_baseline=statistics.band is not None)


def _opening_closes(monitor: PairMonitor, decisions: Decisions) -> Mapping[_Key, tuple[Trigger, ...]]:
    """Return the closes of the lead in the newest session with which each would have opened by it.

    They are found by the search that finds the trigger prices of a next close: the session before stands for
    the newest one, the other leg's close is the one that came, and the states are those that were decided on.
    """
    statistics, legs = monitor.statistics, monitor.legs
    aligned = legs.align()
    count = len(aligned)
    if count < 2:
        return {}
    known = aligned.until(count - 1, limit=count - 1)
    sessions = aligned.labels(2)
    lead_before, lead_now = (legs.lead.history.get(each) for each in sessions)
    assert lead_before is not None and lead_now is not None  # noqa: S101, PT018 - an aligned session has both
    rows = [
        leg.history.adj_closes[leg.history.days.searchsorted([day_of(each) for each in sessions])]
        for leg in (legs.lead, legs.other)
    ]
    following = HypotheticalClose(
        known,
        lead_adj_close=float(rows[0][0]),
        other_adj_close=float(rows[1][0]),
        next_other=float(rows[1][1]),
    )
    of_levels = {kind: rule for kind, rule in monitor.config.rule_of.items() if kind in LEVEL_KINDS}
    regions = next_close_regions(
        following,
        rules=of_levels.values(),
        regime=regimes(known.log_ratio)[-1],
        band=statistics.band,
        last_close=lead_before.close,
    )
    now = {key: each for key, each in decisions.of_close.items() if each.session == statistics.session}

    def before(kind: Kind, direction: Direction) -> DivergenceState:
        decided = now.get((kind, direction))
        return monitor.transitions.divergence(kind, direction) if decided is None else decided.before

    standing = Standing(
        divergence=before,
        is_inhibited=any(each.is_inhibited for each in now.values()),
        reported_regime=monitor.closes.reported_regime,
        close_ns=legs.calendar.close_of(statistics.session),
    )
    found: dict[_Key, tuple[Trigger, ...]] = {}
    for trigger in close_triggers(regions, standing, of_levels, present=lead_now.close):
        if trigger.transition is Transition.OPEN:
            key = trigger.kind, trigger.direction
            found[key] = (*found.get(key, ()), trigger)
    return found
