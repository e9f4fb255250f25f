"""One receiver of all webhooks, as cheap as possible: what is measured is who posts.

Started as a process of its own: ``python -m bench.fanout.webhook_receiver COUNT SECRET``. It sends its port,
and then a line each time COUNT different paths have been answered 204. It verifies the first webhook of each
event.
"""

import asyncio
import re
import sys

from standardwebhooks.webhooks import Webhook

from bench.fanout.arrivals import Arrivals
from bench.fanout.line_process import orders, send_answer

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_REQUEST = re.compile(rb"POST /(\d+) HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    """Answer each POST once its body is there."""

    def __init__(self, arrivals: Arrivals, verifier: Webhook) -> None:
        self._arrivals, self._verifier = arrivals, verifier
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        received = self._received
        received += data
        while (end := received.find(b"\r\n\r\n") + 4) >= 4:
            head = bytes(received[:end])
            request, length = _REQUEST.match(head), _LENGTH.search(head)
            assert request is not None, head
            assert length is not None, head
            whole = end + int(length[1])
            if len(received) < whole:
                return
            if self._arrivals.is_empty:
                self._verify(head, bytes(received[end:whole]))
            del received[:whole]
            self._transport.write(_ANSWER)
            self._arrivals.note_answered(int(request[1]), self)

    def _verify(self, head: bytes, body: bytes) -> None:
        lines = (line.partition(":") for line in head.decode("ascii").split("\r\n")[1:])
        self._verifier.verify(body, {name.lower(): value.strip() for name, _, value in lines})


async def main(count: str, secret: str) -> None:
    """Serve as long as the starter runs."""
    loop = asyncio.get_running_loop()
    # A message that is refused would be repeated for ever; the run must end instead.
    loop.set_exception_handler(lambda _, context: sys.exit(f"{context['message']}: {context['exception']!r}"))
    arrivals, verifier = Arrivals(int(count), send_answer), Webhook(secret)
    server = await loop.create_server(lambda: _Connection(arrivals, verifier), "127.0.0.1", 0, backlog=1_024)
    send_answer(port=server.sockets[0].getsockname()[1])
    await (await orders()).read()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
