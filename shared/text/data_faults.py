"""The words for a data fault: why the data of a leg cannot be trusted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from shared.text.numbers import format_number

# What else the values of a data fault hold: how long it lasted, both values of a corrected close, and the
# closes that are not used.
_NOT_A_CAUSE: Final = (
    "lasted_seconds",
    "revised_from",
    "revised_to",
    "quarantined_closes",
    "quarantined_close",
    "quarantined_session",
    "last_good_close",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCause:
    """A cause of a data fault in words.

    Parameters
    ----------
    name
        Short, for tables and subjects.
    sentence
        What was seen, without a capital and a full stop.
    """

    name: str
    sentence: str


_CAUSES: Final[Mapping[str, FaultCause]] = {
    "stale": FaultCause(name="no ticks", sentence="no tick arrives although the market is open"),
    "bad_ticks": FaultCause(
        name="bad ticks", sentence="five prices within a minute were rejected as implausible"
    ),
    "missing_bar": FaultCause(
        name="missing bar", sentence="a session has ended and its daily bar has not arrived"
    ),
    "no_close_sample": FaultCause(
        name="no close", sentence="a session closed without a price from its last 15 minutes"
    ),
    "close_jump": FaultCause(
        name="implausible close",
        sentence="a close was more than half above the last good one, or more than a third below it",
    ),
    "unapplied_split": FaultCause(
        name="unapplied split",
        sentence="raw and adjusted close changed together by nearly the ratio of a split: a split was not "
        "applied, or the close is wrong",
    ),
    "stuck_close": FaultCause(name="stuck close", sentence="five closes in a row were equal"),
    "adjusted_splice": FaultCause(
        name="spliced adjustment",
        sentence="the adjusted close fell against the raw one, as where adjustments of different days were "
        "joined",
    ),
    "feeds_disagree": FaultCause(
        name="feeds disagree", sentence="two feeds of the instrument are further apart than usual"
    ),
    "clock_disagrees": FaultCause(
        name="clock disagrees", sentence="the clock of the ingestor and the times of the venue are apart"
    ),
    "late_open": FaultCause(
        name="late open", sentence="the market should have opened and no tick has arrived"
    ),
    "close_unexplained": FaultCause(
        name="unexplained close",
        sentence="a close that neither ticks, another source nor a split explains is held back",
    ),
    "revised_bar": FaultCause(
        name="corrected close", sentence="a close was corrected after it had been final"
    ),
}


def describe_cause(cause: str) -> FaultCause:
    """Return a cause in words; one that a later release added is called by its own name.

    Examples
    --------
    >>> describe_cause("stale").sentence, describe_cause("clock_skew")
    ('no tick arrives although the market is open', FaultCause(name='clock skew', sentence='clock skew'))
    """
    name = cause.replace("_", " ")
    return _CAUSES.get(cause) or FaultCause(name=name, sentence=name)


def causes_among(names: Iterable[str]) -> tuple[str, ...]:
    """Return those names of a data fault's values that are causes, in their order.

    Examples
    --------
    >>> causes_among({"stale": 75.0, "lasted_seconds": 80.0})
    ('stale',)
    """
    return tuple(name for name in names if name not in _NOT_A_CAUSE)


def describe_quarantine(values: Mapping[str, float | None]) -> str | None:
    """Return which closes are not used, as a sentence; None if a fault's values say nothing of any.

    Examples
    --------
    >>> describe_quarantine({"close_jump": 0.0, "quarantined_closes": 1.0, "quarantined_close": 999.7,
    ...                      "quarantined_session": 20200318.0, "last_good_close": 106.67})
    'The close of 2020-03-18, 999.70 after 106.67, is in no statistic.'
    >>> describe_quarantine({"lasted_seconds": 86400.0, "quarantined_closes": 3.0})
    '3 closes were kept out of the statistics meanwhile.'
    >>> describe_quarantine({"stale": 75.0}) is None
    True
    """
    count = values.get("quarantined_closes")
    if count is None:
        return None
    close, session = values.get("quarantined_close"), values.get("quarantined_session")
    if close is None or session is None:
        many = "1 close was" if count == 1 else f"{count:.0f} closes were"
        return f"{many} kept out of the statistics meanwhile."
    label, last = f"{session:.0f}", values.get("last_good_close")
    after = f" after {format_number(last, 2)}" if last is not None else ""
    newest = f"the close of {label[:4]}-{label[4:6]}-{label[6:]}, {format_number(close, 2)}{after}"
    if count == 1:
        return f"T{newest[1:]}, is in no statistic."
    return f"{count:.0f} closes are in no statistic; the newest is {newest}."
