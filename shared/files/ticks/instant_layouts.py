"""Instants of a column of texts, whose layout is written as one shows it: ``YYYY-MM-DD hh:mm:ss.f``.

======== =================================================================================================
``YYYY`` a year, ``MM`` month, ``DD`` day, ``hh`` hour, ``mm`` minute, ``ss`` second, with leading zeros
``_``    ``T`` or a space
``.f``   nothing, or a point and one to nine decimals of the second
``fff``  three decimals of the second
``z``    at the end: ``Z`` or an offset such as ``+02:00``
``GMTz`` at the end: an offset such as ``GMT+0200``
======== =================================================================================================

What changes once a minute (everything before the seconds, and the zone) is read once for each minute; seconds
and decimals are read for all rows at once. Clocks change on whole minutes, so a zone is applied there too.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.domain.instants import NS_PER_SECOND, to_ns

# The years that the calendar of sessions covers.
FIRST_YEAR: Final = 1999
END_YEAR: Final = 2036
_OFFSET: Final = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
_WITHOUT_CLOCK_CHANGES: Final = ("UTC", "Etc/GMT+5")
_ZERO: Final = ord("0")
_DECIMALS: Final = 9


class NotInLayout(ValueError):
    """A text is not of the layout, or no instant of the calendar's years; the message says which."""


class ClockChange(ValueError):
    """A local time exists twice or not at all, because the clocks were changed."""


@dataclass(frozen=True)
class Layout:
    """How an instant is written.

    Parameters
    ----------
    template
        As in the table of this module.

    Examples
    --------
    >>> layout = Layout("DD.MM.YYYY hh:mm:ss.f")
    >>> layout.fits("02.05.2014 12:30:00.123"), layout.fits("2014-05-02 12:30:00")
    (True, False)
    >>> layout.example
    '02.05.2014 12:30:00.123'
    """

    template: str

    @property
    def has_zone(self) -> bool:
        """Return whether each text says its zone itself."""
        return self.template.endswith("z")

    @property
    def example(self) -> str:
        """Return 2014-05-02, half past twelve UTC, as this layout writes it."""
        text = self.template.replace("GMTz", "GMT+0000").replace("z", "Z").replace(".f", ".123")
        for token, shown in (
            ("YYYY", "2014"),
            ("MM", "05"),
            ("DD", "02"),
            ("hh", "12"),
            ("mm", "30"),
            ("ss", "00"),
            ("fff", "123"),
            ("_", "T"),
        ):
            text = text.replace(token, shown, 1)
        return text

    def fits(self, text: str) -> bool:
        """Return whether a text is written so; it may still be no date, such as the 30th of February."""
        return self._pattern.fullmatch(text) is not None

    def order_of_date(self) -> str:
        """Return the letters of year, month and day in their order, such as ``dmy``."""
        return "".join(sorted("ymd", key=lambda letter: self.template.index(letter.upper())))

    @cached_property
    def until_seconds(self) -> int:
        """Return how many characters come before the seconds."""
        return self.template.index("ss")

    @cached_property
    def minute(self) -> re.Pattern[str]:
        """Return the pattern of what comes before the seconds."""
        return re.compile(_pattern_of(self.template[: self.until_seconds]))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(_pattern_of(self.template))

    def zone_length(self, *, ends_with_z: bool) -> int:
        """Return how many characters the zone takes."""
        if not self.has_zone:
            return 0
        if self.template.endswith("GMTz"):
            return len(" GMT+0000")
        return 1 if ends_with_z else len("+00:00")

    def decimals(self, length: int) -> tuple[int, int] | None:
        """Return begin and number of the decimals when so many characters lie between seconds and zone."""
        begin = self.until_seconds + 2
        if self.template[begin:].startswith("fff"):
            return (begin, 3) if length == 3 else None
        if length == 0:
            return begin, 0
        if self.template[begin:].startswith(".f") and 2 <= length <= _DECIMALS + 1:
            return begin + 1, length - 1
        return None


