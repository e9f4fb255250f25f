"""The values of one kind and direction at a close that its rule is compared with."""

from dataclasses import dataclass

from shared.domain.divergences import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The values that the rule of one kind is compared with, for one direction, at one close.

    Parameters
    ----------
    x
        The statistic, signed so that it grows with the divergence: compared with warning and critical.
    leave_value
        Compared with leave; for most kinds the same as ``x``.
    can_open
        Whether the kind's other conditions for an opening or an escalation hold.
    """

    x: float
    leave_value: float
    can_open: bool = True


def sign_of(direction: Direction) -> float:
    """Return the sign, 1 or -1, to multiply a statistic by so that it grows with the divergence.

    Examples
    --------
    >>> sign_of(Direction.RISK_OFF), sign_of(Direction.RISK_ON)
    (1.0, -1.0)
    """
    return -1.0 if direction in (Direction.RISK_ON, Direction.LOOSENING) else 1.0


def symmetric(direction: Direction, statistic: float | None, *, can_open: bool = True) -> Observation | None:
    """Return the observation of a kind whose directions are the two signs of one statistic.

    Examples
    --------
    >>> symmetric(Direction.RISK_ON, 2.5)
    Observation(x=-2.5, leave_value=-2.5, can_open=True)
    >>> symmetric(Direction.RISK_ON, None) is None
    True
    """
    if statistic is None:
        return None
    x = sign_of(direction) * statistic
    return Observation(x=x, leave_value=x, can_open=can_open)
