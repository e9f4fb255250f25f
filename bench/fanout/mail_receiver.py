"""One mail server for all mails, as cheap as possible: what is measured is who sends.

Started as a process of its own: ``python -m bench.fanout.mail_receiver COUNT FILE``. It sends its port, and
then a line each time mails to COUNT different recipients have been taken. The first mail goes to FILE.
"""

import asyncio
import re
import sys
from pathlib import Path

from bench.fanout.arrivals import Arrivals
from bench.fanout.line_process import orders, send_answer

_RECIPIENT = re.compile(rb"RCPT TO:<r(\d+)@", re.IGNORECASE)
_END = b"\r\n.\r\n"
_REPLIES = {
    b"EHLO": b"250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10485760\r\n",
    b"HELO": b"250 localhost\r\n",
    b"MAIL": b"250 OK\r\n",
    b"RSET": b"250 OK\r\n",
    b"NOOP": b"250 OK\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}


class _Connection(asyncio.Protocol):
    """Take mails to recipients ``r<number>@...``, one each."""

    def __init__(self, arrivals: Arrivals, sample: Path) -> None:
        self._arrivals, self._sample = arrivals, sample
        self._received = bytearray()
        self._number = 0
        self._is_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 localhost ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        # The end of a mail may be cut anywhere; what was searched before is not searched again.
        begin = max(0, len(self._received) - len(_END) + 1)
        received = self._received
        received += data
        while True:
            ending = _END if self._is_data else b"\r\n"
            if (at := received.find(ending, begin if self._is_data else 0)) < 0:
                return
            part = bytes(received[:at])
            del received[: at + len(ending)]
            begin = 0
            self._take_mail(part) if self._is_data else self._take_command(part)

    def _take_mail(self, content: bytes) -> None:
        self._is_data = False
        if not self._sample.exists():
            self._sample.write_bytes(content + b"\r\n")
        self._transport.write(b"250 OK\r\n")
        self._arrivals.note_answered(self._number, self)

    def _take_command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"RCPT":
            recipient = _RECIPIENT.match(line)
            assert recipient is not None, line
            self._number = int(recipient[1])
            self._transport.write(b"250 OK\r\n")
            return
        self._transport.write(_REPLIES.get(verb, b"502 not here\r\n"))
        self._is_data = verb == b"DATA"
        if verb == b"QUIT":
            self._transport.close()


async def main(count: str, sample: str) -> None:
    """Serve as long as the starter runs."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: sys.exit(f"{context['message']}: {context['exception']!r}"))
    arrivals = Arrivals(int(count), send_answer)
    server = await loop.create_server(
        lambda: _Connection(arrivals, Path(sample)), "127.0.0.1", 0, backlog=1_024
    )
    send_answer(port=server.sockets[0].getsockname()[1])
    await (await orders()).read()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
