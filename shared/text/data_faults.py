"""The words for a data fault: why the data of a leg cannot be trusted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

# What else the values of a data fault hold: how long it lasted, and both values of a corrected close.
_NOT_A_CAUSE: Final = ("lasted_seconds", "revised_from", "revised_to")


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
