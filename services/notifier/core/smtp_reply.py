"""Read the replies of an SMTP server from the bytes that it sends: RFC 5321 section 4.2, and RFC 3463.

A reply is one or more lines, each of three digits, a hyphen if another line follows, and text. The server may
be broken or hostile, so the size of a reply is bounded and nothing is guessed: lines with different codes, or
without one, are no reply.
"""

import re
from dataclasses import dataclass
from typing import Final

from services.notifier.core.answer_text import shown_answer

# RFC 5321 allows 512 bytes a line; some servers send more.
_MAX_LINE_BYTES: Final = 8_192
# The longest replies are to EHLO, and have a few kilobytes.
_MAX_REPLY_BYTES: Final = 32_768
_LINE: Final = re.compile(rb"(?P<code>[0-9]{3})(?P<more>-|[ \t]|\Z)(?P<text>.*)", re.DOTALL)
_ENHANCED: Final = re.compile(rb"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?:\s|\Z)")


class MalformedReply(Exception):
    """What a server sent is no reply; the connection cannot be used any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpReply:
    """A complete reply.

    Parameters
    ----------
    lines
        The text of each line, without the code.
    """

    code: int
    lines: tuple[bytes, ...] = (b"",)

    @property
    def is_success(self) -> bool:
        """Return whether the code is any 2xx: which of them says nothing that a client has to know."""
        return 200 <= self.code <= 299

    @property
    def enhanced(self) -> tuple[int, int, int] | None:
        """Return the enhanced status code, if there is one that agrees with the reply code.

        Examples
        --------
        >>> SmtpReply(code=550, lines=(b"5.1.1 no such user",)).enhanced
        (5, 1, 1)
        >>> SmtpReply(code=450, lines=(b"5.1.1 no such user",)).enhanced is None
        True
        """
        match = _ENHANCED.match(self.lines[0])
        if match is None or int(match[1]) != self.code // 100:
            return None
        return (int(match[1]), int(match[2]), int(match[3]))

    def __str__(self) -> str:
        """Return code and text as one printable line for the operator."""
        return shown_answer(b"%03d %b" % (self.code, b" ".join(self.lines)))


class ReplyParser:
    r"""Collect bytes until replies are complete.

    Examples
    --------
    >>> parser = ReplyParser()
    >>> parser.feed(b"250-mail.example\r\n250 SI")
    ()
    >>> [str(reply) for reply in parser.feed(b"ZE\r\n")]
    ['250 mail.example SIZE']
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._lines: list[bytes] = []
        self._code = 0
        self._size = 0

    @property
    def is_empty(self) -> bool:
        """Return whether no reply has begun."""
        return not self._line and not self._lines

    def feed(self, data: bytes) -> tuple[SmtpReply, ...]:
        """Return the replies that these bytes complete.

        Raises
        ------
        MalformedReply
            If they cannot be a reply; the parser must not be used any more.
        """
        replies: list[SmtpReply] = []
        *ended, rest = data.split(b"\n")
        for part in ended:
            self._keep(part)
            reply = self._end_line()
            if reply is not None:
                replies.append(reply)
        self._keep(rest)
        return tuple(replies)

    def _keep(self, part: bytes) -> None:
        self._line += part
        self._size += len(part)
        if len(self._line) > _MAX_LINE_BYTES or self._size > _MAX_REPLY_BYTES:
            raise MalformedReply(f"reply too long: {shown_answer(bytes(self._line[:_MAX_LINE_BYTES]))}")

    def _end_line(self) -> SmtpReply | None:
        line = bytes(self._line)
        self._line.clear()
        match = _LINE.fullmatch(line.removesuffix(b"\r"))
        if match is None:
            raise MalformedReply(f"not an SMTP reply: {shown_answer(line)}")
        code = int(match["code"])
        if self._lines and code != self._code:
            raise MalformedReply(f"a reply with the codes {self._code:03d} and {shown_answer(line)}")
        self._code = code
        self._lines.append(match["text"].strip())
        if match["more"] == b"-":
            # An empty line costs memory, too.
            self._size += 64
            return None
        reply = SmtpReply(code=code, lines=tuple(self._lines))
        self._lines.clear()
        self._size = 0
        return reply
