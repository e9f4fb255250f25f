"""Whether our wall clock and a venue's disagree, and for how long that is true.

=========================================== ==============================================================
the fault                                   when
=========================================== ==============================================================
begins                                      the clocks differ by over 5 s at every look for 10 s, while the
                                            venue's time is known to seconds
ends                                        they differ by at most 3 s
=========================================== ==============================================================

The venue's time is then right for everything in the log; the fault says that a person should look at the
clock of this machine, or that this venue's data is delayed.
"""

from dataclasses import dataclass
from typing import Final

from services.ingestor.core.venue_clock import VenueClock
from shared.domain.instants import NS_PER_SECOND

DISAGREES_NS: Final = 5 * NS_PER_SECOND
AGREES_NS: Final = 3 * NS_PER_SECOND
_LASTING_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockChange:
    """The disagreement begins or ends.

    Parameters
    ----------
    at_ns
        The venue's time, nanoseconds since the Unix epoch.
    ahead_ns
        Our wall clock less the venue's time.
    """

    is_open: bool
    at_ns: int
    ahead_ns: int

    @property
    def detail(self) -> str:
        """Return a sentence with the numbers.

        Examples
        --------
        >>> ClockChange(is_open=True, at_ns=0, ahead_ns=172_800 * 10**9).detail
        "Our clock is 172800 s ahead of the venue's: either it is wrong, or the venue's data is delayed."
        >>> ClockChange(is_open=True, at_ns=0, ahead_ns=-60 * 10**9).detail
        "Our clock is 60 s behind the venue's: it is wrong, or the venue's is."
        >>> ClockChange(is_open=False, at_ns=0, ahead_ns=10**9).detail
        "Our clock and the venue's agree again."
        """
        if not self.is_open:
            return "Our clock and the venue's agree again."
        seconds = abs(self.ahead_ns) / NS_PER_SECOND
        if self.ahead_ns < 0:
            return f"Our clock is {seconds:.0f} s behind the venue's: it is wrong, or the venue's is."
        return (
            f"Our clock is {seconds:.0f} s ahead of the venue's: either it is wrong, or the venue's data is "
            "delayed."
        )


class ClockDisagreement:
    """The comparison of our wall clock with one venue's."""

    def __init__(self) -> None:
        self.is_open = False
        self._since: float | None = None

    def look(self, venue: VenueClock, *, wall_ns: int, now: float) -> ClockChange | None:
        """Compare the clocks, about once a second; return a change if the fault begins or ends."""
        if not venue.is_known:
            return None
        at_ns = venue.now_ns(now=now)
        ahead_ns = wall_ns - at_ns
        if self.is_open:
            if abs(ahead_ns) > AGREES_NS:
                return None
            self.is_open, self._since = False, None
            return ClockChange(is_open=False, at_ns=at_ns, ahead_ns=ahead_ns)
        if abs(ahead_ns) <= DISAGREES_NS or not venue.is_certain(now=now):
            self._since = None
            return None
        if self._since is None:
            self._since = now
        if now - self._since < _LASTING_SECONDS:
            return None
        self.is_open = True
        return ClockChange(is_open=True, at_ns=at_ns, ahead_ns=ahead_ns)
