"""A fake venue under load: thousands of ticks a second, and a fault every few seconds.

``python -m tests.soak.venue NAME PORT RATE SEED FAULT_SECONDS JOURNAL`` serves a websocket at PORT and REST
at PORT + 1, until it is asked to stop, and writes what it sent to the journal.
"""

import asyncio
import json
import random
import signal
import sys
import time
from collections import Counter, deque
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.soak.formats import FORMATS, Format

_STEP_SECONDS: Final = 0.02
# One tick in ten is a trade.
_TRADE_EVERY: Final = 10
_HISTORY: Final = 400_000
# A client answers a ping when it has read what was sent before; it may still have some frames to look at.
_PING_SECONDS: Final = 0.5
_UNREAD_TICKS: Final = 100


class Venue:
    """One venue with one or more symbols, each at the same rate."""

    def __init__(self, form: type[Format], *, rate: float, seed: int, fault_seconds: float) -> None:
        self._form = form
        self._rate = rate
        self._random = random.Random(seed)
        self._fault_seconds = fault_seconds
        self._began = time.time()
        self._next = 1
        self._trades: deque[tuple[int, float]] = deque(maxlen=_HISTORY)
        self._conversations: dict[asyncio.Task[None], _Conversation] = {}
        self._closed_until = 0.0
        self._throttled_until = 0.0
        self._silent_until = 0.0
        self.counts: Counter[str] = Counter()
        self.is_calm = False
        # By connection, the numbers of the first and the last tick, and the last that surely arrived.
        self.connections: list[dict[str, Any]] = []
        self.silences: list[tuple[float, float]] = []

    def journal(self) -> dict[str, Any]:
        return {
            "venue": self._form.name,
            "rate": self._rate,
            "began": self._began,
            "ticks": self._next - 1,
            "connections": [*self.connections, *(each.record() for each in self._conversations.values())],
            "faults": dict(self.counts),
            "silences": self.silences,
        }

    # -- websocket ----------------------------------------------------------------------------------------

    def admit(self, socket: ServerConnection, _request: Request) -> Response | None:
        self.counts["handshakes"] += 1
        if time.time() < self._closed_until:
            return socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, "later\n")
        return None

    async def converse(self, socket: ServerConnection) -> None:
        task = asyncio.current_task()
        assert task is not None
        form = self._form(self._rate)
        conversation = self._conversations[task] = _Conversation(socket, form, self._next)
        try:
            await form.greet(socket)
            while not form.symbols_ready:
                await form.answer(socket, json.loads(await socket.recv()))
            for symbol in form.symbols:
                await socket.send(form.snapshot(symbol, self._next - 1, self._trades))
            conversation.is_streaming = True
            conversation.first = self._next
            async for message in socket:
                await form.answer(socket, json.loads(message))
        except ConnectionClosed:
            pass
        finally:
            await conversation.end()
            del self._conversations[task]
            self.connections.append(conversation.record())

    async def run(self) -> None:
        """Make ticks as time goes by, and send them to everyone who has subscribed."""
        fault_at = time.time() + self._fault_seconds
        beat_at = 0.0
        while True:
            await asyncio.sleep(_STEP_SECONDS)
            now = time.time()
            due = int((now - self._began) * self._rate)
            ticks: list[tuple[int, float]] = []
            while self._next <= due:
                number, self._next = self._next, self._next + 1
                stamp = self._began + number / self._rate
                if number % _TRADE_EVERY == 0:
                    self._trades.append((number // _TRADE_EVERY, stamp))
                ticks.append((number, stamp))
            is_fault = now >= fault_at and not self.is_calm
            if is_fault:
                fault_at = now + self._fault_seconds * self._random.uniform(0.6, 1.4)
            if now >= self._silent_until:
                for conversation in tuple(self._conversations.values()):
                    conversation.push(self._frames(conversation.form, ticks), now)
                    if now >= beat_at:
                        conversation.push(conversation.form.beats(self._trades), now)
            if now >= beat_at:
                beat_at = now + 0.5
            if is_fault:
                await self._fault(now)

    def _frames(self, form: Format, ticks: list[tuple[int, float]]) -> list[str]:
        frames: list[str] = []
        for number, stamp in ticks:
            if number % _TRADE_EVERY == 0:
                frames += form.trade(number // _TRADE_EVERY, stamp, self._rate)
            else:
                frames += form.quote(number, stamp, self._rate)
        return frames

    async def _fault(self, now: float) -> None:
        kind = self._random.choice(
            (
                "close_1001", "abort", "bad_json", "crossed", "future", "wide", "duplicate", "old", "unknown",
                "unavailable", "throttled_rest", "half_open",
            )
        )  # fmt: skip
        self.counts[kind] += 1
        if kind == "unavailable":
            self._closed_until = now + 2.0
            kind = "abort"
        if kind == "throttled_rest":
            self._throttled_until = now + 4.0
            return
        for conversation in tuple(self._conversations.values()):
            if conversation.is_streaming:
                await conversation.fault(kind, self._next, now, self._began, self._rate)

    def be_silent(self, seconds: float) -> None:
        """Send nothing at all for a while: the other venue has to take over."""
        now = time.time()
        self._silent_until = now + seconds
        self.silences.append((now, now + seconds))

    # -- REST ---------------------------------------------------------------------------------------------

    async def rest(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            line = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)[0].decode()
            target = urlsplit(line.split(" ")[1])
            self.counts["rest"] += 1
            if time.time() < self._throttled_until:
                self.counts["rest_429"] += 1
                head, body = "429 Too Many Requests\r\nRetry-After: 1", b"{}"
            else:
                answer = self._form.rest(target.path, parse_qs(target.query), self._trades, self._rate)
                head, body = "200 OK", json.dumps(answer).encode()
            writer.write(
                f"HTTP/1.1 {head}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                f"Connection: close\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        writer.close()


class _Conversation:
    """One connection, and what was sent over it."""

    def __init__(self, socket: ServerConnection, form: Format, number: int) -> None:
        self._socket = socket
        self.form = form
        self.is_streaming = False
        self.first = number
        self._is_half_open = False
        self._pinging: asyncio.Task[None] | None = None
        self._last = number - 1
        self._sure = number - 1
        self._opened = time.time()
        self._ended: float | None = None

    async def end(self) -> None:
        if self._pinging is not None:
            self._pinging.cancel()
            await asyncio.gather(self._pinging, return_exceptions=True)

    def record(self) -> dict[str, Any]:
        return {
            "symbols": list(self.form.symbols),
            "opened": self._opened,
            "ended": self._ended or time.time(),
            "first": self.first,
            "last": self._last,
            "sure": self._sure,
        }

    def push(self, frames: list[str], now: float) -> None:
        """Write without waiting: a venue does not slow down for one slow client."""
        if not self.is_streaming or self._is_half_open or self._socket.state != 1:
            return
        for text in frames:
            self._socket.protocol.send_text(text.encode())
        for chunk in self._socket.protocol.data_to_send():
            if chunk:
                self._socket.transport.write(chunk)
        if frames:
            self._last = self.form.last_number
            if self._pinging is None or self._pinging.done():
                self._pinging = asyncio.create_task(self._ping(self._last))

    async def _ping(self, number: int) -> None:
        """Learn that everything up to a tick has been read."""
        with suppress(ConnectionClosed):
            await (await self._socket.ping())
            self._sure = max(self._sure, number - _UNREAD_TICKS)
            await asyncio.sleep(_PING_SECONDS)

    async def fault(self, kind: str, number: int, now: float, began: float, rate: float) -> None:
        match kind:
            case "close_1001":
                self._ended = now
                await self._socket.close(1001)
            case "abort":
                self._ended = now
                self._socket.transport.abort()
            case "half_open":
                self._ended = now
                self._is_half_open = True
            case _:
                self.push(self.form.bad(kind, number - 1, began + (number - 1) / rate, rate), now)


async def main(name: str, port: int, rate: float, seed: int, fault_seconds: float) -> dict[str, Any]:
    venue = Venue(FORMATS[name], rate=rate, seed=seed, fault_seconds=fault_seconds)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR2, lambda: setattr(venue, "is_calm", True))
    loop.add_signal_handler(signal.SIGUSR1, lambda: venue.be_silent(12.0))
    async with (
        serve(
            venue.converse,
            "127.0.0.1",
            port,
            process_request=venue.admit,
            ping_interval=None,
            close_timeout=0.2,
            compression=None,
        ),
        await asyncio.start_server(venue.rest, "127.0.0.1", port + 1),
    ):
        running = asyncio.create_task(venue.run())
        print(datetime.now(UTC).isoformat(), name, "serves", flush=True)
        await asyncio.wait({running, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    return venue.journal()


if __name__ == "__main__":
    name, port, rate, seed, fault_seconds, path = sys.argv[1:]
    journal = asyncio.run(main(name, int(port), float(rate), int(seed), float(fault_seconds)))
    Path(path).write_text(json.dumps(journal))
