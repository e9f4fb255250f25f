"""Log in to a mail server: RFC 4954 with PLAIN (RFC 4616), LOGIN and CRAM-MD5 (RFC 2195)."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterator
from typing import Final

from services.notifier.channels.smtp_connection import SmtpConnection
from services.notifier.core.smtp_reply import SmtpReply

# The server's challenge -> our answer, one after the other; the first goes out with the command if it can.
_Answers = Iterator[Callable[[bytes], bytes]]

# What hides the password first, unless the connection hides everything: many servers offer CRAM-MD5 without
# having what it needs, the password in the clear.
_WHEN_ENCRYPTED: Final = ("PLAIN", "LOGIN", "CRAM-MD5")
_IN_THE_CLEAR: Final = ("CRAM-MD5", "PLAIN", "LOGIN")
# The mechanism is unknown or too weak here: no login was tried.
_TRY_ANOTHER: Final = (504, 534)


async def log_in(
    connection: SmtpConnection,
    *,
    username: str,
    password: str,
    offered: Collection[str],
    is_encrypted: bool,
    timeout_seconds: float,
) -> SmtpReply | None:
    """Try one login, and return the reply that ends it; None if the server offers no mechanism that we know.

    Raises
    ------
    ConnectionFailed
        If the connection is lost.
    """
    user, secret = (text.encode("utf-8", errors="surrogateescape") for text in (username, password))
    reply = None
    for mechanism in _WHEN_ENCRYPTED if is_encrypted else _IN_THE_CLEAR:
        if mechanism not in offered:
            continue
        command, answers = _exchange(mechanism, user, secret)
        reply = await connection.command(command, timeout_seconds=timeout_seconds)
        for answer in answers:
            if reply.code != 334:
                break
            line = b64encode(answer(_challenge(reply)))
            reply = await connection.command(line, timeout_seconds=timeout_seconds)
        if reply.code not in _TRY_ANOTHER:
            break
    return reply


def _exchange(mechanism: str, user: bytes, secret: bytes) -> tuple[bytes, _Answers]:
    match mechanism:
        case "PLAIN":
            plain = b"\0%b\0%b" % (user, secret)
            # A server that ignores the initial response asks for it.
            return b"AUTH PLAIN " + b64encode(plain), iter([lambda _: plain])
        case "LOGIN":
            return b"AUTH LOGIN", iter([lambda _: user, lambda _: secret])
        case _:

            def digest(challenge: bytes) -> bytes:
                return user + b" " + hmac.new(secret, challenge, "md5").hexdigest().encode()

            return b"AUTH CRAM-MD5", iter([digest])


def _challenge(reply: SmtpReply) -> bytes:
    try:
        return b64decode(reply.lines[0])
    except ValueError:
        # Our answer will be wrong, and the server's reply says so.
        return b""
