"""The faults of a leg's data that the ingestor reports, and when each ends if no record says so.

===================== ============================ ====================================================
fault                 what the ingestor saw        without a record of its end, it ends
===================== ============================ ====================================================
``feeds_disagree``    two feeds of the instrument  a day after the last record that says that it holds
                      are further apart than usual
``clock_disagrees``   its clock and the venue's    the same
                      times are apart
``late_open``         no tick although the market  at the close of that session
                      should have opened
``close_unexplained`` a close that nothing         the same as the first; if the bar stays away, it is
                      explains is held back        missing by then, which is a fault of its own
===================== ============================ ====================================================

An ingestor that starts, or takes over from another one, reports itself what it still sees. So the authority
records that say this (`BEGINS_ANEW`) end every open fault of the instrument: the one that saw them is gone.
"""

from dataclasses import dataclass
from typing import Final

from shared.domain.instants import NS_PER_SECOND
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import AuthorityReason, FeedFaultKind

BEGINS_ANEW: Final = (AuthorityReason.FIRST, AuthorityReason.TAKEN_OVER)
"""Why a feed is authoritative where another ingestor than before writes the log from then on."""
_LONGEST_NS: Final = 24 * 3_600 * NS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFeedFault:
    """A fault that the ingestor reported.

    Parameters
    ----------
    detail
        Its own words, with the numbers.
    ends_at_ns
        Event time at which it ends without another record.
    """

    kind: FeedFaultKind
    detail: str
    ends_at_ns: int


def ends_at_ns(kind: FeedFaultKind, at_ns: int, *, calendar: SessionCalendar) -> int:
    """Return when a fault ends that was reported at an instant, without another record.

    Examples
    --------
    >>> calendar = SessionCalendar(labels=("2020-03-18",), open_ns=(5,), close_ns=(9,))
    >>> ends_at_ns(FeedFaultKind.LATE_OPEN, 6, calendar=calendar)
    9
    >>> ends_at_ns(FeedFaultKind.FEEDS_DISAGREE, 6, calendar=calendar)
    86400000000006
    """
    latest_ns = at_ns + _LONGEST_NS
    if kind is not FeedFaultKind.LATE_OPEN:
        return latest_ns
    ordinal = calendar.first_closing_at_or_after(at_ns + 1)
    return min(latest_ns, calendar.close_ns[ordinal]) if ordinal < len(calendar.close_ns) else latest_ns


def without_due(faults: tuple[OpenFeedFault, ...], at_ns: int) -> tuple[OpenFeedFault, ...]:
    """Return the faults that have not ended by the passing of time at an instant."""
    return tuple(each for each in faults if each.ends_at_ns > at_ns)
