"""What a reply of the mail server means for a mail, at each step of the conversation.

========================================== =========== ======================== ========
SMTP reply                                 result      reason                   blame
========================================== =========== ======================== ========
2xx to the message                         Delivered   -
any refusal of the session                 Deferred    ``smtp_unusable``        relay
5xx to the sender's address                Deferred    ``sender_refused``       relay
*our own fault*, anywhere                  Deferred    ``smtp_unusable``        relay
4xx to anything else                       Deferred    ``smtp_deferred``        receiver
5xx that says: full, or not yet            Deferred    ``smtp_deferred``        receiver
5xx that our operator mends                Deferred    ``smtp_unusable``,       receiver
                                                       ``sender_refused``
any other 5xx to the recipient's address   Rejected    ``recipient_refused``
any other 5xx to DATA or the message       Rejected    ``message_refused``
no reply, or nonsense, to the message      Unknown     -
nonsense before the message                Deferred    ``smtp_unusable``        receiver
========================================== =========== ======================== ========

The session is the greeting, EHLO, STARTTLS and the login. Each step but DATA succeeds by any 2xx, DATA by any
3xx, and only a 2xx after the final dot delivers.

A mail server that refuses *us* (a wrong password, a sender that it does not know) is a problem that our
operator fixes, and every mail that waited must then still be sent: that is Deferred, never Rejected. Its code
decides at every step: a server that wants a login may say so only at RCPT.

References
----------
RFC 5321 section 4.2, RFC 4954 section 6 (login), RFC 3463 and RFC 7372 (enhanced status codes).
"""

from enum import StrEnum
from typing import Final

from services.notifier.core.attempt_result import (
    AttemptResult,
    Blame,
    Deferred,
    Delivered,
    FailureReason,
    Rejected,
    Unknown,
)
from services.notifier.core.smtp_reply import SmtpReply


class SmtpStep(StrEnum):
    """A step of the conversation that the server answers."""

    GREETING = "greeting"
    HELLO = "hello"
    TLS = "tls"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"
    MESSAGE = "message"


_SESSION: Final = frozenset({SmtpStep.GREETING, SmtpStep.HELLO, SmtpStep.TLS, SmtpStep.LOGIN})

# A login is missing, was refused or is not possible; or the server does not understand what we say.
_OUR_FAULT_CODES: Final = frozenset({432, 454, 500, 501, 502, 503, 504, 523, 530, 534, 535, 538})
# X.7.8 to X.7.13: credentials; X.7.57 is Exchange's "client was not authenticated".
_LOGIN_DETAILS: Final = frozenset({8, 9, 10, 11, 12, 13, 57})
# RFC 7372: the signature, the SPF record or the reverse name of our mail server is wrong.
_SENDER_SETUP_DETAILS: Final = range(20, 31)


def classify_smtp_reply(reply: SmtpReply, step: SmtpStep) -> Deferred | Rejected | None:
    """Return what a reply before the message means; None if the next step can be taken.

    Examples
    --------
    >>> classify_smtp_reply(SmtpReply(code=252), SmtpStep.RECIPIENT) is None
    True
    >>> classify_smtp_reply(SmtpReply(code=550), SmtpStep.RECIPIENT).reason
    <FailureReason.RECIPIENT_REFUSED: 'recipient_refused'>
    >>> classify_smtp_reply(SmtpReply(code=530), SmtpStep.RECIPIENT).reason  # we fix a login: the mail waits
    <FailureReason.SMTP_UNUSABLE: 'smtp_unusable'>
    """
    if _succeeds(reply, step):
        return None
    if step in _SESSION:
        return _unusable(reply)
    if 400 <= reply.code <= 599:
        return _refusal(reply, step)
    return Deferred(reason=FailureReason.SMTP_UNUSABLE, detail=str(reply))


