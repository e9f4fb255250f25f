"""Listen to a streaming provider for some seconds: what it accepts, what it refuses, how old prices are."""

import asyncio
from dataclasses import dataclass, field

from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.streaming.connection import ConnectionPlan
from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    Print,
    Quote,
    Rejected,
    Reply,
    Trade,
)
from services.ingestor.feeds.transport.carrier import ChannelEnded
from services.ingestor.feeds.transport.secrets import Redactor
from shared.clock import Clock
from shared.domain.instants import NS_PER_SECOND


@dataclass(slots=True)
class StreamAnswer:
    """What a provider sent of some symbols.

    Parameters
    ----------
    is_open
        The connection was opened.
    acknowledged
        Symbols whose subscription was accepted.
    ages
        For each symbol that had a price, the age of its newest one in seconds; negative: of the future.
    fresh
        Symbols with a price that is not only there because we subscribed.
    words, refusal
        What the provider said when it refused, and what that is evidence of.
    lead_seconds
        How far the provider's clock is ahead of ours at least; 0 when nothing shows that it is.
    """

    is_open: bool = False
    acknowledged: set[str] = field(default_factory=set)
    ages: dict[str, float] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    words: str = ""
    refusal: Refusal | None = None
    lead_seconds: float = 0.0


async def listen(
    plan: ConnectionPlan,
    symbols: tuple[str, ...],
    *,
    seconds: float,
    redactor: Redactor,
    clock: Clock,
) -> StreamAnswer:
    """Connect, subscribe, and listen until each symbol had a fresh price or was refused, or time is over."""
    answer = StreamAnswer()
    try:
        async with asyncio.timeout(seconds):
            await _listen(plan, symbols, answer, clock)
    except TimeoutError:
        pass
    except ChannelEnded as ended:
        answer.words = answer.words or ended.words
        answer.refusal = answer.refusal or ended.refusal
    answer.words = redactor.words(answer.words)
    return answer


async def _listen(plan: ConnectionPlan, symbols: tuple[str, ...], answer: StreamAnswer, clock: Clock) -> None:
    channel = await plan.open()
    try:
        answer.is_open = True
        if not plan.has_acknowledgement:
            answer.acknowledged.update(symbols)
        protocol = plan.make_protocol()
        for frame in protocol.opening_frames():
            await channel.send(frame)
        while answer.refusal is None and not set(symbols) <= answer.fresh:
            for event in protocol.receive(await channel.receive()):
                if isinstance(event, Reply):
                    await channel.send(event.frame)
                else:
                    _note(event, symbols, answer, received_ns=clock.now_ns())
    finally:
        await channel.close()


def _note(event: Event, symbols: tuple[str, ...], answer: StreamAnswer, *, received_ns: int) -> None:
    match event:
        case Acknowledged():
            answer.acknowledged.update(symbols if event.symbol is None else (event.symbol,))
        case Rejected():
            answer.words, answer.refusal = event.message, event.refusal
        case Quote() | Trade() | Print():
            of = symbols if event.symbol is None else (event.symbol,)
            answer.acknowledged.update(of)
            at_ns = received_ns if event.ts_event_ns is None else event.ts_event_ns
            age = (received_ns - at_ns) / NS_PER_SECOND
            answer.ages.update((symbol, min(age, answer.ages.get(symbol, age))) for symbol in of)
            if not event.is_snapshot:
                answer.fresh.update(of)
            answer.lead_seconds = max(answer.lead_seconds, -age)
        case Heartbeat(ts_event_ns=int(at_ns)):
            answer.lead_seconds = max(answer.lead_seconds, (at_ns - received_ns) / NS_PER_SECOND)
        case _:
            pass
