"""What a dry run prints, and what happens when nobody reads fast enough."""

import asyncio
import json
import threading
from typing import Any

import numpy as np

from services.ingestor.printed_sink import PrintedSink
from shared.domain.bars import Bar
from shared.domain.macro import Observation
from shared.domain.ticks import (
    AuthorityReason,
    FeedAuthority,
    FeedFault,
    FeedFaultKind,
    FeedState,
    FeedStatus,
    QuoteBatch,
    TradeBatch,
)
from shared.errors import QualityError

_NS = 1_399_033_800_043_142_001


def _quotes(count: int = 2) -> QuoteBatch:
    return QuoteBatch(
        instrument="PAXG/USD.KRAKEN",
        feed="kraken",
        ts_event_ns=np.arange(count, dtype=np.int64) + _NS,
        ts_received_ns=np.arange(count, dtype=np.int64) + _NS + 5,
        bid=np.full(count, 1283.5),
        ask=np.full(count, 1284.0),
    )


async def _printed(put: Any) -> list[dict[str, Any]]:
    parts: list[bytes] = []
    sink = PrintedSink(parts.append)
    put(sink)
    sink.close()
    await sink.run()
    return [json.loads(line) for line in b"".join(parts).splitlines()]


async def test_each_tick_is_a_line_with_both_times() -> None:
    trades = TradeBatch(
        instrument="PAXG/USD.KRAKEN",
        feed="kraken",
        ts_event_ns=np.array([_NS]),
        ts_received_ns=np.array([_NS + 7]),
        price=np.array([1283.75]),
        size=np.array([0.5]),
        trade_id=("4711",),
    )

    def put(sink: PrintedSink) -> None:
        sink.put_ticks(_quotes())
        sink.put_ticks(trades)

    first, second, trade = await _printed(put)
    assert first == {
        "type": "quote",
        "instrument": "PAXG/USD.KRAKEN",
        "feed": "kraken",
        "ts_event": "2014-05-02T12:30:00.043142Z",
        "ts_event_ns": _NS,
        "ts_received_ns": _NS + 5,
        "bid": 1283.5,
        "ask": 1284.0,
    }
    assert second["ts_event_ns"] == _NS + 1
    assert (trade["type"], trade["price"], trade["size"], trade["trade_id"]) == (
        "trade",
        1283.75,
        0.5,
        "4711",
    )


async def test_everything_else_is_a_line_with_its_type() -> None:
    bar = Bar(
        instrument="IWM.ARCX", session="2020-03-18", close=99.97, adj_close=97.1, known_at_ns=1, source="y"
    )
    observation = Observation(
        series="fred:DFII10",
        date="2020-03-18",
        vintage="2020-03-19",
        value=None,
        unit="",
        source="",
        known_at_ns=1,
    )

    def put(sink: PrintedSink) -> None:
        sink.put_bars((bar,), is_history=True)
        sink.put_bars((bar,), is_history=False)
        sink.put_provisional_bars((bar,))
        sink.put_status(FeedStatus(instrument="a", feed="f", state=FeedState.STALE, watermark_ns=_NS))
        sink.put_authority(
            FeedAuthority(instrument="a", feed="f", since_ns=_NS, reason=AuthorityReason.FIRST)
        )
        sink.put_feed_fault(
            FeedFault(instrument="a", feed="f", fault=FeedFaultKind.CLOCK_DISAGREES, is_open=True, at_ns=_NS)
        )
        sink.put_observations((observation,))
        sink.reject(feed="f", raw=b"\xff{", error=QualityError("bid above ask", reason="crossed"))

    lines = await _printed(put)
    assert [line["type"] for line in lines] == [
        *("bar", "bar", "bar", "status", "authority", "fault", "observation", "rejected")
    ]
    assert [line["mode"] for line in lines[:3]] == ["history", "live", "provisional"]
    assert (lines[0]["session"], lines[3]["state"], lines[3]["watermark"]) == (
        "2020-03-18",
        "STALE",
        "2014-05-02T12:30:00.043142Z",
    )
    assert (lines[6]["series"], lines[6]["value"]) == ("fred:DFII10", None)
    assert (lines[7]["reason"], lines[7]["message"]) == ("crossed", "bid above ask")


async def test_slow_reader_costs_lines_that_are_counted_and_feeds_that_can_wait_lose_none() -> None:
    go_on = threading.Event()
    parts: list[bytes] = []

    def write(part: bytes) -> None:
        go_on.wait(10)
        parts.append(part)

    sink = PrintedSink(write, max_waiting_bytes=2_000_000)
    running = asyncio.create_task(sink.run())
    sink.put_ticks(_quotes(1))
    await asyncio.sleep(0.05)
    sink.put_ticks(_quotes(12_000))
    dropped = sink.dropped_lines
    assert 0 < dropped < 12_000
    waiting = asyncio.create_task(sink.wait_for_room("PAXG/USD.KRAKEN"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    go_on.set()
    await asyncio.wait_for(waiting, 5)
    sink.close()
    await asyncio.wait_for(running, 5)
    assert len(b"".join(parts).splitlines()) == 12_001 - dropped


async def test_reader_that_has_gone_ends_the_sink() -> None:
    def write(_: bytes) -> None:
        raise BrokenPipeError

    sink = PrintedSink(write)
    sink.put_ticks(_quotes())
    await asyncio.wait_for(sink.run(), 5)


async def test_what_waits_can_be_dropped() -> None:
    parts: list[bytes] = []
    sink = PrintedSink(parts.append)
    sink.put_ticks(_quotes())
    sink.drop()
    sink.close()
    await sink.run()
    assert parts == []
