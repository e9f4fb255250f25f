"""The events near an instant: emitted by the replay, published in the log, or one of the two only."""

from dataclasses import dataclass

from convex.why_not.inquiry import Findings
from convex.why_not.published import Published
from shared.domain.deliveries import DeliveryOutcome, Outcome
from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import parse_rfc3339
from shared.text.numbers import format_count

_LOOK = "signals did not hold it back; see convex deliveries list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearby:
    """An event near the instant.

    Parameters
    ----------
    lines
        Whether it was published, and what became of its deliveries.
    is_published
        None where nothing says so.
    """

    event: DivergenceEvent
    at_ns: int
    lines: tuple[str, ...]
    is_published: bool | None


def nearby(found: Findings, published: Published | None) -> tuple[Nearby, ...]:
    """Return the events near an instant in the order of time."""
    replayed = {event.event_id: event for event in found.near}
    others = () if published is None else published.events
    events = [*found.near, *(event for event in others if event.event_id not in replayed)]
    return tuple(
        sorted(
            (_nearby(event, published, is_replayed=event.event_id in replayed) for event in events),
            key=lambda near: near.at_ns,
        )
    )


def _nearby(event: DivergenceEvent, published: Published | None, *, is_replayed: bool) -> Nearby:
    at_ns = parse_rfc3339(event.occurred_at)
    if published is None:
        return Nearby(event=event, at_ns=at_ns, lines=(f"Emitted: {_LOOK}.",), is_published=None)
    place = published.places.get(event.event_id)
    if place is None:
        why = (
            f"Not in {published.source}: these rules or these data differ from those that decided then, or "
            "it was deleted by the topic's retention."
        )
        return Nearby(event=event, at_ns=at_ns, lines=(why,), is_published=False)
    lines = [f"Published, {place}: {_LOOK}."]
    if not is_replayed:
        differs = "this replay does not have it, because its rules or its data differ"
        lines = [f"Published, {place}, but {differs}."]
    lines += [_delivery(each) for each in published.deliveries.get(event.event_id, ())]
    return Nearby(event=event, at_ns=at_ns, lines=tuple(lines), is_published=True)


def _delivery(delivery: DeliveryOutcome) -> str:
    reason = f": {delivery.reason.replace('_', ' ')}" if delivery.reason else ""
    after = (
        ""
        if delivery.outcome is Outcome.SUPPRESSED
        else f", after {format_count(delivery.attempts, 'attempt')}"
    )
    return f"{delivery.subscription} ({delivery.channel.value}): {delivery.outcome.value}{reason}{after}"
