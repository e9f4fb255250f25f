"""The data of a leg cannot be trusted: what is wrong, since when, and what to do about it.

The values of such an event are the causes, each with the seconds for which it has lasted. After the end there
is ``lasted_seconds`` instead. A corrected close has the old and the new value. Closes that are
not used are counted, and the newest is shown.
"""

from collections.abc import Mapping
from typing import Final

from services.notifier.render.kind_text import KindText
from services.notifier.render.tables import Row
from services.notifier.render.wording import number
from shared.domain.divergences import Direction, DivergenceEvent
from shared.text.data_faults import causes_among, describe_cause, describe_quarantine
from shared.text.durations import format_duration

# What a person does about a cause.
_REMEDIES: Final[Mapping[str, str]] = {
    "stale": "Check that the ingestor runs and its feed is connected.",
    "bad_ticks": "Compare the price with another source, and look for an outage at the venue.",
    "missing_bar": "Check the source of the daily bars; the bar is used as soon as it arrives.",
    "no_close_sample": "Check that the feed ran through the close; statistics lack the session until its bar "
    "arrives.",
    "close_jump": "Compare the close with another source. A correction of the bar is used at once, and a new "
    "level after three more closes that agree with it.",
    "unapplied_split": "Check whether the leg was split and the source has adjusted its history; the "
    "adjusted one is used at once. After ten closes the new level is used as it is.",
    "stuck_close": "Check whether the source repeats its last close, and whether the leg still trades.",
    "adjusted_splice": "Fetch the whole adjusted history again, from one source and of one day.",
    "revised_bar": "Check the correction at the source; the statistics have been recomputed with it.",
}


def kind_text(event: DivergenceEvent, lead: str, other: str) -> KindText:
    """Return the texts of a data fault."""
    leg = lead if event.direction is Direction.LEAD else other
    if "revised_to" in event.values:
        return _correction(event, leg)
    names = causes_among(event.values)
    causes = {name: describe_cause(name) for name in names}
    state = f"The data of {leg} cannot be trusted"
    seen = " ".join(_sentence(cause.sentence) for cause in causes.values())
    quiet = f"While it lasts, no new divergence of {lead} and {other} is reported."
    remedies = " ".join(_REMEDIES[name] for name in names if name in _REMEDIES)
    facts = [
        Row(
            name=cause.name.capitalize(),
            value=_lasting(event.values[name]),
            note=_sentence(cause.sentence),
        )
        for name, cause in causes.items()
    ]
    lasted = event.values.get("lasted_seconds")
    if lasted is not None:
        facts.append(Row(name="Lasted", value=format_duration(lasted)))
    unused = describe_quarantine(event.values)
    if unused is not None:
        facts.append(Row(name="Not used", value=f"{event.values['quarantined_closes']:.0f}", note=unused))
    return KindText(
        headline=state,
        closed_headline=f"The data of {leg} can be trusted again",
        figure=", ".join(cause.name for cause in causes.values()),
        happened=seen or f"Something is wrong with the data of {leg}.",
        meaning=f"{quiet} {remedies}".strip(),
        ended=f"The fault is over: new divergences of {lead} and {other} are reported again.",
        withdrawn="there was no fault",
        facts=tuple(facts),
    )


def _correction(event: DivergenceEvent, leg: str) -> KindText:
    before, after = (number(event.values.get(name)) for name in ("revised_from", "revised_to"))
    state = f"A close of {leg} was corrected"
    return KindText(
        headline=state,
        closed_headline=state,
        figure=f"{before} → {after}",
        happened=f"A close of {leg} was corrected after it had been final, from {before} to {after}.",
        meaning=f"{_REMEDIES['revised_bar']} A divergence that rested on the old close is reported again as "
        "revised.",
        ended="A correction has no duration, so no further message follows.",
        withdrawn="there was no correction",
        facts=(Row(name="Close before", value=before), Row(name="Close now", value=after)),
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _lasting(seconds: float | None) -> str:
    return "now" if seconds is None or seconds < 1 else f"for {format_duration(seconds)}"
