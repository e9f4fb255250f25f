"""Find an event by its id, or by the first characters of its id if no other event shares them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.divergences import DivergenceEvent
from shared.errors import ConfigError

# ``ev_`` and five of 32 hex digits: two given events share them with a chance of one in a million.
LEAST_LETTERS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedEvent:
    """An event and where it was found.

    Parameters
    ----------
    where
        For people: a topic's place or a file's line.
    headers
        Of the record; empty in a file.
    """

    event: DivergenceEvent
    where: str
    headers: dict[str, Any]


def choose(asked: str, events: Sequence[LocatedEvent], *, among: str) -> LocatedEvent:
    """Return the event with this id; of several copies the first.

    Raises
    ------
    ConfigError
        If no event, or more than one, has an id that begins with ``asked``.
    """
    exact = [each for each in events if each.event.event_id == asked]
    if exact:
        return exact[0]
    begun = [each for each in events if each.event.event_id.startswith(asked)]
    ids = {each.event.event_id for each in begun}
    if len(asked) >= LEAST_LETTERS and len(ids) == 1:
        return begun[0]
    if len(ids) > 1:
        raise ConfigError(f"{asked}: {len(ids)} events in {among} begin with it; give more of the id")
    raise ConfigError(f"{asked}: is no event in {among}, which has {len(events)}")


def before(chosen: LocatedEvent, events: Sequence[LocatedEvent]) -> tuple[DivergenceEvent, ...]:
    """Return the events of the same pair with a smaller sequence, each once, in their order."""
    event = chosen.event
    earlier = {
        each.event.sequence: each.event
        for each in events
        if each.event.pair == event.pair and 0 < each.event.sequence < event.sequence
    }
    return tuple(earlier[sequence] for sequence in sorted(earlier))
