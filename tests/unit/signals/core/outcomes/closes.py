"""Aligned sessions from a few closes."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.history import day_of


def labels(count: int, *, first: str = "2019-01-02") -> tuple[str, ...]:
    """Return the first weekdays from a date on."""
    days = (date.fromisoformat(first) + timedelta(days=each) for each in range(2 * count + 7))
    return tuple(day.isoformat() for day in days if day.weekday() < 5)[:count]


def closes(
    lead: Sequence[float], other: Sequence[float] | None = None, *, first: str = "2019-01-02"
) -> AlignedSessions:
    """Return sessions on weekdays; without closes of its own the other leg stands at 1."""
    a = np.array(lead, dtype=np.float64)
    b = np.ones_like(a) if other is None else np.array(other, dtype=np.float64)
    return AlignedSessions(
        days=np.array([day_of(label) for label in labels(len(a), first=first)], dtype=np.int32),
        lead=a,
        other=b,
        log_ratio=np.log(a / b),
        lead_returns=np.log(a[1:] / a[:-1]),
        other_returns=np.log(b[1:] / b[:-1]),
    )
