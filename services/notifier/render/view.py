"""The content of a message, the same for its text and its HTML: sentences, tables and a scale."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from services.notifier.core.deliveries import Replaced
from services.notifier.render.kind_text import KindText
from services.notifier.render.kinds import (
    correlation_break,
    data_fault,
    evidence_break,
    hedge_lost,
    opposite_moves,
    ratio_stretch,
    regime_change,
)
from services.notifier.render.scale import Scale
from services.notifier.render.sentences import (
    confirmation,
    headline_of,
    not_delivered,
    significance,
    subject,
    what_happened,
)
from services.notifier.render.tables import LegRow, Row, evidence_rows, hedge_rows, leg_rows, time_rows
from services.notifier.render.wording import leg_names
from shared.domain.divergences import DivergenceEvent, Kind, Transition

KIND_TEXTS: Final[Mapping[Kind, Callable[[DivergenceEvent, str, str], KindText]]] = {
    Kind.RATIO_STRETCH: ratio_stretch.kind_text,
    Kind.OPPOSITE_MOVES: opposite_moves.kind_text,
    Kind.CORRELATION_BREAK: correlation_break.kind_text,
    Kind.HEDGE_LOST: hedge_lost.kind_text,
    Kind.EVIDENCE_BREAK: evidence_break.kind_text,
    Kind.REGIME_CHANGE: regime_change.kind_text,
    Kind.DATA_FAULT: data_fault.kind_text,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that a message shows.

    Parameters
    ----------
    tone
        ``warning``, ``critical`` or ``calm``.
    scale
        None where there is no statistic to draw.
    facts_title
        Title of the table of facts.
    significance
        How often chance alone would open it, in sentences; empty for a data fault.
    """

    subject: str
    is_simulated: bool
    badge: str
    tone: str
    headline: str
    sentences: tuple[str, ...]
    scale: Scale | None
    facts_title: str
    facts: tuple[Row, ...]
    significance: tuple[str, ...]
    times: tuple[Row, ...]
    legs: tuple[LegRow, ...]
    hedge: tuple[Row, ...]
    evidence: tuple[Row, ...]
    link: str | None


def view_of(event: DivergenceEvent, *, public_url: str, replaces: tuple[Replaced, ...] = ()) -> View:
    """Return the content of the message about an event.

    Parameters
    ----------
    replaces
        Earlier messages of the divergence that the reader never got.
    """
    lead, other = leg_names(event)
    text = KIND_TEXTS[event.kind](event, lead, other)
    is_empty_test = event.type is Transition.TEST and not event.values
    headline = headline_of(event, text, lead, other)
    path = next(iter(event.links.values()), None)
    is_simulated = _is_simulated(event)
    return View(
        subject=subject(event, text, headline, is_simulated=is_simulated),
        is_simulated=is_simulated,
        badge=_badge(event),
        tone="calm" if event.type.is_final or event.type is Transition.TEST else event.severity.value,
        headline=headline,
        sentences=(
            *what_happened(event, text),
            confirmation(event, lead, other),
            *not_delivered(event, replaces),
        ),
        scale=text.scale,
        facts_title="Statistics" if event.kind.is_market else "What is wrong",
        facts=() if is_empty_test else text.facts,
        significance=significance(event),
        times=time_rows(event),
        legs=leg_rows(event, lead, other),
        hedge=hedge_rows(event, lead, other),
        evidence=evidence_rows(event),
        link=public_url.rstrip("/") + path if path is not None else None,
    )


def _is_simulated(event: DivergenceEvent) -> bool:
    # A data fault may have no price, but its evidence names the instruments.
    instruments = [leg.instrument for leg in event.legs]
    instruments += [each.instrument for each in event.evidence.inputs]
    return any(instrument.endswith(".SIMULATED") for instrument in instruments)


def _badge(event: DivergenceEvent) -> str:
    if event.type is Transition.TEST:
        return "test"
    words = [event.severity.value]
    if event.kind.is_market:
        words.append(event.confirmation.value)
    if event.is_flapping and not event.type.is_final:
        words.append("flapping")
    return " · ".join(words)
