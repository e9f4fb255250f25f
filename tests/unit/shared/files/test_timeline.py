"""Recorded input comes in the order in which it became known."""

from datetime import date
from pathlib import Path

import pytest

from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.domain.ticks import QuoteBatch
from shared.errors import ConfigError
from shared.files.sampled_closes import SampledCloses
from shared.files.timeline import Recording, in_units, merge, read_timeline
from tests.support.builders_market import LEAD, MINUTE, OTHER, bar, calendar, ny, pair, quotes

Items = list[tuple[str, ...]]


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


def items_of(recording: Recording) -> Items:
    """Tell each value in short: mode and sessions of bars, minutes of ticks."""
    short: Items = []
    for value in read_timeline(recording, pair=pair(), calendar=calendar()):
        if isinstance(value, BarBatch):
            leg = "gold" if value.instrument == LEAD else "iwm"
            short.append((value.mode.value, leg, *(each.session[5:] for each in value.bars)))
        else:
            short.append(("ticks", str(len(value.ts_event_ns))))
    return short


def test_daily_files_alone_are_news_session_by_session_the_lead_first(gold: Path, iwm: Path) -> None:
    assert items_of(Recording(lead_files=(gold,), other_files=(iwm,)))[:4] == [
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

    assert items_of(recording) == [
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

    assert items_of(Recording(lead_files=(gold, spot), other_files=(iwm,))) == [
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

    assert [each for each in items_of(recording) if each[0] == "ticks"] == [("ticks", "1"), ("ticks", "1")]


def test_closes_of_the_lead_may_come_from_ticks_alone(iwm: Path, tmp_path: Path) -> None:
    spot = ticks(tmp_path / "spot.csv", "2019-06-03T14:00")

    assert items_of(Recording(lead_files=(spot,), other_files=(iwm,)))[0] == ("ticks", "1")


def test_tick_files_wholly_before_the_start_are_passed(gold: Path, iwm: Path, tmp_path: Path) -> None:
    before = ticks(tmp_path / "a.csv", "2019-06-04T14:00")
    within = ticks(tmp_path / "b.csv", "2019-06-05T14:00")
    recording = Recording(
        lead_files=(gold, before, within), other_files=(iwm,), start=date(2019, 6, 5), end=date(2019, 6, 7)
    )

    assert [each for each in items_of(recording) if each[0] == "ticks"] == [("ticks", "1")]


def test_tick_files_are_read_one_after_the_other(gold: Path, iwm: Path, tmp_path: Path) -> None:
    first = ticks(tmp_path / "a.csv", "2019-06-03T14:00", "2019-06-03T14:02")
    second = ticks(tmp_path / "b.csv", "2019-06-03T14:02", "2019-06-03T14:03")

    assert items_of(Recording(lead_files=(gold, first, second), other_files=(iwm,)))[:2] == [
        ("ticks", "2"),
        ("ticks", "2"),
    ]


def test_tick_files_out_of_order_are_reported(gold: Path, iwm: Path, tmp_path: Path) -> None:
    first = ticks(tmp_path / "a.csv", "2019-06-03T14:02")
    second = ticks(tmp_path / "b.csv", "2019-06-03T14:01")

    with pytest.raises(ConfigError) as caught:
        items_of(Recording(lead_files=(gold, first, second), other_files=(iwm,)))

    assert str(caught.value) == f"{second}: begins before {first} ends; give tick files in the order of time"


def history_of_lead(recording: Recording) -> list[Bar]:
    timeline = read_timeline(recording, pair=pair(), calendar=calendar())
    return [
        each
        for value in timeline
        if isinstance(value, BarBatch) and value.mode is BarsMode.HISTORY and value.instrument == LEAD
        for each in value.bars
    ]


def priced(path: Path, *rows: tuple[str, float]) -> Path:
    text = "".join(f"{instant}Z,{mid - 0.5},{mid + 0.5}\n" for instant, mid in rows)
    return write(path, f"ts_utc,bid,ask\n{text}")


def test_closes_before_the_start_are_sampled_from_the_ticks_before_it(iwm: Path, tmp_path: Path) -> None:
    """Would have caught: these ticks were dropped, and the windows had holes where they were."""
    # New York's 16:00 is 20:00 UTC.
    first = priced(
        tmp_path / "a.csv",
        ("2019-06-03T19:00:00", 1301.0),
        ("2019-06-03T20:00:00", 1302.0),
        ("2019-06-03T20:00:00.000000001", 1303.0),
        ("2019-06-04T19:45:00", 1304.0),
    )
    second = priced(
        tmp_path / "b.csv", ("2019-06-05T19:44:59.999999999", 1305.0), ("2019-06-06T14:00:00", 1306.0)
    )
    recording = Recording(lead_files=(first, second), other_files=(iwm,), start=date(2019, 6, 6))

    assert history_of_lead(recording) == [
        bar("2019-06-03", 1302.0, instrument=LEAD, source="sampled", known_at_ns=ny("2019-06-03 16:00")),
        bar("2019-06-04", 1304.0, instrument=LEAD, source="sampled", known_at_ns=ny("2019-06-04 16:00")),
    ]
    assert ("ticks", "1") in items_of(recording)


def test_last_tick_before_the_start_may_be_the_last_of_all(iwm: Path, tmp_path: Path) -> None:
    spot = priced(tmp_path / "spot.csv", ("2019-06-05T19:59:00", 1305.0))
    recording = Recording(lead_files=(spot,), other_files=(iwm,), start=date(2019, 6, 6))

    assert [each.session for each in history_of_lead(recording)] == ["2019-06-05"]


def test_session_of_a_daily_file_is_not_sampled(gold: Path, iwm: Path, tmp_path: Path) -> None:
    short = write(tmp_path / "short.csv", "date,close\n2019-06-03,1303\n2019-06-05,1305\n")
    spot = priced(
        tmp_path / "spot.csv",
        ("2019-06-03T20:00:00", 1.0),
        ("2019-06-04T20:00:00", 2.0),
        ("2019-06-05T20:00:00", 3.0),
        ("2019-06-06T20:00:00", 4.0),
    )
    recording = Recording(lead_files=(short, spot), other_files=(iwm,), start=date(2019, 6, 6))

    assert [(each.session[-2:], each.close) for each in history_of_lead(recording)] == [
        ("03", 1303.0), ("04", 2.0), ("05", 1305.0),
    ]  # fmt: skip


def test_samples_do_not_depend_on_the_batches_ticks_come_in(tmp_path: Path) -> None:
    """A file comes in batches of 20,000; here every cut of a few ticks around two closes."""
    first, second = ny("2019-06-03 16:00"), ny("2019-06-04 16:00")
    instants = [first - 1, first, first, first + 1, second - MINUTE, second + 1, second + MINUTE]
    rows = quotes([(ts, 1_300.0 + number) for number, ts in enumerate(instants)])
    for size in range(1, len(instants) + 1):
        samples = SampledCloses(LEAD, calendar=calendar(), without=())
        for begin in range(0, len(instants), size):
            samples.take(rows.rows(begin, min(begin + size, len(instants))))
        assert [each.close for each in samples.until(ny("2019-06-05 00:00"))] == [1_302.0, 1_304.0]


def test_bars_of_one_instant_are_one_unit(gold: Path, iwm: Path, tmp_path: Path) -> None:
    spot = ticks(tmp_path / "spot.csv", "2019-06-05T00:15", "2019-06-06T00:15")
    recording = Recording(lead_files=(gold, spot), other_files=(iwm,), end=date(2019, 6, 6))
    units = in_units(read_timeline(recording, pair=pair(), calendar=calendar()))

    assert [
        tuple((each.instrument, each.mode.value, each.bars[-1].session[-2:]) for each in unit)
        if isinstance(unit, tuple)
        else len(unit.ts_event_ns)
        for unit in units
    ] == [
        ((LEAD, "history", "04"),),
        ((OTHER, "history", "04"),),
        1,
        ((LEAD, "live", "05"), (OTHER, "live", "05")),
        1,
        ((LEAD, "live", "06"), (OTHER, "live", "06")),
    ]


@pytest.mark.parametrize(
    ("start", "end", "within"),
    [
        (date(2030, 1, 1), None, " from 2030-01-01"),
        (None, date(2000, 1, 1), " to 2000-01-01"),
        (date(2019, 6, 8), date(2019, 6, 9), " from 2019-06-08 to 2019-06-09"),
    ],
)
def test_range_without_a_common_session_is_reported(
    gold: Path, iwm: Path, start: date | None, end: date | None, within: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        items_of(Recording(lead_files=(gold,), other_files=(iwm,), start=start, end=end))

    said = f"{gold}: no session in common with {iwm}{within}; give files whose dates overlap"
    assert str(caught.value) == said


def test_files_without_a_common_session_are_reported(gold: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "old.csv", "date,close\n2019-05-01,150\n")

    with pytest.raises(ConfigError) as caught:
        items_of(Recording(lead_files=(gold,), other_files=(other,)))

    assert str(caught.value) == f"{gold}: no session in common with {other}; give files whose dates overlap"


def test_bad_daily_file_is_reported_before_the_first_value(gold: Path, tmp_path: Path) -> None:
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
