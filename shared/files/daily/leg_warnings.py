"""What is often a mistake about the two legs' files, and can be known from the files alone."""

import re
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Final

from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar
from shared.files.daily.daily_file import DailyFile
from shared.files.daily.reader import DailyLeg
from shared.files.file_note import FileNote, NoteKind

# What vendors call the legs of gold against small caps.
_MARKETS: Final = (
    re.compile(r"gold.*|xau.*|gld|iau|paxg.*|gc"),
    re.compile(r"iwm|rut|russell.*|ru2000.*|rty|vtwo"),
)
# Two legs may have a close in common by chance, not a month of them.
_SAME_CLOSES: Final = 20
# One leg's provider may be a week behind the other's.
_SESSIONS_BEHIND: Final = 5
# Many files have one odd row.
_OFF_SESSION_ROWS: Final = 3


def leg_warnings(
    lead: DailyLeg, other: DailyLeg, *, pair: Pair, calendar: SessionCalendar, has_ticks: bool
) -> Iterator[FileNote]:
    """Yield a warning for each thing that is probably not meant.

    Parameters
    ----------
    has_ticks
        The lead has tick files, too, so its daily files may end early.
    """
    if lead.files and other.files:
        same = list(_one_market(lead, other))
        yield from same
        if not same:
            yield from _swapped(lead, other, pair)
        if not has_ticks:
            yield from _ends_early(lead, other, calendar)
            yield from _ends_early(other, lead, calendar)
    yield from _off_session(other, pair)
    yield from _unadjusted(other, pair)
    for leg in (lead, other):
        yield from _holes(leg, calendar)


def _one_market(lead: DailyLeg, other: DailyLeg) -> Iterator[FileNote]:
    known = {file.path.resolve() for file in lead.files}
    both = [file.path for file in other.files if file.path.resolve() in known]
    if both:
        yield _warning(both[0], "is given for both legs; give one file for each")
        return
    closes = {bar.session: bar.close for bar in lead.bars}
    common = [bar for bar in other.bars if bar.session in closes]
    if len(common) >= _SAME_CLOSES and all(bar.close == closes[bar.session] for bar in common):
        text = f"has the closes of {lead.files[0].path} in all {len(common):,} sessions in common"
        yield _warning(other.files[0].path, f"{text}; give two markets")


def _swapped(lead: DailyLeg, other: DailyLeg, pair: Pair) -> Iterator[FileNote]:
    names = (_words(pair.lead, pair.lead_title), _words(pair.other, pair.other_title))
    for leg, own, foreign, title in (
        (lead, names[0], names[1], pair.lead_title),
        (other, names[1], names[0], pair.other_title),
    ):
        for file in leg.files:
            for text in (*file.names, _name_of(file.path)):
                words = _words(text)
                if _mentions(words, foreign) and not _mentions(words, own):
                    yield _warning(
                        file.path,
                        f"{text!r} names the other leg, but it is given for {title}; are they swapped?",
                    )
                    break


def _words(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in re.findall(r"[a-z0-9]+", text.lower()))


def _mentions(words: frozenset[str], leg: frozenset[str]) -> bool:
    for market in _MARKETS:
        if any(map(market.fullmatch, leg)):
            return any(map(market.fullmatch, words))
    # What an instrument has in common with every other says nothing.
    return bool(words & (leg - {"usd", "replay"}))


def _name_of(path: Path) -> str:
    return path.name.partition(".")[0]


def _ends_early(leg: DailyLeg, longer: DailyLeg, calendar: SessionCalendar) -> Iterator[FileNote]:
    if not leg.bars or not longer.bars:
        return
    last, end = leg.bars[-1].session, longer.bars[-1].session
    behind = calendar.index_of(end) - calendar.index_of(last)
    if behind > _SESSIONS_BEHIND:
        text = f"ends on {last}, {behind:,} sessions before {longer.files[-1].path}; what follows is not used"
        yield _warning(_newest(leg).path, text)


def _newest(leg: DailyLeg) -> DailyFile:
    return max(leg.files, key=lambda file: file.rows[-1].session)


def _off_session(other: DailyLeg, pair: Pair) -> Iterator[FileNote]:
    weekdays = [day for day in other.off_session if date.fromisoformat(day).weekday() < 5]
    if len(weekdays) >= _OFF_SESSION_ROWS:
        yield _warning(
            other.files[0].path,
            f"has rows on {len(weekdays):,} weekdays on which New York was closed, {weekdays[0]} the first: "
            f"spot gold trades then, {pair.other_title} does not; are the legs swapped, or was the file "
            "filled up?",
        )


def _unadjusted(other: DailyLeg, pair: Pair) -> Iterator[FileNote]:
    file = next((each for each in other.files if not each.has_adjusted and not each.format.assumes), None)
    if file is not None:
        text = f"has no adj_close: if {pair.other_title} pays dividends, its returns include each drop by one"
        yield _warning(file.path, text)


def _holes(leg: DailyLeg, calendar: SessionCalendar) -> Iterator[FileNote]:
    if not leg.bars:
        return
    have = {bar.session for bar in leg.bars}
    first, last = leg.bars[0].session, leg.bars[-1].session
    span = calendar.labels[calendar.index_of(first) : calendar.index_of(last) + 1]
    missing = len(span) - len(have)
    if not missing:
        return
    runs = [tuple(run) for is_there, run in groupby(span, have.__contains__) if not is_there]
    longest = max(runs, key=len)
    text = f"lacks {missing:,} sessions between {first} and {last}, {longest[0]} the first"
    if missing == 1:
        text = f"lacks the session {longest[0]}"
    elif len(longest) > 1:
        text = (
            f"lacks {missing:,} sessions between {first} and {last}, {len(longest):,} of them in a row from "
            f"{longest[0]}"
        )
    yield _warning(leg.files[0].path, text)


def _warning(path: Path, text: str) -> FileNote:
    return FileNote(path=path, kind=NoteKind.WARNING, text=text)
