"""What the dispatcher needs of a channel to a receiver."""

from dataclasses import dataclass
from typing import Protocol

from services.notifier.core.attempt_result import AttemptResult


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
        Wall time when the notifier received the event for the first time.
    """

    message_id: str
    body: bytes
    first_seen_ns: int


class Channel(Protocol):
    """A way to reach one receiver."""

    async def attempt(self, message: Message) -> AttemptResult:
        """Send the message once and return the result; a network failure is a result, too.

        An exception is a bug in this program.
        """
        ...
