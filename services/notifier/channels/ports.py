"""What the dispatcher needs of a channel to a receiver."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from services.notifier.core.attempt_result import AttemptResult
from services.notifier.core.deliveries import Replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event for one receiver.

    Parameters
    ----------
    event_id
        The event that ``body`` is; what is made from it can be kept by this id.
    message_id
        The ``webhook-id`` or the ``Message-ID``; equal on every attempt.
    body
        The event, byte for byte as it was published.
    first_seen_ns
        Wall time when the notifier received the event for the first time.
    endpoint_sequence
        Its number among the messages for this receiver, from 1 without gaps; 0 where none is counted.
    replaces
        Earlier messages of the divergence that the receiver never got, oldest first.
    needs_fresh_connection
        The receiver failed the last time: a connection that was open then may be dead.
    """

    event_id: str
    message_id: str
    body: bytes
    first_seen_ns: int
    endpoint_sequence: int = 0
    replaces: tuple[Replaced, ...] = ()
    needs_fresh_connection: bool = False


class CancelledBeforeSending(asyncio.CancelledError):
    """An attempt was cancelled before the receiver can have taken the message."""


class Channel(Protocol):
    """A way to reach one receiver."""

    async def attempt(self, message: Message) -> AttemptResult:
        """Send the message once and return the result; a network failure is a result, too.

        An exception is a bug in this program, `CancelledBeforeSending` excepted.
        """
        ...
