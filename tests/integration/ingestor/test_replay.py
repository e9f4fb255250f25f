"""Recorded files through the whole ingestor, on the embedded broker."""

import gzip
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from services.ingestor.config import IngestorSettings
from shared.calendars import xnys_calendar
from shared.config import KafkaSettings
from shared.contracts.ticks import TickRecord
from shared.domain.bars import BarBatch, BarsMode
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch
from shared.errors import ConfigError
from shared.files.timeline import Recording, read_timeline
from shared.pairs.loading import load_pairs
from tests.integration.ingestor.harness import running, ticks_reader
from tests.support.data import shared_data

_FIRST = datetime(2014, 5, 2, 12, 30, tzinfo=UTC)


def _daily(folder: Path, name: str, close: float) -> Path:
    days = [date(2014, 4, 1) + timedelta(days=n) for n in range(34)]
    rows = "".join(f"{day},{close + n}\n" for n, day in enumerate(days))
    path = folder / name
    path.write_text("date,close\n" + rows)
    return path


def _ticks(folder: Path, count: int, *, step_seconds: float = 1.0) -> Path:
    path = folder / "ticks.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("ts_utc,bid,ask\n")
        for n in range(count):
            ts = _FIRST + timedelta(seconds=n * step_seconds)
            file.write(f"{ts:%Y-%m-%dT%H:%M:%S.%f}Z,{1280 + n / 100:.2f},{1280.5 + n / 100:.2f}\n")
    return path


def _settings(folder: Path, ticks: Path, **changes: object) -> IngestorSettings:
    return IngestorSettings(
        feed="replay",
        replay_lead_files=(_daily(folder, "gold.csv", 1280.0), ticks),
        replay_other_files=(_daily(folder, "iwm.csv", 110.0),),
        **{"replay_speed": 0, "replay_hold_open": False, **changes},  # type: ignore[arg-type]  # by name
    )


def _quotes(records: list[TickRecord]) -> list[QuoteBatch]:
    return [record for record in records if isinstance(record, QuoteBatch)]


def _last_status(records: list[TickRecord]) -> FeedStatus | None:
    return next((record for record in reversed(records) if isinstance(record, FeedStatus)), None)


