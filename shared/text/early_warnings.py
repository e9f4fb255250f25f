"""How likely the next close agrees with an early warning, in words."""

from typing import Final

from shared.domain.divergences import Transition
from shared.text.numbers import DASH, format_percent

# A probability is an estimate: nearer to 0 or 1 than this its digits say nothing.
_LEAST: Final = 0.01


def format_probability(probability: float | None, *, missing: str = DASH) -> str:
    """Return a probability in whole percent, never as certain.

    Examples
    --------
    >>> format_probability(0.8412), format_probability(0.9996), format_probability(0.002)
    ('84%', 'over 99%', 'under 1%')
    """
    if probability is not None and probability > 1 - _LEAST:
        return f"over {format_percent(1 - _LEAST, 0)}"
    if probability is not None and probability < _LEAST:
        return f"under {format_percent(_LEAST, 0)}"
    return format_percent(probability, 0, missing=missing)


def describe_probability(probability: float, transition: Transition) -> str:
    """Return the sentence about the next close that a provisional event carries.

    Parameters
    ----------
    probability
        That the next close is at or beyond the warning level; of an escalation, the critical one.

    Examples
    --------
    >>> describe_probability(0.8412, Transition.OPEN)
    'The next close opens it with a probability of 84%.'
    >>> describe_probability(0.31, Transition.CLOSED)
    'The next close is still at the warning level or beyond with a probability of 31%.'
    """
    likely = f"with a probability of {format_probability(probability)}"
    match transition:
        case Transition.OPEN:
            return f"The next close opens it {likely}."
        case Transition.ESCALATED:
            return f"The next close is at the critical level or beyond {likely}."
        case _:
            return f"The next close is still at the warning level or beyond {likely}."
