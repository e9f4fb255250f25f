"""A daily file, however it is written, reads back as what was written or is refused; never otherwise."""

from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.domain.bars import Bar
from shared.errors import ConfigError
from shared.files.daily.reader import read_daily
from shared.files.daily.table import Text, _by_arrow, _by_csv
from shared.files.reading_options import DateOrder, ReadingOptions
from tests.support.builders_market import calendar
from tests.support.daily_vendors import VENDORS, Day

_SESSIONS = calendar().labels
_IN_TMP = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

_days = st.lists(
    st.tuples(
        st.sampled_from(_SESSIONS),
        st.integers(1, 99_999_999).map(lambda cents: cents / 100),
        st.floats(0.5, 1.0),
    ),
    min_size=1,
    max_size=25,
    unique_by=lambda day: day[0],
).map(lambda days: [Day(at, close, max(0.01, round(close * part, 2))) for at, close, part in sorted(days)])


def _read(path: Path, content: bytes, reading: ReadingOptions | None = None) -> tuple[Bar, ...] | None:
    """Return the bars; None if the file is refused in one line."""
    path.write_bytes(content)
    refused = ""
    try:
        return read_daily(
            path, instrument="IWM.TEST", calendar=calendar(), reading=reading or ReadingOptions()
        ).bars
    except ConfigError as error:
        refused = str(error)
    assert "\n" not in refused
    return None


def _are_of(bars: Sequence[Bar], days: Sequence[Day]) -> bool:
    return [(bar.session, bar.close) for bar in bars] == [(day.session, day.close) for day in days]


@_IN_TMP
@given(
    days=_days,
    name=st.sampled_from(sorted(VENDORS)),
    end=st.sampled_from(["\n", "\r\n"]),
    is_reversed=st.booleans(),
    tail=st.sampled_from(["", "\n", "\n\n  \n", "# the end\n"]),
)
def test_file_of_a_vendor_reads_back(
    tmp_path: Path, *, days: list[Day], name: str, end: str, is_reversed: bool, tail: str
) -> None:
    text = VENDORS[name].render(days[::-1] if is_reversed else days).replace("\r\n", "\n") + tail

    bars = _read(tmp_path / "iwm.csv", text.replace("\n", end).encode())

    assert bars is None or _are_of(bars, days)
    asks_for_order = name in ("investing", "investing, day first", "investing, french", "marketwatch", "wsj")
    # Ten rows of a week apart look like weekly bars.
    assert bars is not None or asks_for_order or len(days) >= 10


_DATES = {
    "iso": "{0.year:04}-{0.month:02}-{0.day:02}",
    "slashes": "{0.year:04}/{0.month:02}/{0.day:02}",
    "compact": "{0.year:04}{0.month:02}{0.day:02}",
    "dmy": "{0.day:02}/{0.month:02}/{0.year}",
    "dmy short": "{0.day}-{0.month}-{0.year}",
    "dots": "{0.day:02}.{0.month:02}.{0.year}",
    "mdy": "{0.month:02}/{0.day:02}/{0.year}",
    "mdy short": "{0.month}/{0.day}/{0.year}",
    "named": "{0:%b %d, %Y}",
    "midnight": "{0.year:04}-{0.month:02}-{0.day:02}T00:00:00+02:00",
}


@st.composite
def _files(draw: st.DrawFn) -> tuple[str, list[Day], DateOrder]:
    days = draw(_days)
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    quote = draw(st.sampled_from(['"', ""]))
    style = draw(st.sampled_from(sorted(_DATES)))
    date = _DATES[style]
    group, point = draw(
        st.sampled_from([("", "."), (",", "."), (".", ","), (" ", ","), ("'", "."), ("", ",")])
    )
    if delimiter == "," or ", " in date.replace("%d, ", ", "):
        quote = '"'
    head, before = draw(
        st.sampled_from(
            [(["date", "close"], []), (["Date", "Open", "High", "Low", "Close"], ["1", "2", "3"])]
        )
    )
    rows = [head]
    for day in days if draw(st.booleans()) else days[::-1]:
        price = f"{day.close:,.2f}".replace(",", "_").replace(".", point).replace("_", group)
        rows.append([date.format(day.date), *before, price])
    text = "\n".join(delimiter.join(f"{quote}{cell}{quote}" for cell in row) for row in rows)
    order = DateOrder.MDY if style.startswith("mdy") else DateOrder.DMY
    return text + draw(st.sampled_from(["", "\n"])), days, order


@_IN_TMP
@given(file=_files(), is_told=st.booleans())
def test_rendering_reads_back_or_is_refused(
    tmp_path: Path, *, file: tuple[str, list[Day], DateOrder], is_told: bool
) -> None:
    """The order of day and month is asked for where it cannot be known, and believed where it is told."""
    text, days, order = file

    bars = _read(tmp_path / "iwm.csv", text.encode(), ReadingOptions(date_order=order if is_told else None))

    assert bars is None or _are_of(bars, days)


@_IN_TMP
@given(
    content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
@example(content=b"date,close\n2019-06-03,5\x00\n")
@example(content=b"date,close\n9999999999999,5\n")
def test_any_content_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    _read(tmp_path / "iwm.csv", content)
    _read(tmp_path / "iwm.csv", b"Date,Open,High,Low,Close\n" + content, ReadingOptions(skip_bad_rows=True))


@_IN_TMP
@given(
    days=_days,
    name=st.sampled_from(sorted(VENDORS)),
    at=st.integers(0, 2_000),
    length=st.integers(0, 5),
    text=st.text(alphabet=st.sampled_from("0123456789.,;-+:/\t\n\r\"'eETZ #$%<>{[null"), max_size=4),
)
def test_damaged_file_is_read_or_refused(
    tmp_path: Path, *, days: list[Day], name: str, at: int, length: int, text: str
) -> None:
    whole = VENDORS[name].render(days)
    at %= len(whole)

    _read(tmp_path / "iwm.csv", (whole[:at] + text + whole[at + length :]).encode())


_cell = st.text(alphabet=st.sampled_from('019.-,;" \ttx\r\n'), max_size=4)


@given(
    rows=st.lists(st.lists(_cell, min_size=1, max_size=4), min_size=1, max_size=5),
    delimiter=st.sampled_from(",;\t"),
)
@example(rows=[["1", '"'], ["2", '"']], delimiter=",")
def test_rows_are_the_same_whoever_splits_them(rows: list[list[str]], delimiter: str) -> None:
    body = "\n".join(delimiter.join(row) for row in rows)
    fast = _by_arrow(body, delimiter=delimiter, width=3, positions=(0, 2))

    if fast is not None:
        text = Text(path=Path("iwm.csv"), content=body, line=1, delimiter=None)
        slow = _by_csv(text, delimiter=delimiter, skip=0, width=3, positions=(0, 2))
        kept = [
            (line, first, third) for line, first, third in zip(range(1, len(fast[0]) + 1), *fast, strict=True)
        ]
        assert not slow.bad
        assert list(zip(slow.lines, *slow.cells, strict=True)) == [
            each for each in kept if each[0] in set(slow.lines)
        ]
