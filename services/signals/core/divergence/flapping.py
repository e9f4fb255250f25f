"""Whether a divergence opens and closes too often to report each time.

Nagios's method: the 20 steps between the last 21 states are weighted, from 0.8 for the oldest to 1.2 for the
newest. Flapping starts when the weighted share of steps that are changes reaches 0.5, and ends when it falls
below 0.25. States that were never recorded count as closed. While it flaps, a divergence is held open.

References
----------
Nagios Core documentation, "Detection and Handling of State Flapping".
"""

from typing import Final

_STATES: Final = 21
_MASK: Final = (1 << _STATES) - 1
# Oldest change first: from 0.8 to 1.2, 1 on the average.
_WEIGHTS: Final = tuple(0.8 + 0.4 * index / (_STATES - 2) for index in range(_STATES - 1))
_BEGIN: Final = 0.5
_END: Final = 0.25


def with_state(states: int, is_open: bool, *, times: int = 1) -> int:
    """Return the states with a new one appended, once or several times.

    Examples
    --------
    >>> bin(with_state(0b1, False)), bin(with_state(0b10, True, times=3))
    ('0b10', '0b10111')
    """
    for _ in range(min(times, _STATES)):
        states = (states << 1 | is_open) & _MASK
    return states


def change_share(states: int) -> float:
    """Return the weighted share of changes, 0 to 1.

    Examples
    --------
    One opening is one change, the newest; at most twenty changes fit.

    >>> round(change_share(0b1), 9), round(change_share(0b101010101010101010101), 9)
    (0.06, 1.0)
    """
    changes = states ^ (states >> 1)
    # Bit 0 of the changes is the newest one.
    weighed = sum(weight for age, weight in enumerate(reversed(_WEIGHTS)) if changes >> age & 1)
    return weighed / (_STATES - 1)


def is_flapping(states: int, *, was_flapping: bool) -> bool:
    """Return whether a divergence with these states flaps.

    Examples
    --------
    >>> states = with_state(0, True)
    >>> for _ in range(5):
    ...     states = with_state(with_state(states, False), True)
    >>> is_flapping(states, was_flapping=False)
    True
    >>> is_flapping(with_state(states, True, times=4), was_flapping=True)
    True
    >>> is_flapping(with_state(states, True, times=20), was_flapping=True)
    False
    """
    return change_share(states) >= (_END if was_flapping else _BEGIN)


def states_until_settled(states: int) -> int:
    """Return how many times the newest state must be recorded again until the flapping ends.

    Examples
    --------
    >>> states_until_settled(0)
    0
    """
    is_open = bool(states & 1)
    count = 0
    while is_flapping(with_state(states, is_open, times=count), was_flapping=True):
        count += 1
    return count
