"""What a ``data_fault`` says: which cause, for how long. It judges the data, so nothing is computed."""

from typing import Final

from convex.explain.material import Material
from convex.explain.wording import moment, price
from convex.explain.working import Line, Verdict, Working
from shared.domain.divergences import Direction, Transition

_CAUSES: Final = {
    "stale": "the feed was silent although its market was open",
    "bad_ticks": "five prices within a minute jumped too far to be believed",
    "missing_bar": "two hours after the daily bar should have been final, it was not there",
    "no_close_sample": "a session closed without a price of its last 15 minutes",
}


def work(material: Material) -> Working:
    """Return what a fault says about itself."""
    event = material.event
    leg = material.titles.lead if event.direction is Direction.LEAD else material.titles.other
    causes = {name: value for name, value in event.values.items() if name in _CAUSES}
    lines = tuple(
        Line(name=name, formula=_CAUSES[name], result=_lasted(value)) for name, value in causes.items()
    )
    revised = event.values.get("revised_from"), event.values.get("revised_to")
    if revised[0] is not None and revised[1] is not None:
        causes["revised_bar"] = None
        change = f"{price(revised[0])} became {price(revised[1])}"
        lines += (
            Line(name="revised_bar", formula="a close that was already used was corrected", result=change),
        )
    lasted = event.values.get("lasted_seconds")
    if lasted is not None:
        lines += (Line(name="lasted", formula=f"since {moment(event.opened_at)}", result=_lasted(lasted)),)
    is_open = event.type is not Transition.CLOSED
    what = "could not be trusted" if is_open else "could be trusted again"
    names = " and ".join(causes)
    verdict = Verdict(
        text=f"{leg} is at fault: {names}" if causes else "the event names no cause",
        holds=bool(causes),
    )
    if not is_open and not causes:
        verdict = Verdict(text=f"no cause holds any more: {leg} can be used")
    return Working(
        sentence=f"At {moment(event.occurred_at)} the data of {leg} {what}.",
        lines=lines,
        verdicts=(verdict, Verdict(text="while it holds, nothing opens or escalates on this leg's pairs"))
        if is_open
        else (verdict,),
    )


def _lasted(seconds: float | None) -> str:
    return "" if seconds is None else f"for {seconds:g} s"
