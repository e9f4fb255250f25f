"""The parts of a message that depend on the divergence's kind; each kind fills them in `kinds`."""

from dataclasses import dataclass

from services.notifier.render.scale import Scale
from services.notifier.render.wording import estimate, interval
from shared.domain.divergences import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table.

    Parameters
    ----------
    interval
        The 95 % interval of an estimate; empty for anything else.
    """

    name: str
    value: str
    interval: str = ""
    note: str = ""


def estimate_row(
    name: str, value: Estimate, *, note: str = "", is_share: bool = False, is_signed: bool = False
) -> Row:
    """Return the line of a number with its interval."""
    return Row(
        name=name,
        value=estimate(Estimate(value=value.value), is_share=is_share, is_signed=is_signed),
        interval=interval(value, is_share=is_share, is_signed=is_signed),
        note=note,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How one divergence of one kind is told, whatever happened to it last.

    Parameters
    ----------
    opened, over
        Headlines of the opening and of the end.
    standing
        Headline of what happens in between, which is added to it: ``Gold rich against IWM``.
    figure
        The statistic that decided, for the subject: ``z +2.31``; empty where there is none to tell.
    happened, ended, withdrawn
        What the opening saw and what the end saw, a sentence each; and why an early warning is withdrawn.
    meaning
        What it means to a reader.
    facts
        The statistics that decided.
    scale
        Where the deciding one lies; None where it is undefined or on no scale.
    """

    opened: str
    standing: str
    over: str
    figure: str
    happened: str
    meaning: str
    ended: str
    withdrawn: str
    facts: tuple[Row, ...]
    scale: Scale | None = None
