"""What the report says about the data: what is missing, what stood still, and which files were read."""

import hashlib
from pathlib import Path

import pytest

from convex.backtesting.outcomes import EveryBar
from convex.backtesting.report.beside import BesideFile, beside_file, beside_section
from convex.backtesting.report.data_quality import Gap, data_quality
from convex.backtesting.report.input_files import InputFile, input_files
from convex.backtesting.report.quality_section import quality_section
from shared.calendars import xnys_calendar
from shared.files.file_note import FileNote, NoteKind
from shared.files.timeline import Recording
from tests.support.builders_market import bar
from tests.support.report_builder import PAIR

# Monday to Friday, and the Monday after.
WEEK = ("2020-03-02", "2020-03-03", "2020-03-04", "2020-03-05", "2020-03-06", "2020-03-09")


def bars(lead: dict[str, float], other: dict[str, float] | None = None, *, factor: float = 1.0) -> EveryBar:
    found = EveryBar(PAIR.lead, PAIR.other)
    found.put(bar(day, close, instrument=PAIR.lead, adj_close=close * factor) for day, close in lead.items())
    found.put(bar(day, close, instrument=PAIR.other) for day, close in (other or {}).items())
    return found


def test_missing_sessions_are_those_of_the_exchange_between_the_first_and_the_last() -> None:
    closes = {day: 100.0 + at for at, day in enumerate(WEEK) if day not in (WEEK[1], WEEK[3], WEEK[4])}

    found = data_quality(bars(closes), {}, pair=PAIR, calendar=xnys_calendar())

    (lead,) = found.legs
    assert (lead.closes, lead.missing) == (3, 3)
    assert (lead.first, lead.last) == (WEEK[0], WEEK[-1])
    # A weekend is no gap: Thursday and Friday are one.
    assert lead.largest_gap == Gap(sessions=2, first=WEEK[3], last=WEEK[4])
    page = quality_section(found, ())
    assert "2 sessions<small>5 Mar 2020 to 6 Mar 2020</small>" in page


def test_whole_leg_has_no_gap() -> None:
    found = data_quality(
        bars(dict.fromkeys(WEEK, 1.0), {day: 2.0 + at for at, day in enumerate(WEEK)}),
        {},
        pair=PAIR,
        calendar=xnys_calendar(),
    )

    assert [each.missing for each in found.legs] == [0, 0]
    assert [each.largest_gap for each in found.legs] == [None, None]


def test_closes_that_stand_still_are_counted_with_the_longest_stretch() -> None:
    closes = dict(zip(WEEK, (1.0, 1.0, 2.0, 3.0, 3.0, 3.0), strict=True))

    (lead,) = data_quality(bars(closes), {}, pair=PAIR, calendar=xnys_calendar()).legs

    assert (lead.unchanged, lead.longest_unchanged) == (3, 3)


@pytest.mark.parametrize(("factor", "is_adjusted"), [(1.0, False), (0.99, True)])
def test_adjusted_closes_are_noticed(factor: float, *, is_adjusted: bool) -> None:
    (lead,) = data_quality(bars({WEEK[0]: 5.0}, factor=factor), {}, pair=PAIR, calendar=xnys_calendar()).legs

    assert lead.is_adjusted is is_adjusted


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "No close was held back."),
        ({"bar_close_jump": 1}, "1 close was held back until"),
        ({"bar_close_jump": 1, "bar_unapplied_split": 2, "cooldown": 9}, "3 closes were held back until"),
    ],
)
def test_closes_that_were_held_back_are_counted(counts: dict[str, int], said: str) -> None:
    found = data_quality(bars({WEEK[0]: 5.0}), counts, pair=PAIR, calendar=xnys_calendar())

    assert said in quality_section(found, ())


def test_files_are_named_without_their_folder_and_with_their_digest(tmp_path: Path) -> None:
    gold, iwm = tmp_path / "gold <1>.csv", tmp_path / "iwm.csv"
    gold.write_bytes(b"date,close\n")
    iwm.write_bytes(b"date,close\r\n")
    notes = [
        FileNote(path=gold, kind=NoteKind.FORMAT, text="read as a & b"),
        FileNote(path=iwm, kind=NoteKind.SKIPPED, text="left out 12 rows", skipped=(("bad_price", 12),)),
    ]

    found = input_files(Recording(lead_files=(gold,), other_files=(iwm,)), PAIR, notes)

    assert [(each.name, each.leg) for each in found] == [("gold <1>.csv", "Gold"), ("iwm.csv", "IWM")]
    assert found[0].sha256 == hashlib.sha256(b"date,close\n").hexdigest()
    page = quality_section(None, found)
    assert "gold &lt;1&gt;.csv" in page
    assert "read as a &amp; b" in page
    assert '<div class="skipped">left out 12 rows</div>' in page
    assert str(tmp_path) not in page


def test_no_knowledge_of_the_data_has_no_box() -> None:
    assert quality_section(None, ()) == ""
    assert "SHA-256" in quality_section(None, (InputFile(name="a", leg="Gold", sha256="00"),))


def test_links_lead_from_the_report_to_the_files_beside_it(tmp_path: Path) -> None:
    report = tmp_path / "out" / "report.html"

    assert beside_file(tmp_path / "out" / "a b.csv", report, "x").link == "a%20b.csv"
    assert beside_file(tmp_path / "c.csv", report, "x").link == "../c.csv"
    assert beside_file(Path("/dev/stdout"), report, "x").link == ""


def test_file_without_an_address_is_named_without_a_link() -> None:
    page = beside_section(
        [BesideFile(name="a.csv", link="a.csv", what="x"), BesideFile(name="p", link="", what="y")]
    )

    assert page.count("<a ") == 1
    assert "<dt>p</dt>" in page
    assert beside_section([]) == ""
