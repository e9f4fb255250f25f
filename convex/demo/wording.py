"""Divergences and faults in the words of the mails and the page, a line each."""

from services.notifier.render.sentences import headline_of, subject
from services.notifier.render.view import KIND_TEXTS
from services.notifier.render.wording import leg_names
from shared.domain.divergences import DivergenceEvent
from shared.domain.snapshots import OpenDivergence, PairSnapshot
from shared.text.data_faults import describe_cause
from shared.text.divergences import FLAPPING, INHIBITED, describe_divergence


def happened(event: DivergenceEvent) -> str:
    """Return an event in the words of its mail's subject, with its pair and its instant."""
    lead, other = leg_names(event)
    text = KIND_TEXTS[event.kind](event, lead, other)
    words = subject(event, text, headline_of(event, text, lead, other), is_simulated=False)
    held = " [flapping]" if event.is_flapping else ""
    return f"{event.pair} {event.type.value}: {words}{held}, at {event.occurred_at[:19]}Z"


def still_open(snapshot: PairSnapshot) -> str:
    """Return what is open, with its severity and how it is treated; ``nothing`` where nothing is."""
    return ", ".join(_open(one, snapshot) for one in snapshot.open) or "nothing"


def at_fault(snapshot: PairSnapshot) -> str:
    """Return what is wrong with the legs' data; empty when nothing is."""
    return "; ".join(
        f"{fault.instrument}: {', '.join(describe_cause(cause).sentence for cause in fault.causes)}, "
        f"since {fault.since[:19]}Z"
        for fault in snapshot.faults
    )


def _open(one: OpenDivergence, snapshot: PairSnapshot) -> str:
    lead, other = (leg.title for leg in snapshot.legs)
    words = [one.severity.value]
    if one.kind.is_market:
        words.append(one.confirmation.value)
    words += [INHIBITED] if one.is_inhibited else []
    words += [FLAPPING] if one.is_flapping else []
    return f"{describe_divergence(one.kind, one.direction, lead=lead, other=other)} ({', '.join(words)})"
