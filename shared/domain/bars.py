"""Daily bars: one completed session of one instrument, usable from ``known_at`` on."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.errors import QualityError

# How many sessions of a leg are kept, and the most that a history record holds: the longest window is 252
# sessions, and with a half-life of 20 sessions the weight left after 800 is 1e-12.
HISTORY_SESSIONS: Final = 800
# The oldest price that may be sampled as a session's close. Spot gold is always open in the last minutes of a
# session, so the age needs no calendar.
MAX_SAMPLE_AGE_NS: Final = 15 * 60 * 1_000_000_000
# Far beyond any real price, and far within what the statistics can divide and square.
LEAST_PRICE: Final = 1e-9
MOST_PRICE: Final = 1e12

_INT64_END: Final = 1 << 63


class BarStatus(StrEnum):
    """How settled a bar is."""

    PROVISIONAL = "provisional"
    FINAL = "final"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One session's prices.

    Parameters
    ----------
    instrument
        For instance ``IWM.ARCX``.
    session
        Exchange-local date label, ``YYYY-MM-DD``.
    close
        Raw close, USD, positive.
    adj_close
        Close adjusted for splits and dividends, scaled so that the newest bar of the same history
        has ``adj_close == close``.
    known_at_ns
        The instant from which it may be used, nanoseconds since the Unix epoch.
    status, revision
        Revision 0 is the first; each later change has the next number.
    source
        Where it comes from, for instance ``yahoo``, ``replay``, ``sampled``.
    open, high, low, volume
        Raw; None where the source has closes only, and where its value cannot be right (see below).

    Raises
    ------
    QualityError
        If a close is not positive and finite or not from `LEAST_PRICE` to `MOST_PRICE`, or ``known_at_ns`` or
        ``revision`` is out of range.

    Notes
    -----
    Statistics use closes only, so a wrong value beside the close does not cost the session: it becomes None.
    That holds for a price that a close could not have either, a low above the close, a high below it, an open
    outside low and high, and a volume that is negative or not finite.

    Examples
    --------
    >>> bar = Bar(instrument="IWM.SIM", session="2020-03-18", close=99.97, adj_close=99.97, known_at_ns=0,
    ...           source="yahoo", open=108.0, high=9.5, low=95.69, volume=-1.0)
    >>> bar.close, bar.open, bar.high, bar.low, bar.volume
    (99.97, 108.0, None, 95.69, None)
    """

    instrument: str
    session: str
    close: float
    adj_close: float
    known_at_ns: int
    status: BarStatus = BarStatus.FINAL
    revision: int = 0
    source: str
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("close", self.close), ("adj_close", self.adj_close)):
            if not (math.isfinite(value) and value > 0):
                raise QualityError(
                    f"{name} of {self.instrument} on {self.session} must be positive, was {value}",
                    reason="not_positive",
                )
            if not LEAST_PRICE <= value <= MOST_PRICE:
                raise QualityError(
                    f"{name} of {self.instrument} on {self.session} must lie between {LEAST_PRICE:g} and "
                    f"{MOST_PRICE:g}, was {value}",
                    reason="outside_range",
                )
        if not (0 <= self.known_at_ns < _INT64_END and 0 <= self.revision < _INT64_END):
            raise QualityError(
                f"known_at_ns and revision of {self.instrument} on {self.session} must lie between 0 and "
                f"2**63, were {self.known_at_ns} and {self.revision}",
                reason="implausible_instant",
            )
        for name in self._wrong_side_fields():
            object.__setattr__(self, name, None)

    def _wrong_side_fields(self) -> list[str]:
        """Return the names of the values beside the close that cannot be right."""
        if self.open is self.high is self.low is self.volume is None:
            return []
        wrong = [name for name in ("open", "high", "low") if not _is_price(getattr(self, name))]
        low, high = (None if name in wrong else getattr(self, name) for name in ("low", "high"))
        if low is not None and low > self.close:
            wrong.append("low")
            low = None
        if high is not None and high < self.close:
            wrong.append("high")
            high = None
        if "open" not in wrong and self.open is not None:
            is_outside = (low is not None and self.open < low) or (high is not None and self.open > high)
            wrong += ["open"] if is_outside else []
        if self.volume is not None and not (math.isfinite(self.volume) and self.volume >= 0):
            wrong.append("volume")
        return wrong


def _is_price(value: float | None) -> bool:
    """Return whether a value can be a price; an absent one can."""
    return value is None or (math.isfinite(value) and LEAST_PRICE <= value <= MOST_PRICE)


class BarsMode(StrEnum):
    """What a batch of bars means for the rules."""

    HISTORY = "history"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class BarBatch:
    """Bars routed into a lead's log.

    Parameters
    ----------
    mode
        ``history`` only fills windows, because nobody wants 600 old alerts. Rules are evaluated on ``live``.
    bars
        Ascending by session, all of one instrument.
    """

    instrument: str
    mode: BarsMode
    bars: tuple[Bar, ...]