async def test_everything_recorded_arrives_in_order_however_small_the_queue(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    settings = _settings(tmp_path, _ticks(tmp_path, 50_000), queue_max_ticks=3_000)
    # The embedded broker forgets all but the newest 5 MB: read while it is written.
    async with running(kafka, settings, load_pairs("replay")), ticks_reader(kafka) as log:
        end_ns = int((_FIRST + timedelta(seconds=49_999)).timestamp()) * 1_000_000_000
        await log.until(
            lambda: (last := _last_status(log.tick_records())) is not None and last.watermark_ns == end_ns
        )
    records = log.tick_records()
    quotes = _quotes(records)
    assert np.concatenate([batch.bid for batch in quotes]).tolist() == [
        float(f"{1280 + n / 100:.2f}") for n in range(50_000)
    ]
    assert all((batch.ts_received_ns > batch.ts_event_ns).all() for batch in quotes)
    assert [batch.mode for batch in _batches(records)[:2]] == [BarsMode.HISTORY, BarsMode.HISTORY]


def _batches(records: list[TickRecord]) -> list[BarBatch]:
    return [record for record in records if isinstance(record, BarBatch)]


async def test_log_holds_the_timeline_and_statuses_add_nothing_to_it(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    """The backtest reads the same timeline: this is why its events equal the live ones."""
    settings = _settings(tmp_path, _ticks(tmp_path, 2_000, step_seconds=60.0))
    pairs = load_pairs("replay")
    recording = Recording(lead_files=settings.replay_lead_files, other_files=settings.replay_other_files)
    expected = _flat(list(read_timeline(recording, pair=pairs[0], calendar=xnys_calendar())))
    async with ticks_reader(kafka) as log:
        async with running(kafka, settings, pairs) as ingestor:
            await ingestor
        await log.until(lambda: len(_flat(log.tick_records())) >= len(expected))
    records = log.tick_records()
    assert _flat(records) == expected
    come_to = 0
    for record in records:
        match record:
            case QuoteBatch():
                come_to = max(come_to, int(record.ts_event_ns[-1]))
            case BarBatch(mode=BarsMode.LIVE):
                come_to = max(come_to, record.bars[-1].known_at_ns)
            case FeedStatus():
                assert record.watermark_ns == come_to


def _flat(records: list[TickRecord] | list[BarBatch | QuoteBatch]) -> list[object]:
    flat: list[object] = []
    for record in records:
        match record:
            case QuoteBatch():
                flat += zip(
                    record.ts_event_ns.tolist(), record.bid.tolist(), record.ask.tolist(), strict=True
                )
            case BarBatch():
                flat.append((record.instrument, record.mode, record.bars))
    return flat


async def test_status_says_break_and_closed_by_event_time(kafka: KafkaSettings, tmp_path: Path) -> None:
    ticks = tmp_path / "friday.csv"
    ticks.write_text("ts_utc,bid,ask\n2014-05-02T21:30:00Z,1300.0,1300.5\n")
    async with ticks_reader(kafka) as log:
        async with running(kafka, _settings(tmp_path, ticks), load_pairs("replay")) as ingestor:
            await ingestor
        await log.until(lambda: _last_status(log.tick_records()) is not None)
    last = _last_status(log.tick_records())
    assert last is not None
    assert last.state is FeedState.CLOSED


async def test_recorded_speed_is_kept_at_a_multiple(kafka: KafkaSettings, tmp_path: Path) -> None:
    # 21 ticks over 20 s of event time at 20 times the speed: one second.
    settings = _settings(tmp_path, _ticks(tmp_path, 21), replay_speed=20.0, replay_end=date(2014, 5, 2))
    (tmp_path / "iwm.csv").write_text("date,close\n2014-04-30,110.0\n2014-05-01,111.0\n")
    (tmp_path / "gold.csv").write_text("date,close\n2014-04-30,1280.0\n2014-05-01,1281.0\n")
    async with ticks_reader(kafka) as log:
        async with running(kafka, settings, load_pairs("replay")) as ingestor:
            await ingestor
        await log.until(lambda: sum(len(batch.bid) for batch in _quotes(log.tick_records())) == 21)
    received = np.concatenate([batch.ts_received_ns for batch in _quotes(log.tick_records())]).tolist()
    took = (received[-1] - received[0]) / 1e9
    assert 0.95 <= took < 3.0
    assert sum(late - early > 20_000_000 for early, late in pairwise(received)) >= 10


async def test_held_open_replay_goes_on_saying_its_status(kafka: KafkaSettings, tmp_path: Path) -> None:
    settings = _settings(tmp_path, _ticks(tmp_path, 3), replay_hold_open=True, status_interval_seconds=0.05)
    async with running(kafka, settings, load_pairs("replay")) as ingestor, ticks_reader(kafka) as log:
        await log.until(lambda: sum(isinstance(each, FeedStatus) for each in log.tick_records()) >= 10)
        assert not ingestor.done()


async def test_bad_row_ends_the_ingestor_with_file_row_and_field(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    ticks = tmp_path / "bad.csv"
    ticks.write_text("ts_utc,bid,ask\n2014-05-02T12:30:00Z,1300.0,1300.5\n2014-05-02T12:30:01Z,x,1300.5\n")
    with pytest.raises(ConfigError, match=r"bad\.csv: row 3: bid"):
        async with running(kafka, _settings(tmp_path, ticks), load_pairs("replay")) as ingestor:
            await ingestor


@pytest.mark.parametrize(
    ("settings", "pairs", "problem"),
    [
        (IngestorSettings(feed="replay"), "replay", "REPLAY_LEAD_FILES"),
        (IngestorSettings(feed="simulated"), "replay", "not marked is_simulated"),
    ],
)
async def test_settings_that_do_not_fit_are_refused(
    kafka: KafkaSettings, settings: IngestorSettings, pairs: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        async with running(kafka, settings, load_pairs(pairs)) as ingestor:
            await ingestor


async def test_replay_of_several_pairs_is_refused(kafka: KafkaSettings, tmp_path: Path) -> None:
    (gold_iwm,) = load_pairs("replay")
    gold_spy = replace(gold_iwm, name="gold-spy", other="SPY.REPLAY")
    with pytest.raises(ConfigError, match="plays exactly one pair, CONVEX_PAIRS has 2; the files name no"):
        async with running(kafka, _settings(tmp_path, _ticks(tmp_path, 3)), (gold_iwm, gold_spy)) as ingestor:
            await ingestor


@pytest.mark.slow
async def test_payrolls_day_of_2014_arrives_whole(kafka: KafkaSettings) -> None:
    settings = IngestorSettings(
        feed="replay",
        replay_lead_files=(
            shared_data("pair_gold_daily_20121114_20210331.csv"),
            shared_data("xauusd_ticks_oanda_lean_20140501_20140515.csv.gz"),
        ),
        replay_other_files=(shared_data("pair_iwm_daily_20121114_20210331.csv"),),
        replay_start=date(2014, 5, 1),
        replay_end=date(2014, 5, 1),
        replay_speed=0,
        replay_hold_open=False,
    )
    with gzip.open(settings.replay_lead_files[1], "rt") as file:
        next(file)
        day = [line.split(",")[1] for line in file if "2014-05-01T04" <= line < "2014-05-02T04"]
    async with running(kafka, settings, load_pairs("replay")), ticks_reader(kafka) as log:
        await log.until(lambda: sum(len(batch.bid) for batch in _quotes(log.tick_records())) >= len(day))
    bids = np.concatenate([batch.bid for batch in _quotes(log.tick_records())])
    assert bids.tolist() == [float(bid) for bid in day]
