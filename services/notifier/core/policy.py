"""How attempts are spread over time and over receivers."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The operator's choices for the dispatcher.

    Parameters
    ----------
    retry_delays_seconds
        Longest wait before each next attempt; the last one repeats.
    limit, limit_per_subscription
        Most attempts in flight.
    """

    retry_delays_seconds: Sequence[float]
    limit: int
    limit_per_subscription: int
