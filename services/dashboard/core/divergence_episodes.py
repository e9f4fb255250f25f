"""The divergences of a pair, one line each from its opening to its end, instead of one per event."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.dashboard.core import deciding_statistic
from shared.domain.divergences import Confirmation, Direction, DivergenceEvent, Kind, Severity, Transition
from shared.domain.pairs import Pair
from shared.domain.snapshots import OpenDivergence
from shared.text.chance import brief_chance
from shared.text.divergences import (
    FLAPPING,
    INHIBITED,
    TRANSITION_WORDS,
    describe_divergence,
    describe_kind,
)
from shared.text.early_warnings import format_probability
from shared.text.instants import format_instant
from shared.text.numbers import DASH


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMark:
    """A word on the state of an open divergence, with the sentence that explains it."""

    text: str
    hint: str


_INHIBITED: Final = StateMark(
    text=INHIBITED, hint="A leg’s data cannot be trusted. Until that ends, this divergence cannot escalate."
)
_FLAPPING: Final = StateMark(
    text=FLAPPING, hint="It opens and closes so often that it is held open until it settles."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One divergence, as far as its events and the snapshot show it.

    Parameters
    ----------
    kind
        The kind's title with its side, where it has one.
    peak
        The highest severity it reached.
    chance
        How often chance alone would open it; empty for a data fault, and where no event is kept.
    likely
        How likely the next close agrees with an early warning that is open; empty for anything else.
    measure
        Name of the statistic that decides the kind.
    first, last
        That statistic as of its first and latest event.
    state, state_at
        The latest transition and its instant.
    """

    divergence_id: str
    what: str
    kind: str
    marks: tuple[StateMark, ...]
    severity: str
    peak: str
    chance: str
    confirmation: str
    likely: str
    opened_at: str
    state: str
    state_at: str
    measure: str
    first: str
    last: str
    is_open: bool


def episodes_of(
    pair: Pair, events: Iterable[DivergenceEvent], still_open: Iterable[OpenDivergence]
) -> tuple[Episode, ...]:
    """Return the divergences, the newest opening first.

    Parameters
    ----------
    events
        In the order of their sequence. Where a divergence has events, they decide whether it is open,
        because they arrive before the snapshot that shows the change. Test events are left out.
    still_open
        As of the latest snapshot; includes divergences whose events are no longer kept.
    """
    grouped: dict[str, list[DivergenceEvent]] = {}
    for event in _without_tests(events):
        grouped.setdefault(event.divergence_id, []).append(event)
    listed = {one.divergence_id: one for one in still_open}
    known = [_from_events(pair, group, listed.get(name)) for name, group in grouped.items()]
    known += [_from_snapshot(pair, one) for name, one in listed.items() if name not in grouped]
    return tuple(sorted(known, key=lambda episode: (episode.opened_at, episode.divergence_id), reverse=True))


def open_events(events: Iterable[DivergenceEvent]) -> tuple[DivergenceEvent, ...]:
    """Return the latest event of each divergence that has not ended, in the order of their sequence."""
    latest = {event.divergence_id: event for event in events}
    return tuple(
        sorted((event for event in latest.values() if _is_open(event)), key=lambda event: event.sequence)
    )


def news_of(pair: Pair, events: Iterable[DivergenceEvent]) -> str:
    """Return a sentence about the latest event that is not a test, for screen readers."""
    latest = max(_without_tests(events), key=lambda event: event.sequence, default=None)
    if latest is None:
        return ""
    words = [TRANSITION_WORDS[latest.type]]
    if latest.type not in (Transition.ESCALATED, Transition.EASED):
        # Those two name the severity themselves.
        words.append(latest.severity.value)
    words += [latest.confirmation.value, format_instant(latest.occurred_at)]
    return f"{_words(pair, latest.kind, latest.direction)['what']}: {', '.join(words)}."


def _without_tests(events: Iterable[DivergenceEvent]) -> tuple[DivergenceEvent, ...]:
    return tuple(event for event in events if event.type is not Transition.TEST)


def _from_events(pair: Pair, events: list[DivergenceEvent], listed: OpenDivergence | None) -> Episode:
    first, last = events[0], events[-1]
    is_open = _is_open(last)
    is_critical = any(event.severity is Severity.CRITICAL for event in events)
    return Episode(
        divergence_id=last.divergence_id,
        **_words(pair, last.kind, last.direction),
        severity=last.severity.value,
        peak=Severity.CRITICAL.value if is_critical else Severity.WARNING.value,
        chance=brief_chance(last.significance) if last.significance is not None else "",
        confirmation=last.confirmation.value,
        likely=_likely(last) if is_open else "",
        opened_at=format_instant(last.opened_at),
        state=_state(events),
        state_at=format_instant(last.occurred_at),
        marks=_marks(listed, is_flapping=last.is_flapping) if is_open else (),
        measure=deciding_statistic.name_of(last.kind),
        first=deciding_statistic.value_of(first),
        last=deciding_statistic.value_of(last),
        is_open=is_open,
    )


def _state(events: list[DivergenceEvent]) -> str:
    last = events[-1]
    was_early = len(events) > 1 and events[-2].confirmation is Confirmation.PROVISIONAL
    if last.type is Transition.REVISED and was_early and last.confirmation is Confirmation.CONFIRMED:
        return "confirmed by the close"
    return TRANSITION_WORDS[last.type]


def _likely(last: DivergenceEvent) -> str:
    if last.probability is None:
        return ""
    return f"{format_probability(last.probability)} likely at the next close"


def _from_snapshot(pair: Pair, one: OpenDivergence) -> Episode:
    return Episode(
        divergence_id=one.divergence_id,
        **_words(pair, one.kind, one.direction),
        severity=one.severity.value,
        peak=one.severity.value,
        chance="",
        confirmation=one.confirmation.value,
        likely="",
        opened_at=format_instant(one.opened_at),
        state=TRANSITION_WORDS[Transition.OPEN],
        state_at=format_instant(one.opened_at),
        marks=_marks(one, is_flapping=False),
        measure=deciding_statistic.name_of(one.kind),
        first=DASH,
        last=DASH,
        is_open=True,
    )


def _marks(listed: OpenDivergence | None, *, is_flapping: bool) -> tuple[StateMark, ...]:
    # Inhibited is a state of the data at this moment, so only the snapshot has it.
    is_inhibited = listed is not None and listed.is_inhibited
    is_held = is_flapping or (listed is not None and listed.is_flapping)
    return (*((_INHIBITED,) if is_inhibited else ()), *((_FLAPPING,) if is_held else ()))


def _is_open(last: DivergenceEvent) -> bool:
    return not last.type.is_final and last.type is not Transition.TEST


def _words(pair: Pair, kind: Kind, direction: Direction) -> dict[str, str]:
    return {
        "what": describe_divergence(kind, direction, lead=pair.lead_title, other=pair.other_title),
        "kind": describe_kind(kind, direction),
    }
