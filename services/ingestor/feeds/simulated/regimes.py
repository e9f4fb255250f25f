"""Which mood the simulated market is in, session by session, and how far from its band that takes the pair.

======== ========================== ==========================================
regime   z at the session's close   what the pair does
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
class SessionMood:
    """What a session is to look like.

    Parameters
    ----------
    peak_z
        Where the live z-score goes for some minutes before it turns to ``close_z``; None for no detour.
    close_z
        Where the live z-score is at the session's close.
    """

    peak_z: float | None
    close_z: float


def moods(rng: np.random.Generator) -> Iterator[SessionMood]:
    """Yield moods without end: a flight to safety first, then both sides in turn.

    Examples
    --------
    >>> endless = moods(np.random.default_rng(1))
    >>> next(endless)
    SessionMood(peak_z=None, close_z=2.6)
    >>> abs(next(endless).close_z) < 2
    True
    """
    side = 1.0
    excursion = _FIRST_Z
    while True:
        yield SessionMood(peak_z=None, close_z=side * excursion)
        if rng.random() < _CHANCE_OF_FALLBACK:
            yield SessionMood(peak_z=None, close_z=side * rng.uniform(1.2, 1.6))
        yield calm(rng)
        yield calm(rng)
        side = -side
        if rng.random() < _CHANCE_OF_FALSE_ALARM:
            yield SessionMood(peak_z=side * rng.uniform(2.4, 2.7), close_z=rng.uniform(-0.5, 0.5))
            # Sessions enough for the cooldown of the side whose turn it is.
            for _ in range(3):
                yield calm(rng)
            side = -side
        excursion = rng.uniform(3.1, 3.3) if rng.random() < _CHANCE_OF_CRITICAL else rng.uniform(2.4, 2.8)


def calm(rng: np.random.Generator) -> SessionMood:
    """Return a session inside the band."""
    return SessionMood(peak_z=None, close_z=rng.uniform(-0.5, 0.5))
