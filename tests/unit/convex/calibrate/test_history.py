"""A history is what both legs' daily files say of the sessions that they share."""

import math
from pathlib import Path

import pytest

from convex.calibrate.history import LEAST_RETURNS, read_history
from shared.calendars import xnys_calendar
from shared.errors import ConfigError
from shared.files.timeline import Recording
from shared.pairs.loading import load_pairs

PAIR = load_pairs("replay")[0]
CALENDAR = xnys_calendar()
SESSIONS = CALENDAR.labels[CALENDAR.labels.index("2015-01-02") :][: LEAST_RETURNS + 2]


def files(folder: Path, lead: dict[str, float], other: dict[str, float]) -> Recording:
    paths = []
    for name, closes in (("gold.csv", lead), ("iwm.csv", other)):
        path = folder / name
        path.write_text("date,close\n" + "".join(f"{day},{close!r}\n" for day, close in closes.items()))
        paths.append((path,))
    return Recording(lead_files=paths[0], other_files=paths[1])


def test_returns_are_those_between_the_sessions_that_both_legs_have(tmp_path: Path) -> None:
    lead = {day: 1_000.0 + index % 7 for index, day in enumerate(SESSIONS)}
    other = {day: 100.0 + index % 5 for index, day in enumerate(SESSIONS)}
    # A session that one leg lacks is no session of the pair.
    del other[SESSIONS[3]]

    found = read_history(files(tmp_path, lead, other), pair=PAIR, calendar=CALENDAR)

    assert (found.first_session, found.last_session) == (SESSIONS[0], SESSIONS[-1])
    assert found.lead.size == found.other.size == LEAST_RETURNS
    assert found.lead[:4] == pytest.approx(
        [math.log(b / a) for a, b in ((1000, 1001), (1001, 1002), (1002, 1004), (1004, 1005))]
    )
    assert found.other[2] == pytest.approx(math.log(104 / 102))


def test_one_return_less_than_two_years_is_too_little(tmp_path: Path) -> None:
    lead = {day: 1_000.0 + index % 7 for index, day in enumerate(SESSIONS)}
    other = {day: 100.0 + index % 5 for index, day in enumerate(SESSIONS[:-2])}

    with pytest.raises(ConfigError, match="have 504 sessions in common; give at least 505, two years"):
        read_history(files(tmp_path, lead, other), pair=PAIR, calendar=CALENDAR)
