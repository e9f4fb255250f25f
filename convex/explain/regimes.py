"""The regime, session by session, by the table in ``docs/divergences.md``.

========= ================= ==========
held      z                 wanted
========= ================= ==========
any       z ≥ 1             RISK_OFF
any       z ≤ −1            RISK_ON
any       inside ±0.5       NEUTRAL
any       otherwise         as held
========= ================= ==========

From the third session after a change on, the wanted regime becomes the held one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from convex.explain.arithmetic import mean_and_std

ENTER: Final = 1.0
LEAVE: Final = 0.5
SESSIONS_BETWEEN: Final = 3
NUMBERS: Final = {"RISK_ON": -1.0, "NEUTRAL": 0.0, "RISK_OFF": 1.0}
"""How an event's ``values`` name a regime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """The regime after one session.

    Parameters
    ----------
    index
        Of the session among the market's.
    since
        Sessions since the last change, 0 in the session of a change.
    """

    index: int
    z: float | None
    name: str
    since: int


def regimes(log_ratios: Sequence[float], *, size: int) -> list[Regime]:
    """Return the regime after each session that has ``size`` before it; the first begins as NEUTRAL."""
    found: list[Regime] = []
    held, since = "NEUTRAL", SESSIONS_BETWEEN
    for index in range(size, len(log_ratios)):
        base = mean_and_std(log_ratios[index - size : index])
        z = (log_ratios[index] - base.mean) / base.std if base.std > 0 else None
        since += 1
        wanted = held if z is None else wanted_by(z, held)
        if wanted != held and since >= SESSIONS_BETWEEN:
            held, since = wanted, 0
        found.append(Regime(index=index, z=z, name=held, since=since))
    return found


def wanted_by(z: float, held: str) -> str:
    """Return the regime that a z-score asks for.

    Examples
    --------
    >>> [wanted_by(z, "RISK_OFF") for z in (1.0, 0.5, 0.49, -0.7, -1.0)]
    ['RISK_OFF', 'RISK_OFF', 'NEUTRAL', 'RISK_OFF', 'RISK_ON']
    """
    if z >= ENTER:
        return "RISK_OFF"
    if z <= -ENTER:
        return "RISK_ON"
    return "NEUTRAL" if abs(z) < LEAVE else held
