"""A fake provider that streams lines of one HTTP answer, and plays what such providers have in common.

The answer comes in chunks, whose borders are anywhere: the scenarios ``split_chunk``, ``crlf`` and
``blank_line`` cut the same lines differently.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final, Protocol, Self

from tests.support.fake_feeds.http_server import Answer, Request, parse_request
from tests.support.fake_feeds.played_venue import ExpectedTick, Fault

_BEAT_SECONDS: Final = 0.05
_SECOND_NS: Final = 1_000_000_000


class LineFormat(Protocol):
    """How a provider writes its lines; one object for each answer."""

    def is_accepted(self, request: Request) -> bool:
        """Return whether the key is good."""
        ...

    def refusal(self, fault: Fault) -> Answer:
        """Return the answer in place of the stream."""
        ...

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[str, ExpectedTick]:
        """Return tick ``number`` (1, 2, ... over all answers) and what must come of it."""
        ...

    def heartbeat(self) -> str:
        """Return its heartbeat."""
        ...

    def without_price(self, symbol: str) -> str:
        """Return a tick whose price is null."""
        ...

    def one_sided(self, symbol: str) -> str:
        """Return a tick without a bid."""
        ...


class PlayedLines:
    """Play a scenario on the first answer; later ones are good.

    Parameters
    ----------
    symbols
        Ours, such as ``XAU/USD``.
    """

    def __init__(self, wire: LineFormat, *, scenario: str, symbols: tuple[str, ...]) -> None:
        self._wire = wire
        self._scenario = scenario
        self._symbols = symbols
        self._fault = Fault(scenario) if scenario in set(Fault) else None
        self._number = 0
        self._server: asyncio.Server | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.handshakes = 0
        self.requests: list[Request] = []
        self.expected: list[ExpectedTick] = []

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def heal(self) -> None:
        """Refuse nothing from now on."""
        self._fault = None
        self._scenario = "happy"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        for answer in tuple(self._answers):
            answer.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._answers.add(task)
        try:
            request = parse_request((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            self.handshakes += 1
            self.requests.append(request)
            fault = self._fault if self._wire.is_accepted(request) else Fault.BAD_KEY
            if fault is not None:
                writer.write(_whole(self._wire.refusal(fault)))
                await writer.drain()
                return
            self.connections += 1
            await self._stream(_Chunks(writer), is_first=self.connections == 1)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            # Cancelled by the end of the test: the server's own callback would print it.
            return
        finally:
            self._answers.discard(task)
            writer.close()

    async def _stream(self, chunks: "_Chunks", *, is_first: bool) -> None:
        await chunks.begin()
        scenario = self._scenario if is_first else "happy"
        if scenario in ("close_1000", "close_1006"):
            await self._happy(chunks)
            # Beside a clean end there is one in the middle of a chunk.
            await (chunks.end() if scenario == "close_1000" else chunks.abort())
            return
        await getattr(self, f"_{scenario}")(chunks)
        while True:
            await chunks.lines(self._wire.heartbeat())
            await asyncio.sleep(_BEAT_SECONDS)

    def _ticks(self, *, age_seconds: float = 0.0) -> list[str]:
        """Return three ticks of each symbol."""
        lines = []
        for _ in range(3):
            self._number += 1
            for symbol in self._symbols:
                line, expected = self._wire.tick(
                    symbol, self._number, time.time_ns() - int(age_seconds * _SECOND_NS)
                )
                if not age_seconds:
                    self.expected.append(expected)
                lines.append(line)
        return lines

    async def _happy(self, chunks: "_Chunks") -> None:
        await chunks.lines(*self._ticks())

    async def _no_first_data(self, chunks: "_Chunks") -> None:
        """Heartbeats, and never any price."""

    async def _ack_ok_then_silence(self, chunks: "_Chunks") -> None:
        await asyncio.Event().wait()

    async def _half_open(self, chunks: "_Chunks") -> None:
        await self._happy(chunks)
        await asyncio.Event().wait()

    async def _many_bad_frames(self, chunks: "_Chunks") -> None:
        await chunks.lines(*["{"] * 11)

    async def _unknown_type(self, chunks: "_Chunks") -> None:
        await chunks.lines('{"type":"NONSENSE","data":[]}', *self._ticks())

    async def _bad_json(self, chunks: "_Chunks") -> None:
        await chunks.lines('{"type":"PRICE","da', "[", '"', "NaN", *self._ticks())

    async def _binary_frame(self, chunks: "_Chunks") -> None:
        await chunks.raw(b"\x00\xff\x01\n")
        await self._happy(chunks)

    async def _huge_frame(self, chunks: "_Chunks") -> None:
        await chunks.lines('{"junk":"' + "x" * (1 << 20) + '"}', *self._ticks())

    async def _null_price(self, chunks: "_Chunks") -> None:
        await chunks.lines(*map(self._wire.without_price, self._symbols), *self._ticks())

    async def _clock_skew_future(self, chunks: "_Chunks") -> None:
        await chunks.lines(*self._ticks(age_seconds=-3_600), *self._ticks())

    async def _clock_skew_past(self, chunks: "_Chunks") -> None:
        await chunks.lines(*self._ticks(age_seconds=7_200), *self._ticks())

    async def _bids_empty(self, chunks: "_Chunks") -> None:
        await chunks.lines(*map(self._wire.one_sided, self._symbols), *self._ticks())

    async def _stale_snapshot(self, chunks: "_Chunks") -> None:
        """Friday's price on a Sunday, and nothing after it."""
        await chunks.lines(*self._ticks(age_seconds=150_000)[: len(self._symbols)])

    async def _split_chunk(self, chunks: "_Chunks") -> None:
        whole = "".join(f"{line}\n" for line in self._ticks()).encode()
        # Borders inside of names and numbers, and two lines in one chunk.
        for begin in range(0, len(whole), 97):
            await chunks.raw(whole[begin : begin + 97])

    async def _crlf(self, chunks: "_Chunks") -> None:
        await chunks.raw("".join(f"{line}\r\n" for line in self._ticks()).encode())

    async def _blank_line(self, chunks: "_Chunks") -> None:
        await chunks.raw("".join(f"\n{line}\n\r\n" for line in self._ticks()).encode())


class _Chunks:
    """An HTTP answer in chunks."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def begin(self) -> None:
        self._writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        await self._writer.drain()

    async def raw(self, part: bytes) -> None:
        self._writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        await self._writer.drain()

    async def lines(self, *lines: str) -> None:
        for line in lines:
            await self.raw(f"{line}\n".encode())

    async def end(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def abort(self) -> None:
        self._writer.write(b'1000\r\n{"type":"PR')
        await self._writer.drain()
        self._writer.transport.abort()


def _whole(answer: Answer) -> bytes:
    headers: Mapping[str, str] = {
        "Content-Type": answer.content_type,
        "Content-Length": str(len(answer.body)),
        "Connection": "close",
        **answer.headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.status} X\r\n{lines}\r\n".encode() + answer.body
