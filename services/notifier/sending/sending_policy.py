"""How the deliveries of a channel are sent: limits, the schedule of retries, what is on disk first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.notifier.core.receiver_health import HealthPolicy

# More than a receiver has waiting unless it has failed for long; the rest stays in the store.
PER_RECEIVER: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingPolicy:
    """How a channel's deliveries are sent.

    Parameters
    ----------
    max_in_flight
        Most attempts at a time.
    receivers
        How each receiver is treated.
    relay
        How what all receivers are reached by is treated; None where there is nothing of that kind.
    begins_on_disk
        Whether a begun attempt must be on disk before the message is sent.
    retry_delays_seconds
        Longest wait before each next attempt; the last one repeats.
    per_receiver
        Most deliveries of one receiver in memory.
    """

    max_in_flight: int
    receivers: HealthPolicy
    relay: HealthPolicy | None
    begins_on_disk: bool
    retry_delays_seconds: Sequence[float]
    per_receiver: int = PER_RECEIVER
