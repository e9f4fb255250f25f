"""A divergence from its opening to its end, as the events report it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.domain.divergences import Direction, DivergenceEvent, Kind, Severity, Transition
from shared.domain.instants import NS_PER_SECOND, parse_rfc3339


@dataclass(slots=True, kw_only=True)
class Episode:
    """A divergence.

    Parameters
    ----------
    opened, ended
        Its first event, and its last one; the latter is None while it is open.
    severity
        The highest that it reached.
    """

    opened: DivergenceEvent
    ended: DivergenceEvent | None = None
    severity: Severity = field(init=False)

    def __post_init__(self) -> None:
        self.severity = self.opened.severity

    @property
    def key(self) -> tuple[Kind, Direction]:
        """Kind and direction."""
        return self.opened.kind, self.opened.direction

    @property
    def opened_ns(self) -> int:
        """When it opened."""
        return parse_rfc3339(self.opened.occurred_at)

    @property
    def ended_ns(self) -> int | None:
        """When it ended; None while it is open."""
        return None if self.ended is None else parse_rfc3339(self.ended.occurred_at)

    @property
    def seconds(self) -> float | None:
        """How long it was open; None while it is."""
        ended_ns = self.ended_ns
        return None if ended_ns is None else (ended_ns - self.opened_ns) / NS_PER_SECOND

    def is_open_at(self, at_ns: int) -> bool:
        """Return whether it was open at an instant, its opening included and its end not."""
        ended_ns = self.ended_ns
        return self.opened_ns <= at_ns and (ended_ns is None or at_ns < ended_ns)

    def overlaps(self, other: "Episode") -> bool:
        """Return whether both were open at one instant."""
        return self.is_open_at(other.opened_ns) or other.is_open_at(self.opened_ns)


def episodes_of(events: Iterable[DivergenceEvent]) -> list[Episode]:
    """Return the divergences of some events, in the order in which they opened."""
    found: list[Episode] = []
    open_now: dict[str, Episode] = {}
    for event in events:
        if event.type is Transition.OPEN:
            episode = open_now[event.divergence_id] = Episode(opened=event)
            found.append(episode)
        elif (known := open_now.get(event.divergence_id)) is not None:
            if event.severity is Severity.CRITICAL:
                known.severity = Severity.CRITICAL
            if event.type.is_final:
                known.ended = event
                del open_now[event.divergence_id]
    return found
