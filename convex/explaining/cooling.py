"""Whether an opening had to wait for the cooldown after the divergence before it."""

from convex.explaining.market import Market
from convex.explaining.material import Material
from convex.explaining.story import moment
from convex.explaining.working import Verdict
from shared.domain.divergences import Confirmation, DivergenceEvent, Severity, Transition


def cooldown(material: Material, market: Market) -> tuple[Verdict, ...]:
    """Return what the end of the one before means for an opening; nothing for any other transition."""
    event = material.event
    if event.type is not Transition.OPEN:
        return ()
    ends = [each for each in material.before if each.fingerprint == event.fingerprint and each.type.is_final]
    if not ends:
        return (Verdict(text=f"none of this sort ended before it in {material.events}: no cooldown"),)
    last = ends[-1]
    passed = _sessions_since(last, event, market)
    sessions = f"{passed} session{'' if passed == 1 else 's'}"
    ended = f"the one before ended {moment(last.occurred_at)}, {sessions} earlier"
    wait = material.cooldown_sessions
    if wait is None:
        return (Verdict(text=f"{ended}; its cooldown stands in the rule {event.evidence.rule_version}"),)
    if passed >= wait:
        return (Verdict(text=f"{ended}: the cooldown of {wait} was over"),)
    if event.severity is Severity.CRITICAL:
        return (Verdict(text=f"{ended}: within the cooldown of {wait}, which nothing critical waits for"),)
    was_unconfirmed = last.confirmation is Confirmation.PROVISIONAL or last.type is Transition.NOT_CONFIRMED
    if event.confirmation is Confirmation.CONFIRMED and was_unconfirmed:
        why = "which after an unconfirmed one holds back early warnings only"
        return (Verdict(text=f"{ended}: within the cooldown of {wait}, {why}"),)
    # Whether the day of an end by price counts depends on the minute: only one by a close is counted exactly.
    is_exact = last.evidence.inputs[0].session is not None
    return (Verdict(text=f"{ended}: within the cooldown of {wait}", holds=not is_exact),)


def _sessions_since(last: DivergenceEvent, event: DivergenceEvent, market: Market) -> int:
    """Count the sessions judged after the end of the one before, up to this event."""
    ended_with = last.evidence.inputs[0].session
    if ended_with is None:
        # By price: that day's own close was still to come, or has just been judged.
        return sum(session >= last.occurred_at[:10] for session in market.sessions)
    return sum(session > ended_with for session in market.sessions)
