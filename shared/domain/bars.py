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
        Raw; None where the source has closes only.

    Raises
    ------
    QualityError
        If a price is not positive and finite or not from `LEAST_PRICE` to `MOST_PRICE`, the close is not
        between low and high, the volume is negative or not finite, or ``known_at_ns`` or ``revision`` is out
        of range.
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
        for name in ("close", "adj_close", "open", "high", "low"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise QualityError(
                    f"{name} of {self.instrument} on {self.session} must be positive, was {value}",
                    reason="not_positive",
                )
            if value is not None and not LEAST_PRICE <= value <= MOST_PRICE:
                raise QualityError(
                    f"{name} of {self.instrument} on {self.session} must lie between {LEAST_PRICE:g} and "
                    f"{MOST_PRICE:g}, was {value}",
                    reason="outside_range",
                )
        if self.low is not None and self.high is not None and not self.low <= self.close <= self.high:
            raise QualityError(
                f"close of {self.instrument} on {self.session} must lie between low {self.low} "
                f"and high {self.high}, was {self.close}",
                reason="outside_range",
            )
        if self.volume is not None and not (math.isfinite(self.volume) and self.volume >= 0):
            raise QualityError(
                f"volume of {self.instrument} on {self.session} must not be negative, was {self.volume}",
                reason="negative_volume",
            )
        if not (0 <= self.known_at_ns < _INT64_END and 0 <= self.revision < _INT64_END):
            raise QualityError(
                f"known_at_ns and revision of {self.instrument} on {self.session} must lie between 0 and "
                f"2**63, were {self.known_at_ns} and {self.revision}",
                reason="implausible_instant",
            )


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
