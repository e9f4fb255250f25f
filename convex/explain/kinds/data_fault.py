"""What a ``data_fault`` states: its causes and how long each held. Nothing is computed from faulty data."""

from convex.explain.material import Material
from convex.explain.wording import moment, price
from convex.explain.working import Conclusion, Line, Working
from shared.domain.divergences import Direction, Transition
from shared.text.data_faults import causes_among, describe_cause, describe_quarantine
from shared.text.durations import format_duration


def working_of(material: Material) -> Working:
    """Return the statements of the event; none of them is recomputed."""
    event = material.event
    leg = material.titles.lead if event.direction is Direction.LEAD else material.titles.other
    causes = {name: value for name, value in event.values.items() if name in causes_among(event.values)}
    lines = tuple(
        Line(name=name, formula=describe_cause(name).sentence, result=_lasted(value))
        for name, value in causes.items()
    )
    revised = event.values.get("revised_from"), event.values.get("revised_to")
    if revised[0] is not None and revised[1] is not None:
        causes["revised_bar"] = None
        change = f"{price(revised[0])} became {price(revised[1])}"
        lines += (Line(name="revised_bar", formula=describe_cause("revised_bar").sentence, result=change),)
    unused = describe_quarantine(event.values)
    if unused is not None:
        count = event.values["quarantined_closes"]
        lines += (Line(name="quarantined_closes", formula=unused, result=f"{count:.0f}"),)
    lasted = event.values.get("lasted_seconds")
    if lasted is not None:
        lines += (Line(name="lasted", formula=f"since {moment(event.opened_at)}", result=_lasted(lasted)),)
    is_open = event.type is not Transition.CLOSED
    what = "could not be trusted" if is_open else "could be trusted again"
    names = " and ".join(causes)
    conclusion = Conclusion(
        text=f"the data of {leg} are at fault: {names}" if causes else "the event names no cause",
        holds=bool(causes),
    )
    if not is_open and not causes:
        conclusion = Conclusion(text=f"no cause is left: {leg} can be used")
    return Working(
        sentence=f"At {moment(event.occurred_at)} the data of {leg} {what}.",
        lines=lines,
        conclusions=(
            conclusion,
            Conclusion(text="while it holds, nothing opens or escalates on this leg's pairs"),
        )
        if is_open
        else (conclusion,),
    )


def _lasted(seconds: float | None) -> str:
    return "" if seconds is None else f"for {format_duration(seconds)}"
