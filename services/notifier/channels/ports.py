"""What the dispatcher needs of a way to reach a receiver."""

from dataclasses import dataclass
from typing import Protocol

from services.notifier.core.classify import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event for one receiver; equal on every attempt.

    Parameters
    ----------
    message_id
        The ``webhook-id`` or the ``Message-ID``.
    body
        The event, byte for byte as it was published.
    first_seen_ns
        Wall time when the notifier first held the event.
    """

    message_id: str
    body: bytes
    first_seen_ns: int


class Channel(Protocol):
    """Reach one receiver."""

    async def attempt(self, message: Message) -> Answer:
        """Try once and tell what the receiver answered; a fault of the network is an answer too.

        An exception means that this program is wrong.
        """
        ...
