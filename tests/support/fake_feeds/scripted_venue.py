"""A venue that a test plays frame by frame in memory, and a protocol that is read at a glance.

============================== =========================================
frame                          event
============================== =========================================
``beat``                       Heartbeat
``ack [SYMBOL]``               Acknowledged
``quote SYMBOL BID``           Quote of now, ask one above
``at SYMBOL BID SECONDS``      the same, so many seconds ago
``untimed SYMBOL BID``         Quote without a time
``trade SYMBOL ID``            Trade
``reject [SYMBOL] KIND WORDS`` Rejected; an empty symbol is ``*``
``reply FRAME``                Reply
``rotate``                     Rotate
``explode``                    raises: a fault of the protocol
anything else                  Unknown
============================== =========================================
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.streaming.connection import ConnectionPlan
from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    Quote,
    Rejected,
    Reply,
    Rotate,
    Trade,
    Unknown,
)
from services.ingestor.feeds.streaming.ports import KeepAlive
from services.ingestor.feeds.transport.carrier import Channel, ChannelEnded

PRICE = 4_000.0


class PlainProtocol:
    def __init__(self, *symbols: str) -> None:
        self._symbols = symbols

    def opening_frames(self) -> tuple[str, ...]:
        return tuple(f"subscribe {symbol}" for symbol in self._symbols)

    def receive(self, frame: str | bytes) -> list[Event]:  # noqa: C901 - a line for each kind of frame
        assert isinstance(frame, str)
        match frame.split():
            case ["beat"]:
                return [Heartbeat()]
            case ["ack", *symbol]:
                return [Acknowledged(symbol=symbol[0] if symbol else None)]
            case ["quote", symbol, bid]:
                return [_quote(symbol, bid, time.time_ns())]
            case ["at", symbol, bid, seconds]:
                return [_quote(symbol, bid, time.time_ns() - int(float(seconds) * 1e9))]
            case ["stamped", symbol, bid, ts_event_ns]:
                return [_quote(symbol, bid, int(ts_event_ns))]
            case ["untimed", symbol, bid]:
                return [_quote(symbol, bid, None)]
            case ["trade", symbol, trade_id]:
                return [
                    Trade(
                        ts_event_ns=time.time_ns(),
                        price=PRICE,
                        size=1.0,
                        trade_id=int(trade_id),
                        symbol=symbol,
                    )
                ]
            case ["reject", symbol, kind, *words]:
                return [
                    Rejected(
                        message=" ".join(words),
                        refusal=Refusal(kind),
                        symbol=None if symbol == "*" else symbol,
                    )
                ]
            case ["reply", *words]:
                return [Reply(frame=" ".join(words))]
            case ["rotate"]:
                return [Rotate()]
            case ["explode"]:
                raise ZeroDivisionError("a fault of the protocol")
            case [kind, *_]:
                return [Unknown(kind=kind)]
        return [Unknown(kind="")]


def _quote(symbol: str, bid: str, ts_event_ns: int | None) -> Quote:
    return Quote(
        ts_event_ns=ts_event_ns, bid=float(bid), ask=float(bid) + 1, is_snapshot=False, symbol=symbol
    )


class ScriptedChannel:
    """One connection: the test puts frames in, and reads what was sent."""

    def __init__(self) -> None:
        self.server_time: datetime | None = None
        self.sent: list[str] = []
        self.is_closed = False
        self._frames: asyncio.Queue[str | ChannelEnded] = asyncio.Queue()

    def put(self, *frames: str) -> None:
        for frame in frames:
            self._frames.put_nowait(frame)

    def end(self, words: str = "1000 (OK)") -> None:
        self._frames.put_nowait(ChannelEnded("closed", words))

    async def receive(self) -> str | bytes:
        frame = await self._frames.get()
        if isinstance(frame, ChannelEnded):
            raise frame
        return frame

    async def send(self, frame: str) -> None:
        if self.is_closed:
            raise ChannelEnded("closed", "closed by us")
        self.sent.append(frame)

    async def close(self) -> None:
        self.is_closed = True


def _do_nothing(_channel: ScriptedChannel, _number: int) -> None:
    pass


class ScriptedVenue:
    """Opens channels.

    Parameters
    ----------
    on_open
        Called with each new channel and its number from 1; may raise `ChannelEnded`.
    """

    def __init__(
        self, on_open: Callable[[ScriptedChannel, int], None] = lambda _channel, _number: None
    ) -> None:
        self._on_open = on_open
        self.opened_at: list[float] = []
        self.channels: list[ScriptedChannel] = []

    async def open(self) -> Channel:
        self.opened_at.append(asyncio.get_running_loop().time())
        channel = ScriptedChannel()
        self._on_open(channel, len(self.opened_at))
        self.channels.append(channel)
        return channel

    def plan(
        self,
        *symbols: str,
        has_acknowledgement: bool = True,
        keep_alive: KeepAlive | None = None,
        rotate_seconds: float | None = None,
        may_overlap: bool = True,
    ) -> ConnectionPlan:
        return ConnectionPlan(
            open=self.open,
            make_protocol=lambda: PlainProtocol(*symbols),
            has_acknowledgement=has_acknowledgement,
            keep_alive=keep_alive,
            rotate_seconds=rotate_seconds,
            may_overlap=may_overlap,
        )


def live(*symbols: str) -> tuple[str, ...]:
    """Return the frames that make symbols LIVE."""
    return tuple(frame for symbol in symbols for frame in (f"ack {symbol}", f"quote {symbol} {PRICE}"))
