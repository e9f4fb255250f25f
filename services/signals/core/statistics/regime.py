"""Risk-off, risk-on or neutral: a label from the z-score that does not flicker.

======== ====================== ===========================
held     z                      wanted
======== ====================== ===========================
any      z >= 1                 RISK_OFF
any      z <= -1                RISK_ON
NEUTRAL  -1 < z < 1             NEUTRAL
RISK_OFF -0.5 < z < 0.5         NEUTRAL
RISK_OFF otherwise, -1 < z < 1  RISK_OFF
RISK_ON  -0.5 < z < 0.5         NEUTRAL
RISK_ON  otherwise, -1 < z < 1  RISK_ON
any      None                   held, but reported as None
======== ====================== ===========================

"Inside ±0.5" is open: at exactly 0.5 the regime stays. It is about ``|z|``: risk-off does not end
because z jumped from 1.2 to -0.7, it ends inside ±0.5 or turns to risk-on at -1.

After a change at session ``s`` what is wanted becomes what is held at ``s + 3`` at the earliest, and
only if it is still wanted then. Sessions without a z-score count. The history starts as NEUTRAL,
settled: the first z-score may change it at once, and that counts as a change.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

RISK_OFF = "RISK_OFF"
RISK_ON = "RISK_ON"
NEUTRAL = "NEUTRAL"

ENTER = 1.0
LEAVE = 0.5

# A one-session spike and its echo cannot name two regimes.
_SESSIONS_BETWEEN_CHANGES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeState:
    """The regime after one session, and what the next step needs to know.

    Parameters
    ----------
    name
        ``RISK_OFF``, ``RISK_ON`` or ``NEUTRAL``; None in a session without a z-score.
    sessions_since_change
        0 in the session of the change; at least 3 means that the next session may change it.
    suspended
        The regime still held while ``name`` is None; None otherwise, and before the first z-score.
    """

    name: str | None
    sessions_since_change: int
    suspended: str | None = None

    def __post_init__(self) -> None:
        """Refuse a state that no sequence of sessions leads to."""
        for regime in (self.name, self.suspended):
            if regime not in (None, RISK_OFF, RISK_ON, NEUTRAL):
                raise ValueError(f"a regime must be {RISK_OFF}, {RISK_ON} or {NEUTRAL}, was {regime!r}")
        if self.name is not None and self.suspended is not None:
            raise ValueError(f"a regime must be named or suspended, was both: {self.name}, {self.suspended}")
        if self.sessions_since_change < 0:
            raise ValueError(f"sessions_since_change must not be negative, was {self.sessions_since_change}")


START = RegimeState(name=None, sessions_since_change=_SESSIONS_BETWEEN_CHANGES)
"""The state before the first session of a history."""


def next_regime(state: RegimeState, z: float | None) -> RegimeState:
    """Apply one session to the regime; the table is in the module's docstring.

    Parameters
    ----------
    state
        The state after the session before; `START` for the first one.
    z
        The session's ``z_90``; None when it has none.

    Returns
    -------
    RegimeState
        The state after this session.

    Examples
    --------
    >>> state = next_regime(START, 1.0)
    >>> state
    RegimeState(name='RISK_OFF', sessions_since_change=0, suspended=None)

    The next change waits for the third session, however far z has gone by then:

    >>> for z in (0.0, -3.0, 0.0):
    ...     state = next_regime(state, z)
    ...     print(state.name, state.sessions_since_change)
    RISK_OFF 1
    RISK_OFF 2
    NEUTRAL 0

    A session without a z-score has no regime, but does not forget it:

    >>> next_regime(RegimeState(name="RISK_OFF", sessions_since_change=7), None)
    RegimeState(name=None, sessions_since_change=8, suspended='RISK_OFF')
    """
    held = state.name or state.suspended
    if z is None:
        return _state(None, state.sessions_since_change + 1, held)
    return _state(*_step(held or NEUTRAL, state.sessions_since_change, z), None)


def walk_regimes(zscores: Iterable[float | None], state: RegimeState = START) -> list[RegimeState]:
    """Apply session after session, as `next_regime` does one.

    Parameters
    ----------
    zscores
        The sessions' ``z_90``, in order; None or NaN for a session that has none.
    state
        The state before the first of them.

    Returns
    -------
    list of RegimeState
        The state after each.

    Examples
    --------
    >>> [each.name for each in walk_regimes([None, 1.5, float("nan"), 0.6, 0.4])]
    [None, 'RISK_OFF', None, 'RISK_OFF', 'NEUTRAL']
    """
    states = []
    held, sessions = state.name or state.suspended, state.sessions_since_change
    for z in zscores:
        # NaN alone differs from itself.
        if z is None or z != z:
            sessions += 1
            states.append(_state(None, sessions, held))
        else:
            held, sessions = _step(held or NEUTRAL, sessions, z)
            states.append(_state(held, sessions, None))
    return states


def _step(held: str, sessions: int, z: float) -> tuple[str, int]:
    wanted = _wanted(held, z)
    if wanted != held and sessions + 1 >= _SESSIONS_BETWEEN_CHANGES:
        return wanted, 0
    return held, sessions + 1


# Pairs share their states: they are values, and few of them are ever different.
@lru_cache(maxsize=8192)
def _state(name: str | None, sessions: int, suspended: str | None) -> RegimeState:
    return RegimeState(name=name, sessions_since_change=sessions, suspended=suspended)


def _wanted(held: str, z: float) -> str:
    if z >= ENTER:
        return RISK_OFF
    if z <= -ENTER:
        return RISK_ON
    return NEUTRAL if abs(z) < LEAVE else held
