"""Recorded input comes in the order in which it became known."""

from datetime import date
from pathlib import Path

import pytest

from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.domain.ticks import QuoteBatch
from shared.errors import ConfigError
from shared.files.timeline import Recording, merge, read_timeline
from tests.support.builders_market import LEAD, MINUTE, OTHER, bar, calendar, ny, pair, quotes

Told = list[tuple[str, ...]]


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    rows = "".join(f"2019-06-{day:02},{1_300 + day}\n" for day in (3, 4, 5, 6, 7))
    return write(tmp_path / "gold.csv", f"date,close\n{rows}")


@pytest.fixture
def iwm(tmp_path: Path) -> Path:
    rows = "".join(f"2019-06-{day:02},{150 + day}\n" for day in (3, 4, 5, 6, 7))
    return write(tmp_path / "iwm.csv", f"date,close\n{rows}")


def ticks(path: Path, *instants: str) -> Path:
    rows = "".join(f"{instant}:00Z,1300,1301\n" for instant in instants)
    return write(path, f"ts_utc,bid,ask\n{rows}")


def told(recording: Recording) -> Told:
    """Tell each value in short: mode and sessions of bars, minutes of ticks."""
    short: Told = []
    for value in read_timeline(recording, pair=pair(), calendar=calendar()):
        if isinstance(value, BarBatch):
            leg = "gold" if value.instrument == LEAD else "iwm"
            short.append((value.mode.value, leg, *(each.session[5:] for each in value.bars)))
        else:
            short.append(("ticks", str(len(value.ts_event_ns))))
    return short


def test_daily_files_alone_are_news_session_by_session_the_lead_first(gold: Path, iwm: Path) -> None:
    assert told(Recording(lead_files=(gold,), other_files=(iwm,)))[:4] == [
        ("live", "gold", "06-03"),
        ("live", "iwm", "06-03"),
        ("live", "gold", "06-04"),
        ("live", "iwm", "06-04"),
    ]


def test_sessions_before_the_start_are_history_and_those_after_the_end_are_left_out(
    gold: Path, iwm: Path
) -> None:
    recording = Recording(
        lead_files=(gold,), other_files=(iwm,), start=date(2019, 6, 5), end=date(2019, 6, 6)
    )

    assert told(recording) == [
        ("history", "gold", "06-03", "06-04"),
        ("history", "iwm", "06-03", "06-04"),
        ("live", "gold", "06-05"),
        ("live", "iwm", "06-05"),
        ("live", "gold", "06-06"),
        ("live", "iwm", "06-06"),
    ]


def test_what_is_known_before_the_first_tick_is_history(gold: Path, iwm: Path, tmp_path: Path) -> None:
    # 20:15 in New York is 00:15 UTC of the next day.
    spot = ticks(tmp_path / "spot.csv", "2019-06-05T00:15", "2019-06-05T14:00", "2019-06-06T00:15")

    assert told(Recording(lead_files=(gold, spot), other_files=(iwm,))) == [
        ("history", "gold", "06-03", "06-04"),
        ("history", "iwm", "06-03", "06-04"),
        ("ticks", "2"),
        ("live", "gold", "06-05"),
        ("live", "iwm", "06-05"),
        ("ticks", "1"),
        ("live", "gold", "06-06"),
        ("live", "iwm", "06-06"),
        ("live", "gold", "06-07"),
        ("live", "iwm", "06-07"),
    ]


def test_ticks_are_cut_at_midnight_in_new_york(gold: Path, iwm: Path, tmp_path: Path) -> None:
    spot = ticks(
        tmp_path / "spot.csv",
        "2019-06-05T03:59",
        "2019-06-05T04:00",
        "2019-06-06T03:59",
        "2019-06-06T04:00",
        "2019-06-07T04:00",
    )
    recording = Recording(
        lead_files=(gold, spot), other_files=(iwm,), start=date(2019, 6, 5), end=date(2019, 6, 5)
    )

    assert [each for each in told(recording) if each[0] == "ticks"] == [("ticks", "1"), ("ticks", "1")]


