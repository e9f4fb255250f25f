"""The texts that depend on a divergence's kind; each file in `kinds` fills them for one kind."""

from dataclasses import dataclass

from services.notifier.render.scale import Scale
from services.notifier.render.tables import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class KindText:
    """What to write about one divergence of one kind, whatever its latest transition is.

    Parameters
    ----------
    headline
        Headline of the opening, ``Gold is rich against IWM``; later transitions add to it.
    closed_headline
        Headline of the end.
    figure
        The deciding statistic, for the subject: ``z +2.31``; empty where it is undefined.
    happened, ended
        What happened at the opening and at the end, a sentence each.
    withdrawn
        Why an early warning is withdrawn; completes the sentence "The early warning is withdrawn: ...".
    meaning
        What it means for the reader.
    facts
        The statistics that decided.
    scale
        Where the deciding statistic lies; None where it is undefined or has no scale.
    """

    headline: str
    closed_headline: str
    figure: str
    happened: str
    meaning: str
    ended: str
    withdrawn: str
    facts: tuple[Row, ...]
    scale: Scale | None = None
