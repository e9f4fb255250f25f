"""Events without a duration: they open and close in one instant, and a person reads about them once."""

from shared.domain.divergences import DivergenceEvent


def is_instant(event: DivergenceEvent) -> bool:
    """Tell whether the divergence ends in the instant in which it begins.

    A change of the regime does, and so does a correction of a close, which is told as a fault of the data.
    """
    return event.kind.is_instant or (not event.kind.is_market and "revised_to" in event.values)
