"""A lead's log is read whole where Kafka has all of it; else bars from before it come first, as history."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, cast

import pytest
from aiokafka.partitioner import DefaultPartitioner

from convex.lead_log import open_log
from convex.record_reader import RecordReader
from services.signals.core.engine.engine import Record
from shared.contracts.records import BARS
from shared.contracts.ticks import encode_tick_record
from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.errors import ConfigError
from tests.support.builders_market import LEAD, OTHER, bar, ny, pair, quotes, status

_HOME = DefaultPartitioner()(LEAD.encode(), [0, 1, 2, 3], [0, 1, 2, 3])


@dataclass
class _Kept:
    offset: int
    value: bytes | None
    key: bytes | None = None


class FakeReader:
    """Topics as lists; a list's first record has the given offset."""

    def __init__(self, ticks: list[bytes | None], bars: list[Bar], *, begin: int) -> None:
        self._topics: dict[str, dict[int, tuple[int, list[_Kept]]]] = {
            "ticks.v1": {at: (0, []) for at in range(4)},
            "bars.v1": {
                0: (
                    0,
                    [
                        _Kept(at, BARS.encode(each), f"{each.instrument}|{each.session}".encode())
                        for at, each in enumerate(bars)
                    ],
                )
            },
        }
        self._topics["ticks.v1"][_HOME] = (
            begin,
            [_Kept(begin + at, value) for at, value in enumerate(ticks)],
        )

    def partitions_of(self, topic: str) -> list[int]:
        return list(self._topics.get(topic, ()))

    async def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        begin, records = self._topics[topic][partition]
        return begin, begin + len(records)

    async def stretch(self, topic: str, partition: int, begin: int, *, until: int) -> AsyncGenerator[Any]:
        for record in self._topics[topic][partition][1]:
            if begin <= record.offset < until:
                yield record


def read(reader: FakeReader) -> tuple[str, list[Record], list[tuple[int, int]]]:
    shown: list[tuple[int, int]] = []

    async def run() -> tuple[str, list[Record]]:
        double = cast("RecordReader", reader)
        log = await open_log(double, pair())
        records = log.records(double, lambda done, total: shown.append((done, total)))
        return log.source, [each async for each in records]

    source, records = asyncio.run(run())
    return source, records, shown


def log() -> list[bytes | None]:
    at_ns = ny("2019-06-03 10:00")
    return [
        b"no record",
        encode_tick_record(status(at_ns, instrument="XAG/USD.TEST")),
        encode_tick_record(status(at_ns)),
        None,
        encode_tick_record(quotes([(at_ns + 1, 1300.0)])),
    ]


def earlier() -> list[Bar]:
    return [
        bar("2019-05-31", 149.0),
        bar("2019-05-30", 148.0),
        bar("2019-05-31", 1299.0, instrument=LEAD),
        bar("2019-05-31", 149.5, revision=1),
        bar("2019-05-31", 99.0, instrument="SPY.TEST"),
        bar("2019-06-03", 150.0),
    ]


def test_whole_log_is_read_without_what_cannot_be_decoded_and_without_other_instruments() -> None:
    source, records, shown = read(FakeReader(log(), earlier(), begin=0))

    assert [type(each).__name__ for each in records] == ["FeedStatus", "QuoteBatch"]
    assert source == f"ticks.v1/{_HOME} from 2019-06-03T14:00:00.000000Z on"
    assert shown == [(5, 5)]


def test_log_that_has_lost_its_beginning_is_preceded_by_the_newest_revisions_of_earlier_bars() -> None:
    source, records, _ = read(FakeReader(log(), earlier(), begin=70))
    history = [each for each in records if isinstance(each, BarBatch)]

    assert [each.mode for each in history] == [BarsMode.HISTORY, BarsMode.HISTORY]
    assert [(bar.session, bar.close) for bar in history[0].bars] == [("2019-05-31", 1299.0)]
    # The close of 3 June became known in the evening, after the log begins.
    assert [(bar.session, bar.close) for bar in history[1].bars] == [
        ("2019-05-30", 148.0),
        ("2019-05-31", 149.5),
    ]
    assert history[1].instrument == OTHER
    assert source.endswith("bars to 2019-05-31 from bars.v1, as history that decides nothing")


def test_log_without_the_lead_is_one_clear_line() -> None:
    with pytest.raises(ConfigError, match=f"ticks.v1/{_HOME}: holds no tick and no status of {LEAD}"):
        read(FakeReader(log()[:2], [], begin=0))