def classify_message_reply(reply: SmtpReply) -> AttemptResult:
    """Return what the reply to the whole message means.

    Examples
    --------
    >>> classify_message_reply(SmtpReply(code=250))
    Delivered(disables=False)
    >>> classify_message_reply(SmtpReply(code=354)).name
    'unknown'
    """
    if reply.is_success:
        return Delivered()
    if 400 <= reply.code <= 599:
        return _refusal(reply, SmtpStep.MESSAGE)
    return Unknown(detail=str(reply))


def _succeeds(reply: SmtpReply, step: SmtpStep) -> bool:
    if step in (SmtpStep.GREETING, SmtpStep.TLS):
        # Only 220 says that the server is ready: RFC 5321 section 3.1, RFC 3207 section 4.
        return reply.code == 220
    if step is SmtpStep.DATA:
        return 300 <= reply.code <= 399
    return reply.is_success


def _refusal(reply: SmtpReply, step: SmtpStep) -> Deferred | Rejected:
    detail = str(reply)
    if is_our_fault(reply, step):
        return _unusable(reply)
    if reply.code <= 499:
        return Deferred(reason=FailureReason.SMTP_DEFERRED, detail=detail)
    if _is_too_large(reply):
        return Rejected(reason=FailureReason.MESSAGE_REFUSED, detail=detail)
    if step is SmtpStep.SENDER:
        return Deferred(reason=FailureReason.SENDER_REFUSED, blame=Blame.RELAY, detail=detail)
    mendable = _mendable(reply, step)
    if mendable is not None:
        return Deferred(reason=mendable, detail=detail)
    refused = FailureReason.RECIPIENT_REFUSED if step is SmtpStep.RECIPIENT else FailureReason.MESSAGE_REFUSED
    return Rejected(reason=refused, detail=detail)


def is_our_fault(reply: SmtpReply, step: SmtpStep) -> bool:
    """Return whether a reply complains about this program or its login, so that it concerns every mail.

    Examples
    --------
    >>> is_our_fault(SmtpReply(code=503, lines=(b"5.5.1 bad sequence",)), SmtpStep.SENDER)
    True
    >>> is_our_fault(SmtpReply(code=501, lines=(b"5.1.3 bad address syntax",)), SmtpStep.RECIPIENT)
    False
    """
    match reply.enhanced:
        case (_, 7, detail) if detail in _LOGIN_DETAILS:
            return True
        case (_, 1, _) if step is SmtpStep.RECIPIENT:
            # About the address, whatever the code.
            return False
        case (4, 7, 1) if step is SmtpStep.RECIPIENT:
            # "454 4.7.1 Relay access denied": for this domain.
            return False
    return reply.code in _OUR_FAULT_CODES


def _is_too_large(reply: SmtpReply) -> bool:
    return reply.enhanced == (5, 3, 4) or reply.enhanced == (5, 2, 3)


def _mendable(reply: SmtpReply, step: SmtpStep) -> FailureReason | None:
    """Return why a 5xx is not the end: time or our operator can mend what it complains about."""
    match reply.enhanced:
        case (_, 1, 7 | 8):
            # The sender's address, refused late.
            return FailureReason.SENDER_REFUSED
        case (_, 2, 2):
            # A full mailbox: RFC 3463 calls it transient by nature.
            return FailureReason.SMTP_DEFERRED
        case (_, 3, 1 | 2 | 5):
            # A disk that is full, a system that takes no mail now or is wrongly configured.
            return FailureReason.SMTP_DEFERRED
        case (_, 7, detail) if step is SmtpStep.RECIPIENT or detail in _SENDER_SETUP_DETAILS:
            # Relaying denied, our host blocked, our signature wrong.
            return FailureReason.SMTP_UNUSABLE
        case None if step is SmtpStep.RECIPIENT and reply.code == 552:
            # RFC 5321 section 4.5.3.1.10: to be treated as 452.
            return FailureReason.SMTP_DEFERRED
    return None


def _unusable(reply: SmtpReply) -> Deferred:
    return Deferred(reason=FailureReason.SMTP_UNUSABLE, blame=Blame.RELAY, detail=str(reply))
