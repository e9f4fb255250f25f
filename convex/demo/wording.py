"""Divergences and faults in the words of the mails and the page, a line each."""

from typing import Final

from services.notifier.render.sentences import headline_of, subject
from services.notifier.render.view import KIND_TEXTS
from services.notifier.render.wording import leg_names
from shared.domain.divergences import DivergenceEvent
from shared.domain.snapshots import OpenDivergence, PairSnapshot, TriggerAt
from shared.text.data_faults import describe_cause
from shared.text.divergences import FLAPPING, INHIBITED, describe_divergence, describe_kind
from shared.text.numbers import format_number, format_signed
from shared.text.trigger_prices import TRIGGER_WORDS, brief_trigger

# The view has to fit on a screen.
_TRIGGERS_SHOWN: Final = 2
_TRIGGER_TIMES: Final = {TriggerAt.LIVE: "now", TriggerAt.CLOSE: "at the next close"}


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


def nearest_triggers(snapshot: PairSnapshot) -> str:
    """Return what happens next as the lead's price moves, the nearest first; empty if nothing is known."""
    present = snapshot.legs[0].price
    if present is None:
        return ""
    nearest = sorted(snapshot.triggers, key=lambda each: abs(each.lead_price / present - 1.0))
    return "; ".join(
        f"{describe_kind(each.kind, each.direction)} {TRIGGER_WORDS[each.transition]} at "
        f"{brief_trigger(each.lead_price, present)} {_TRIGGER_TIMES[each.at]}"
        for each in nearest[:_TRIGGERS_SHOWN]
    )


def expected_close(snapshot: PairSnapshot) -> str:
    """Return what is expected of the next close; empty where it is not computed."""
    values = snapshot.provisional.values if snapshot.provisional is not None else {}
    expected, spread = values.get("z_90_expected"), values.get("z_90_spread")
    if expected is None or spread is None:
        return ""
    return f"z {format_signed(expected)} ± {format_number(spread)} expected at the close"


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
