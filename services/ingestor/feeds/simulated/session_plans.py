"""The plan of each session of the simulated market: how far it moves the main pair.

======== ========================== ==========================================
plan     z at the session's close   what the pair does
======== ========================== ==========================================
FLIGHT   2.4 to 3.3                 gold leaves small caps behind
RISK_ON  −2.4 to −3.3               small caps leave gold behind
FALLBACK 1.2 to 1.6 of that side    half way back: an open divergence stays open
CALM     −0.5 to 0.5                inside the band: an open divergence closes
======== ========================== ==========================================

A false alarm is a calm session that was beyond 2.4 for some minutes: opened early, not confirmed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

# The first session shows what the system is for: far enough out to open, not so far that it escalates.
_FIRST_Z: Final = 2.6
_CHANCE_OF_FALSE_ALARM: Final = 0.25
_CHANCE_OF_CRITICAL: Final = 0.25
_CHANCE_OF_FALLBACK: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlan:
    """The plan of one session.

    Parameters
    ----------
    peak_z
        Where the live z-score goes for some minutes before it turns to ``close_z``; None for no detour.
    close_z
        Where the live z-score is at the session's close.
    """

    peak_z: float | None
    close_z: float


def session_plans(rng: np.random.Generator) -> Iterator[SessionPlan]:
    """Yield plans without end: a flight to safety first, then both sides in turn.

    Examples
    --------
    >>> endless = session_plans(np.random.default_rng(1))
    >>> next(endless)
    SessionPlan(peak_z=None, close_z=2.6)
    >>> abs(next(endless).close_z) < 2
    True
    """
    side = 1.0
    excursion = _FIRST_Z
    while True:
        yield SessionPlan(peak_z=None, close_z=side * excursion)
        if rng.random() < _CHANCE_OF_FALLBACK:
            yield SessionPlan(peak_z=None, close_z=side * rng.uniform(1.2, 1.6))
        yield calm_session(rng)
        yield calm_session(rng)
        side = -side
        if rng.random() < _CHANCE_OF_FALSE_ALARM:
            yield SessionPlan(peak_z=side * rng.uniform(2.4, 2.7), close_z=rng.uniform(-0.5, 0.5))
            # Enough sessions for the cooldown of the side that comes next.
            for _ in range(3):
                yield calm_session(rng)
            side = -side
        excursion = rng.uniform(3.1, 3.3) if rng.random() < _CHANCE_OF_CRITICAL else rng.uniform(2.4, 2.8)


def calm_session(rng: np.random.Generator) -> SessionPlan:
    """Return a session inside the band."""
    return SessionPlan(peak_z=None, close_z=rng.uniform(-0.5, 0.5))
