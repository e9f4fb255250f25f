"""The faults that are open, over all feeds of an instrument: what of them is reported, and when again.

A reader of the log knows one fault of a kind for each instrument. Where two feeds report the same kind, it
ends with the last of them. Readers forget a fault that is not reported again for a day, and all faults of
an instrument when another process begins to write; so each is reported again in both cases.
"""

from dataclasses import replace
from typing import Final

from shared.domain.instants import NS_PER_SECOND
from shared.domain.ticks import AuthorityReason, FeedFault, FeedFaultKind

# With these a process begins to write.
BEGINS_ANEW: Final = (AuthorityReason.FIRST, AuthorityReason.TAKEN_OVER)
AGAIN_NS: Final = 6 * 3_600 * NS_PER_SECOND


class OpenFaults:
    """The open faults of all instruments.

    Examples
    --------
    >>> faults = OpenFaults()
    >>> begins = FeedFault(instrument="IWM.ARCX", feed="alpaca", fault=FeedFaultKind.FEEDS_DISAGREE,
    ...                    is_open=True, at_ns=5)
    >>> faults.take(begins).is_open, [each.at_ns for each in faults.again("IWM.ARCX", 9)]
    (True, [9])
    """

    def __init__(self) -> None:
        self._open: dict[tuple[str, FeedFaultKind], dict[str, FeedFault]] = {}
        self._reported_ns: dict[tuple[str, FeedFaultKind], int] = {}

    def take(self, fault: FeedFault) -> FeedFault:
        """Take in that a feed says that a fault begins, holds or ends; return what to report."""
        key = (fault.instrument, fault.fault)
        by_feed = self._open.setdefault(key, {})
        by_feed.pop(fault.feed, None)
        report = fault
        if fault.is_open:
            by_feed[fault.feed] = fault
        elif by_feed:
            # Another feed still says so, in other words.
            report = replace(next(reversed(by_feed.values())), at_ns=fault.at_ns)
        self._reported_ns[key] = fault.at_ns
        if not by_feed:
            del self._open[key], self._reported_ns[key]
        return report

    def again(self, instrument: str, at_ns: int) -> tuple[FeedFault, ...]:
        """Return every open fault of an instrument, to be reported again."""
        return self._reported_again([key for key in self._open if key[0] == instrument], at_ns)

    def due(self, instrument: str, at_ns: int) -> tuple[FeedFault, ...]:
        """Return the open faults of an instrument that were not reported for `AGAIN_NS`."""
        return self._reported_again(
            [
                key
                for key in self._open
                if key[0] == instrument and at_ns - self._reported_ns[key] >= AGAIN_NS
            ],
            at_ns,
        )

    def forget(self) -> None:
        """Forget all: another process sees and tells its own."""
        self._open.clear()
        self._reported_ns.clear()

    def _reported_again(self, keys: list[tuple[str, FeedFaultKind]], at_ns: int) -> tuple[FeedFault, ...]:
        self._reported_ns.update(dict.fromkeys(keys, at_ns))
        return tuple(replace(next(reversed(self._open[key].values())), at_ns=at_ns) for key in keys)
