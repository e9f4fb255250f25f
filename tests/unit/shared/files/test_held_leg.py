"""A leg in memory gives the same timeline as the files with the same rows."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from shared.domain.bars import Bar, BarBatch
from shared.domain.ticks import QuoteBatch
from shared.errors import ConfigError
from shared.files.daily.reader import read_daily
from shared.files.held_leg import HeldLeg
from shared.files.ticks.reader import read_tick_csv
from shared.files.timeline import Recording, read_timeline
from tests.support.builders_market import LEAD, OTHER, calendar, pair

_DAYS = (3, 4, 5, 6, 7)


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    return _written(tmp_path / "gold.csv", [f"2019-06-{day:02},{1_300 + day}" for day in _DAYS])


@pytest.fixture
def iwm(tmp_path: Path) -> Path:
    return _written(tmp_path / "iwm.csv", [f"2019-06-{day:02},{150 + day}" for day in _DAYS])


@pytest.fixture
def spot(tmp_path: Path) -> Path:
    rows = [f"2019-06-{day:02}T{hour}:00:00Z,{1_300 + day},1310" for day in (5, 6) for hour in (14, 20)]
    return _written(tmp_path / "spot.csv", rows, header="ts_utc,bid,ask")


def _written(path: Path, rows: list[str], *, header: str = "date,close") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def _bars(path: Path, instrument: str) -> tuple[Bar, ...]:
    return read_daily(path, instrument=instrument, calendar=calendar()).bars


def _timeline(recording: Recording) -> list[object]:
    """Return the values in a form that compares: arrays do not."""
    return [
        batch
        if isinstance(batch, BarBatch)
        else tuple(np.asarray(each).tolist() for each in (batch.ts_event_ns, batch.bid, batch.ask))
        for batch in read_timeline(recording, pair=pair(), calendar=calendar())
    ]


@pytest.mark.parametrize("start", [None, date(2019, 6, 5), date(2019, 6, 6)])
def test_held_bars_and_quotes_give_the_timeline_of_their_files(
    gold: Path, iwm: Path, spot: Path, start: date | None
) -> None:
    of_files = Recording(lead_files=(gold, spot), other_files=(iwm,), start=start)
    quotes: tuple[QuoteBatch, ...] = tuple(read_tick_csv(spot, instrument=LEAD))
    held = HeldLeg(name="gold", bars=_bars(gold, LEAD), quotes=quotes)
    in_memory = Recording(
        lead_files=(),
        other_files=(),
        start=start,
        lead_held=held,
        other_held=HeldLeg(name="iwm", bars=_bars(iwm, OTHER)),
    )

    assert _timeline(in_memory) == _timeline(of_files)


def test_held_quotes_follow_a_daily_file_and_held_bars_go_with_a_tick_file(
    gold: Path, iwm: Path, spot: Path
) -> None:
    of_files = _timeline(Recording(lead_files=(gold, spot), other_files=(iwm,)))
    quotes = HeldLeg(name="spot", quotes=tuple(read_tick_csv(spot, instrument=LEAD)))
    bars = HeldLeg(name="gold", bars=_bars(gold, LEAD))

    assert _timeline(Recording(lead_files=(gold,), other_files=(iwm,), lead_held=quotes)) == of_files
    assert _timeline(Recording(lead_files=(spot,), other_files=(iwm,), lead_held=bars)) == of_files


def test_legs_that_do_not_overlap_are_named_as_their_owner_knows_them(iwm: Path, tmp_path: Path) -> None:
    old = _written(tmp_path / "old.csv", ["2018-06-04,1300"])
    held = HeldLeg(name="gold", bars=_bars(old, LEAD))

    with pytest.raises(ConfigError) as caught:
        _timeline(Recording(lead_files=(), other_files=(iwm,), lead_held=held))

    assert str(caught.value) == f"gold: no session in common with {iwm}; give legs whose dates overlap"


def test_the_daily_part_of_a_recording_has_no_ticks_and_is_none_where_there_is_none(
    gold: Path, iwm: Path, spot: Path
) -> None:
    quotes = HeldLeg(name="spot", quotes=tuple(read_tick_csv(spot, instrument=LEAD)))
    mixed = Recording(lead_files=(gold, spot), other_files=(iwm,), lead_held=quotes)
    daily = mixed.without_ticks()

    assert mixed.holds_ticks
    assert daily is not None
    assert daily.lead_files == (gold,)
    assert not daily.holds_ticks
    assert Recording(lead_files=(spot,), other_files=(iwm,)).without_ticks() is None
    assert Recording(lead_files=(), other_files=(iwm,), lead_held=quotes).without_ticks() is None
