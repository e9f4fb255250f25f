"""The parts of a message that depend on the divergence's kind; each kind fills them in `kinds`."""

from collections.abc import Callable
from dataclasses import dataclass

from services.notifier.render.scale import Scale
from services.notifier.render.wording import number
from shared.domain.divergences import Estimate
from shared.text.numbers import format_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table.

    Parameters
    ----------
    interval
        The 95% interval of an estimate; empty for anything else.
    """

    name: str
    value: str
    interval: str = ""
    note: str = ""


def estimate_row(
    name: str, value: Estimate, *, note: str = "", show: Callable[[float | None], str] = number
) -> Row:
    """Return the line of a number with its interval."""
    return Row(name=name, value=show(value.value), interval=format_interval(value, show), note=note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How one divergence of one kind is told, whatever happened to it last.

    Parameters
    ----------
    standing
        Headline of the opening, ``Gold is rich against IWM``; what happens later is added to it.
    over
        Headline of the end.
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

    standing: str
    over: str
    figure: str
    happened: str
    meaning: str
    ended: str
    withdrawn: str
    facts: tuple[Row, ...]
    scale: Scale | None = None
