"""The data of a leg cannot be trusted: what is wrong, since when, and what to do about it.

The values of such an event are seconds by cause: for how long each has held. Where none holds any more there
is ``lasted_seconds`` instead, and a corrected close says what it was corrected from and to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.notifier.render.telling import Row, Telling
from services.notifier.render.wording import duration, number
from shared.domain.divergences import Direction, DivergenceEvent

_NO_CAUSE: Final = ("lasted_seconds", "revised_from", "revised_to")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A cause in words.

    Parameters
    ----------
    name
        Short, for tables and subjects.
    saw
        What was seen, in a sentence.
    remedy
        What a person does about it.
    """

    name: str
    saw: str
    remedy: str


CAUSES: Final[Mapping[str, Cause]] = {
    "stale": Cause(
        name="no ticks",
        saw="No tick arrives although the market is open.",
        remedy="Check that the ingestor runs and its feed is connected.",
    ),
    "bad_ticks": Cause(
        name="bad ticks",
        saw="Price after price is too far from the last one to be believed.",
        remedy="Compare the price with another source, and look for an outage at the venue.",
    ),
    "missing_bar": Cause(
        name="missing bar",
        saw="A session has ended and its daily bar has not come.",
        remedy="Check the source of the daily bars; the bar is taken as soon as it comes.",
    ),
    "no_close_sample": Cause(
        name="no close",
        saw="No price was young enough at a session's close to be taken as the close.",
        remedy="Check that the feed ran through the close; statistics lack the session until its bar comes.",
    ),
    "revised_bar": Cause(
        name="corrected close",
        saw="A close was corrected after it had been final.",
        remedy="Check the correction at the source; the statistics have been recomputed with it.",
    ),
}


def tell(event: DivergenceEvent, lead: str, other: str) -> Telling:
    """Return how a fault of a leg's data is told."""
    leg = lead if event.direction is Direction.LEAD else other
    if "revised_to" in event.values:
        return _correction(event, leg)
    causes = {name: _cause(name) for name in event.values if name not in _NO_CAUSE}
    state = f"The data of {leg} cannot be trusted"
    seen = " ".join(cause.saw for cause in causes.values() if cause.saw)
    quiet = f"While it lasts, no new divergence of {lead} and {other} is told."
    remedies = " ".join(cause.remedy for cause in causes.values() if cause.remedy)
    facts = [
        Row(name=cause.name.capitalize(), value=_lasting(event.values[name]), note=cause.saw)
        for name, cause in causes.items()
    ]
    lasted = event.values.get("lasted_seconds")
    if lasted is not None:
        facts.append(Row(name="Lasted", value=duration(lasted)))
    return Telling(
        opened=state,
        standing=state,
        over=f"The data of {leg} can be trusted again",
        figure=", ".join(cause.name for cause in causes.values()),
        happened=seen or f"Something is wrong with the data of {leg}.",
        meaning=f"{quiet} {remedies}".strip(),
        ended=f"The fault is over: divergences of {lead} and {other} are told again.",
        withdrawn="there was no fault",
        facts=tuple(facts),
    )


def _correction(event: DivergenceEvent, leg: str) -> Telling:
    cause = CAUSES["revised_bar"]
    before, after = (number(event.values.get(name)) for name in ("revised_from", "revised_to"))
    state = f"A close of {leg} was corrected"
    return Telling(
        opened=state,
        standing=state,
        over=state,
        figure=f"{before} → {after}",
        happened=f"A close of {leg} was corrected after it had been final, from {before} to {after}.",
        meaning=f"{cause.remedy} A divergence that stood on the old one is told again as revised.",
        ended="A correction has no duration: there is nothing to wait for.",
        withdrawn="there was no correction",
        facts=(Row(name="Close before", value=before), Row(name="Close now", value=after)),
    )


def _cause(name: str) -> Cause:
    # A cause that a later release adds is told by its own name.
    return CAUSES.get(name) or Cause(name=name.replace("_", " "), saw="", remedy="")


def _lasting(seconds: float | None) -> str:
    return "now" if seconds is None or seconds < 1 else f"for {duration(seconds)}"
