"""What a message says, as plain text for both its forms: sentences, tables and a scale."""

from dataclasses import dataclass

from services.notifier.render.correlations import sureness
from services.notifier.render.kinds.every import TELLERS
from services.notifier.render.scale import Scale
from services.notifier.render.story import confirmation, headline_of, story, subject
from services.notifier.render.tables import LegRow, evidence_rows, hedge_rows, leg_rows, time_rows
from services.notifier.render.telling import Row
from services.notifier.render.wording import pair_titles
from shared.domain.divergences import DivergenceEvent, Transition


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
        Of the table of facts.
    sureness
        How sure the deciding correlation is, in sentences; empty where none decided.
    """

    subject: str
    is_simulated: bool
    badge: str
    tone: str
    headline: str
    story: tuple[str, ...]
    scale: Scale | None
    facts_title: str
    facts: tuple[Row, ...]
    sureness: tuple[str, ...]
    times: tuple[Row, ...]
    legs: tuple[LegRow, ...]
    hedge: tuple[Row, ...]
    evidence: tuple[Row, ...]
    link: str | None


def view_of(event: DivergenceEvent, *, public_url: str) -> View:
    """Return what a message about an event says."""
    lead, other = pair_titles(event)
    telling = TELLERS[event.kind](event, lead, other)
    is_empty_test = event.type is Transition.TEST and not event.values
    headline = headline_of(event, telling, lead, other)
    path = next(iter(event.links.values()), None)
    is_simulated = _is_simulated(event)
    return View(
        subject=subject(event, telling, headline, is_simulated=is_simulated),
        is_simulated=is_simulated,
        badge=_badge(event),
        tone="calm" if event.type.is_final or event.type is Transition.TEST else event.severity.value,
        headline=headline,
        story=(*story(event, telling), confirmation(event, lead, other)),
        scale=telling.scale,
        facts_title="How far" if event.kind.is_market else "What is wrong",
        facts=() if is_empty_test else telling.facts,
        sureness=sureness(event),
        times=time_rows(event),
        legs=leg_rows(event, lead, other),
        hedge=hedge_rows(event, lead, other),
        evidence=evidence_rows(event),
        link=public_url.rstrip("/") + path if path is not None else None,
    )


def _is_simulated(event: DivergenceEvent) -> bool:
    # A fault of the data may have no price to show, but it has what it was seen in.
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
