"""The answer as one JSON object."""

from dataclasses import asdict
from typing import Any

from convex.why_not.gate import Answer
from convex.why_not.gate_words import needed, why
from convex.why_not.inquiry import Findings
from convex.why_not.nearby import nearby
from convex.why_not.published import Published
from convex.why_not.statistic_words import saw
from convex.why_not.wording import headline
from shared.domain.instants import format_rfc3339
from shared.domain.snapshots import Trigger


def as_object(found: Findings, published: Published | None, *, source: str) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    return {
        "asked": found.asked.text,
        "pair": found.pair.name,
        "at": format_rfc3339(found.at_ns),
        "session": found.asked.session,
        "is_missing": found.is_missing,
        "from": source,
        "headline": headline(found),
        "sessions": found.sessions,
        "newest_session": found.used_session or None,
        "legs": [asdict(leg) for leg in found.legs],
        "has_live_price": found.has_live_price,
        "answers": [_answer(answer, found) for answer in found.answers],
        "holds": [
            {
                "direction": hold.direction.value,
                "since": format_rfc3339(hold.since_ns),
                "until": format_rfc3339(hold.until_ns),
                "ended_by": hold.ended_by,
            }
            for hold in found.holds
        ],
        "unused": found.unused,
        "next_close": [_trigger(each) for each in found.next_close],
        "events": [
            {
                "event_id": near.event.event_id,
                "at": near.event.occurred_at,
                "kind": near.event.kind.value,
                "direction": near.event.direction.value,
                "type": near.event.type.value,
                "severity": near.event.severity.value,
                "confirmation": near.event.confirmation.value,
                "is_published": near.is_published,
                "deliveries": []
                if published is None
                else [asdict(each) for each in published.deliveries.get(near.event.event_id, ())],
            }
            for near in nearby(found, published)
        ],
    }


def _answer(answer: Answer, found: Findings) -> dict[str, Any]:
    present = found.legs[0].price if found.legs else None
    return {
        "kind": answer.kind.value,
        "direction": answer.direction.value,
        "by": answer.by.value,
        "gate": answer.gate.value,
        "session": answer.session,
        "phase": answer.phase.value,
        "statistic": answer.x,
        "values": dict(answer.values),
        "thresholds": answer.rule.thresholds,
        "rule_version": answer.rule.version,
        **{
            name.removesuffix("_ns"): format_rfc3339(value)
            if name.endswith("_ns") and isinstance(value, int) and value
            else value
            for name, value in answer.facts.items()
        },
        "opens_at": [_trigger(each) for each in answer.opens_at],
        "saw": saw(answer, found.pair),
        "why": why(answer, found.pair),
        "needed": needed(answer, found.pair, present=present),
    }


def _trigger(trigger: Trigger) -> dict[str, Any]:
    return {
        "kind": trigger.kind.value,
        "direction": trigger.direction.value,
        "lead_price": trigger.lead_price,
        "at": trigger.at.value,
    }
