"""What was recorded from live feeds gives the same ticks when it is played, and the same bytes each time."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.ingestor.app import run_dry, run_ingestor
from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.recording.played_recording import read_recording
from services.ingestor.recording_options import RecordingOptions
from shared.clock import SystemClock
from shared.config import KafkaSettings
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch, TradeBatch
from shared.errors import ConfigError
from shared.pairs.loading import load_pairs
from tests.integration.ingestor.harness import ticks_reader
from tests.support.fake_feeds.kraken import FakeKraken

_PAIRS = tuple(pair for pair in load_pairs("live") if pair.name == "gold-iwm")


def _settings(websocket_url: str, **changes: Any) -> IngestorSettings:
    return IngestorSettings(
        feed="live",
        kraken_websocket_url=websocket_url,
        # Nothing listens there: these feeds only try.
        kraken_rest_url="http://127.0.0.1:9",
        coinbase_rest_url="http://127.0.0.1:9",
        yahoo_url="http://127.0.0.1:9",
        status_interval_seconds=0.1,
        reconnect_base_seconds=0.05,
        **changes,
    )


class _Printed:
    def __init__(self) -> None:
        self.out = b""

    def write(self, part: bytes) -> None:
        self.out += part

    def lines(self) -> list[dict[str, Any]]:
        complete = self.out[: self.out.rfind(b"\n") + 1]
        return [json.loads(line) for line in complete.splitlines()]

    def ticks(self) -> list[tuple[Any, ...]]:
        return [
            (line["type"], line["ts_event_ns"], line.get("bid", line.get("price")), line["ts_received_ns"])
            for line in self.lines()
            if line["type"] in ("quote", "trade")
        ]


async def _record(folder: Path, is_enough: Callable[[_Printed], bool]) -> _Printed:
    printed, stop = _Printed(), asyncio.Event()
    async with FakeKraken("happy") as kraken:
        running = asyncio.create_task(
            run_dry(
                _settings(kraken.url),
                _PAIRS,
                write=printed.write,
                clock=SystemClock(),
                stop=stop,
                recording=RecordingOptions(record=folder),
            )
        )
        async with asyncio.timeout(20):
            while not is_enough(printed):
                assert not running.done(), running
                await asyncio.sleep(0.05)
        stop.set()
        await running
    return printed


async def _played(folder: Path, **options: Any) -> _Printed:
    printed = _Printed()
    async with asyncio.timeout(20):
        await run_dry(
            # Whatever is set, nothing is contacted.
            _settings("ws://127.0.0.1:9"),
            _PAIRS,
            write=printed.write,
            clock=SystemClock(),
            stop=asyncio.Event(),
            recording=RecordingOptions(replay=folder, **options),
        )
    return printed


async def test_recording_gives_the_ticks_of_the_live_run_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    live = await _record(tmp_path, lambda printed: len(printed.ticks()) >= 4)
    first, second = await _played(tmp_path), await _played(tmp_path)
    assert first.ticks() == live.ticks()
    assert first.out == second.out
    states = [line["state"] for line in first.lines() if line["type"] == "status"]
    assert "LIVE" in states
    assert [line["feed"] for line in first.lines() if line["type"] == "authority"] == ["kraken"]


async def test_pace_does_not_change_what_a_recording_gives(tmp_path: Path) -> None:
    await _record(tmp_path, lambda printed: len(printed.ticks()) >= 4)
    assert (await _played(tmp_path, speed=10.0)).out == (await _played(tmp_path)).out


async def test_recording_is_played_into_kafka_and_the_ingestor_ends(
    tmp_path: Path, kafka: KafkaSettings
) -> None:
    live = await _record(tmp_path, lambda printed: len(printed.ticks()) >= 4)
    async with ticks_reader(kafka) as log:
        await asyncio.wait_for(
            run_ingestor(
                kafka,
                _settings("ws://127.0.0.1:9"),
                _PAIRS,
                clock=SystemClock(),
                stop=asyncio.Event(),
                recording=RecordingOptions(replay=tmp_path),
            ),
            20,
        )

        def states() -> set[FeedState]:
            return {each.state for each in log.tick_records() if isinstance(each, FeedStatus)}

        def ticks() -> int:
            batches = [each for each in log.tick_records() if isinstance(each, QuoteBatch | TradeBatch)]
            return sum(len(each.ts_event_ns) for each in batches)

        await log.until(lambda: ticks() == len(live.ticks()) and FeedState.LIVE in states())
    statuses = [each for each in log.tick_records() if isinstance(each, FeedStatus)]
    begin = next(read_recording(tmp_path)).received_ns
    # The recorded time, not the present.
    assert max(each.watermark_ns for each in statuses) < begin + 60_000_000_000


async def test_recording_of_a_feed_that_needs_a_key_is_played_without_one(tmp_path: Path) -> None:
    await _record(tmp_path, lambda printed: len(printed.ticks()) >= 4)
    printed = _Printed()
    await run_dry(
        _settings("ws://127.0.0.1:9", feeds={"PAXG/USD.KRAKEN": ["kraken"], "IWM.ARCX": ["alpaca"]}),
        _PAIRS,
        write=printed.write,
        clock=SystemClock(),
        stop=asyncio.Event(),
        recording=RecordingOptions(replay=tmp_path),
    )
    assert len(printed.ticks()) >= 4


async def test_folder_without_a_recording_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no file of a recording"):
        await _played(tmp_path)


def test_recording_and_replaying_at_once_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="choose one"):
        RecordingOptions(record=tmp_path, replay=tmp_path)