def test_closes_of_the_lead_may_come_from_ticks_alone(iwm: Path, tmp_path: Path) -> None:
    spot = ticks(tmp_path / "spot.csv", "2019-06-03T14:00")

    assert told(Recording(lead_files=(spot,), other_files=(iwm,)))[0] == ("ticks", "1")


def test_tick_files_wholly_before_the_start_are_passed(gold: Path, iwm: Path, tmp_path: Path) -> None:
    before = ticks(tmp_path / "a.csv", "2019-06-04T14:00")
    within = ticks(tmp_path / "b.csv", "2019-06-05T14:00")
    recording = Recording(
        lead_files=(gold, before, within), other_files=(iwm,), start=date(2019, 6, 5), end=date(2019, 6, 7)
    )

    assert [each for each in told(recording) if each[0] == "ticks"] == [("ticks", "1")]


def test_tick_files_are_read_one_after_the_other(gold: Path, iwm: Path, tmp_path: Path) -> None:
    first = ticks(tmp_path / "a.csv", "2019-06-03T14:00", "2019-06-03T14:02")
    second = ticks(tmp_path / "b.csv", "2019-06-03T14:02", "2019-06-03T14:03")

    assert told(Recording(lead_files=(gold, first, second), other_files=(iwm,)))[:2] == [
        ("ticks", "2"),
        ("ticks", "2"),
    ]


def test_tick_files_out_of_order_are_told(gold: Path, iwm: Path, tmp_path: Path) -> None:
    first = ticks(tmp_path / "a.csv", "2019-06-03T14:02")
    second = ticks(tmp_path / "b.csv", "2019-06-03T14:01")

    with pytest.raises(ConfigError) as caught:
        told(Recording(lead_files=(gold, first, second), other_files=(iwm,)))

    assert str(caught.value) == f"{second}: begins before {first} ends; give tick files in the order of time"


def test_files_without_a_common_session_are_told(gold: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "old.csv", "date,close\n2019-05-01,150\n")

    with pytest.raises(ConfigError) as caught:
        told(Recording(lead_files=(gold,), other_files=(other,)))

    assert str(caught.value) == f"{gold}: no session in common with {other}; give files whose dates overlap"


def test_bad_daily_file_is_told_before_the_first_value(gold: Path, tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.csv", "date,close\n2019-06-03,150\n2019-06-04,x\n")

    with pytest.raises(ConfigError, match="row 3: close"):
        next(
            read_timeline(Recording(lead_files=(gold,), other_files=(bad,)), pair=pair(), calendar=calendar())
        )


def merged(bars: list[Bar], batches: list[QuoteBatch]) -> list[object]:
    return [
        value.bars[0].session if isinstance(value, BarBatch) else value.ts_event_ns.tolist()
        for value in merge(bars, batches)
    ]


def test_bar_comes_after_every_quote_before_it_and_before_a_quote_at_its_instant() -> None:
    at = ny("2019-06-03 20:15")
    batch = quotes([(at - 1, 1.0), (at, 2.0), (at, 3.0), (at + 1, 4.0)])

    assert merged([bar("2019-06-03")], [batch]) == [[at - 1], "2019-06-03", [at, at, at + 1]]


def test_bars_before_and_after_all_quotes_are_not_lost() -> None:
    at = ny("2019-06-04 12:00")
    bars = [bar("2019-06-03"), bar("2019-06-04"), bar("2019-06-05")]

    assert merged(bars, [quotes({at: 1.0}), quotes({at + MINUTE: 2.0})]) == [
        "2019-06-03", [at], [at + MINUTE], "2019-06-04", "2019-06-05",
    ]  # fmt: skip


def test_several_bars_may_fall_into_one_batch() -> None:
    first, second = ny("2019-06-03 20:15"), ny("2019-06-04 20:15")
    batch = quotes([(first - 1, 1.0), (first + 1, 2.0), (second + 1, 3.0)])

    assert merged([bar("2019-06-03"), bar("2019-06-04")], [batch]) == [
        [first - 1], "2019-06-03", [first + 1], "2019-06-04", [second + 1],
    ]  # fmt: skip


def test_news_are_single_bars() -> None:
    (value,) = merge([bar("2019-06-03")], [])

    assert isinstance(value, BarBatch)
    assert (value.instrument, value.mode) == (OTHER, BarsMode.LIVE)
