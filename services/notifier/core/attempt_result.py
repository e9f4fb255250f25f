"""The results of an attempt.

What the answer to a webhook means is in `services.notifier.core.http_answer`, what the replies of a mail
server mean in `services.notifier.core.smtp_answers`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class FailureReason(StrEnum):
    """Why an attempt did not deliver, or why a delivery ended without having been delivered."""

    REQUEST_TIMEOUT = "request_timeout"
    TOO_EARLY = "too_early"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    REDIRECTED = "redirected"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    NOT_HTTP = "not_http"
    GONE = "gone"
    DNS_FAILED = "dns_failed"
    CONNECT_FAILED = "connect_failed"
    TIMED_OUT = "timed_out"
    CONNECTION_LOST = "connection_lost"
    ADDRESS_REFUSED = "address_refused"
    SMTP_DEFERRED = "smtp_deferred"
    SMTP_UNUSABLE = "smtp_unusable"
    SENDER_REFUSED = "sender_refused"
    RECIPIENT_REFUSED = "recipient_refused"
    MESSAGE_REFUSED = "message_refused"
    SUBSCRIPTION_REMOVED = "subscription_removed"
    DEADLINE_PASSED = "deadline_passed"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"
    INTERNAL = "internal"
    ABORTED = "aborted"
    DISABLED = "disabled"


class Blame(StrEnum):
    """What an attempt failed at: the receiver itself, or the mail server that all mails go through."""

    RECEIVER = "receiver"
    RELAY = "relay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The receiver accepted the message.

    Parameters
    ----------
    disables
        The receiver wants no message after this one.
    """

    name: ClassVar[str] = "delivered"

    disables: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Not delivered now; a later attempt may succeed.

    Parameters
    ----------
    retry_after_seconds
        How long the receiver asked to wait; None if it did not ask.
    blame
        Who has to be left alone for a while: this receiver, or the relay with all its mails.
    detail
        For the operator who reads the log of attempts.
    """

    name: ClassVar[str] = "deferred"

    reason: FailureReason
    retry_after_seconds: float | None = None
    blame: Blame = Blame.RECEIVER
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Another attempt cannot succeed."""

    name: ClassVar[str] = "rejected"

    reason: FailureReason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The receiver wants no more messages, now or later.

    Parameters
    ----------
    reason
        ``gone`` after a 410, ``disabled`` after ``webhook-delivery: disable``.
    """

    name: ClassVar[str] = "gone"

    reason: FailureReason = FailureReason.GONE
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The message may have arrived: the answer was lost after all of it was sent, or this process ended.

    A webhook is then repeated with its id, by which the receiver recognises it; a mail, whose reader would
    see it twice, at most once.
    """

    name: ClassVar[str] = "unknown"

    blame: Blame = Blame.RECEIVER
    detail: str = ""


AttemptResult = Delivered | Deferred | Rejected | Gone | Unknown