_TOKENS: Final = (
    ("YYYY", r"(?P<year>[0-9]{4})"),
    ("MM", r"(?P<month>[0-9]{2})"),
    ("DD", r"(?P<day>[0-9]{2})"),
    ("hh", r"(?P<hour>[0-9]{2})"),
    ("mm", r"(?P<minute>[0-9]{2})"),
    ("ss", r"[0-9]{2}"),
    ("fff", r"[0-9]{3}"),
    (".f", r"(?:\.[0-9]{1,9})?"),
    (" GMTz", r" GMT[+-][0-9]{4}"),
    ("z", r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"),
    ("_", r"[Tt ]"),
)


def _pattern_of(template: str) -> str:
    pattern = ""
    while template:
        for token, meaning in _TOKENS:
            if template.startswith(token):
                pattern, template = pattern + meaning, template[len(token) :]
                break
        else:
            pattern, template = pattern + re.escape(template[0]), template[1:]
    return pattern


def parse_instants(texts: pa.StringArray, layout: Layout, zone: str | None) -> NDArray[np.int64]:
    """Return texts as nanoseconds since the Unix epoch.

    Parameters
    ----------
    texts
        At least one, none of them null.
    zone
        IANA name; None where each text says its own.

    Raises
    ------
    NotInLayout, ClockChange
        If any of the texts is no instant; for which row, ask again for each alone.

    Examples
    --------
    >>> parse_instants(pa.array(["02.05.2014 14:30:00.043"]), Layout("DD.MM.YYYY hh:mm:ss.f"), "EET").tolist()
    [1399030200043000000]
    """
    minute_ns = _minutes_of(layout, zone)
    instants = np.empty(len(texts), dtype=np.int64)
    for rows, matrix, zone_length in _groups(texts, layout):
        instants[rows] = _parse_group(matrix, layout, zone_length, minute_ns)
    return instants


def _groups(
    texts: pa.StringArray, layout: Layout
) -> Iterator[tuple[slice | NDArray[np.intp], NDArray[np.uint8], int]]:
    """Yield rows of equal length and equal kind of zone, each as a matrix of characters."""
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    buffer = texts.buffers()[2]
    data = np.frombuffer(buffer, dtype=np.uint8) if buffer is not None else np.empty(0, dtype=np.uint8)
    lengths = np.diff(offsets)
    if not lengths.all():
        raise NotInLayout("an empty cell is no instant")
    is_z = (data[offsets[1:] - 1] | 0x20) == ord("z")
    if (lengths == lengths[0]).all() and (is_z == is_z[0]).all():
        matrix = data[offsets[0] : offsets[-1]].reshape(len(texts), lengths[0])
        yield slice(None), matrix, layout.zone_length(ends_with_z=bool(is_z[0]))
        return
    kinds = lengths * 2 + is_z
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        matrix = data[offsets[rows][:, None] + np.arange(kind // 2)]
        yield rows, matrix, layout.zone_length(ends_with_z=bool(kind % 2))


def _parse_group(
    matrix: NDArray[np.uint8], layout: Layout, zone_length: int, minute_ns: Callable[[str, str], int]
) -> NDArray[np.int64]:
    count, length = matrix.shape
    until_seconds, zone_at = layout.until_seconds, length - zone_length
    decimals = layout.decimals(zone_at - until_seconds - 2)
    if decimals is None:
        raise NotInLayout("has another length")
    begin, number = decimals
    has_point = begin > until_seconds + 2
    if has_point and (matrix[:, until_seconds + 2] != ord(".")).any():
        raise NotInLayout("decimals follow a point")
    seconds = _number(matrix[:, until_seconds : until_seconds + 2])
    if (seconds > 59).any():
        raise NotInLayout("a minute has 60 seconds")
    instants = seconds * np.int64(NS_PER_SECOND)
    if number:
        instants += _number(matrix[:, begin : begin + number]) * np.int64(10 ** (_DECIMALS - number))
    # Eight characters at a time are compared with the row above.
    words = -(-(until_seconds + zone_length) // 8)
    slow = np.zeros((count, words * 8), dtype=np.uint8)
    slow[:, :until_seconds] = matrix[:, :until_seconds]
    slow[:, until_seconds : until_seconds + zone_length] = matrix[:, zone_at:]
    as_words = slow.view(np.uint64)
    changed = np.zeros(count, dtype=np.bool_)
    changed[0] = True
    for word in range(words):
        changed[1:] |= as_words[1:, word] != as_words[:-1, word]
    first_rows = np.flatnonzero(changed)
    text, width = slow[first_rows].tobytes().decode("latin-1"), words * 8
    minutes = np.array(
        [
            minute_ns(
                text[at : at + until_seconds], text[at + until_seconds : at + until_seconds + zone_length]
            )
            for at in range(0, len(text), width)
        ],
        dtype=np.int64,
    )
    instants += np.repeat(minutes, np.diff(first_rows, append=count))
    return instants


def _number(characters: NDArray[np.uint8]) -> NDArray[np.int32]:
    # One row a digit, so that each is read in one go.
    digits = np.ascontiguousarray(characters.T) - np.uint8(_ZERO)
    if (digits > 9).any():
        raise NotInLayout("a digit is missing")
    # At most nine digits: they fit.
    number: NDArray[np.int32] = digits[0].astype(np.int32)
    for digit in digits[1:]:
        number *= 10
        number += digit
    return number


@lru_cache(maxsize=64)
def _minutes_of(layout: Layout, zone: str | None) -> Callable[[str, str], int]:
    """Return the function that reads minute and zone."""
    known = None if zone is None else ZoneInfo(zone)
    minutes_at = layout.template.index("mm")

    @lru_cache(maxsize=256)
    def any_minute_ns(text: str, offset: str) -> int:
        match = layout.minute.fullmatch(text)
        if match is None:
            raise NotInLayout("is written otherwise")
        parts = {name: int(value) for name, value in match.groupdict().items()}
        if not FIRST_YEAR <= parts["year"] < END_YEAR:
            raise NotInLayout("its year is not one of the calendar")
        try:
            local = datetime(**parts)  # type: ignore[arg-type]  # noqa: DTZ001 - the zone comes with the next step
        except ValueError as error:
            raise NotInLayout(str(error)) from error
        return _in_zone(local, known) if offset == "" else _at_offset(local, offset)

    def minute_ns(text: str, offset: str) -> int:
        # No clock change lies within an hour, so all of its minutes are read as the first one.
        minutes = text[minutes_at : minutes_at + 2]
        if not minutes.isdecimal() or int(minutes) > 59:
            raise NotInLayout("an hour has 60 minutes")
        hour_ns = any_minute_ns(f"{text[:minutes_at]}00{text[minutes_at + 2 :]}", offset)
        return hour_ns + int(minutes) * 60 * NS_PER_SECOND

    return minute_ns if known is None or zone in _WITHOUT_CLOCK_CHANGES else any_minute_ns


def _at_offset(local: datetime, offset: str) -> int:
    if offset in ("Z", "z"):
        return to_ns(local.replace(tzinfo=UTC))
    match = _OFFSET.fullmatch(offset.removeprefix(" GMT"))
    if match is None:
        raise NotInLayout("has no offset such as +02:00")
    sign, hours, minutes = match.groups()
    if int(hours) > 23 or int(minutes) > 59:
        raise NotInLayout("an offset is less than a day")
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    return to_ns((local - ahead if sign == "+" else local + ahead).replace(tzinfo=UTC))


def _in_zone(local: datetime, zone: ZoneInfo | None) -> int:
    assert zone is not None  # noqa: S101 - a reader refuses a file whose zone is not known
    before, after = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    assert before is not None and after is not None  # noqa: S101, PT018 - a zone has an offset at any time
    if before > after:
        raise ClockChange(f"exists twice in {zone.key}: the clocks were set back")
    if before < after:
        raise ClockChange(f"does not exist in {zone.key}: the clocks were set forward")
    return to_ns((local - before).replace(tzinfo=UTC))
