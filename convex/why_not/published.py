"""Which events were published, where they are, and what became of their deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from convex.why_not.gate import Answer, By, Gate
from convex.why_not.inquiry import Findings
from services.signals.core.divergence.state import Phase
from shared.domain.deliveries import DeliveryOutcome
from shared.domain.divergences import Direction, DivergenceEvent, Kind
from shared.domain.instants import parse_rfc3339

_Key = tuple[Kind, Direction]
# An event, and the one that opened its divergence; None where that is not kept any more.
Standing = tuple[DivergenceEvent, DivergenceEvent | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The events that were published near the instant.

    Parameters
    ----------
    source
        A topic, or the file of a backtest.
    places
        By the event's id, where it is.
    events
        Those near the instant, of a topic.
    open_then
        By kind and direction, the newest event until the instant, where it left the divergence open; of a
        topic.
    deliveries
        By the event's id, how its deliveries ended, or why there was none.
    """

    source: str
    places: Mapping[str, str]
    events: tuple[DivergenceEvent, ...] = ()
    open_then: Mapping[_Key, Standing] = field(default_factory=dict)
    deliveries: Mapping[str, tuple[DeliveryOutcome, ...]] = field(default_factory=dict)


def as_published(found: Findings, published: Published) -> Findings:
    """Return the answers with what the published events say was open already.

    The log keeps a week. What had opened before it begins is not known to the replay, which may open it anew.
    """
    return replace(found, answers=tuple(_as_published(each, published) for each in found.answers))


def _as_published(answer: Answer, published: Published) -> Answer:
    standing = published.open_then.get((answer.kind, answer.direction))
    is_known = answer.gate is Gate.ALREADY_OPEN and answer.facts.get("opened_by") is not None
    # A close decides that what live prices had opened goes on, and the other way round.
    if standing is None or is_known or answer.by is By.DATA:
        return answer
    newest, opened = standing
    if answer.gate is Gate.OPENED and answer.facts.get("opened_by") == newest.event_id:
        return answer
    return replace(
        answer,
        gate=Gate.ALREADY_OPEN,
        phase=Phase.OPEN,
        opens_at=(),
        facts={
            **answer.facts,
            "opened_at_ns": parse_rfc3339(newest.opened_at),
            "opened_by": None if opened is None else opened.event_id,
            "severity": newest.severity.value,
            "confirmation": newest.confirmation.value,
            "is_flapping": newest.is_flapping,
        },
    )
