"""When bars are pulled, across weekends, early closes and both changes of the clock."""

import pytest

from services.ingestor.core.pull_schedule import next_pull
from shared.calendars import xnys_calendar
from shared.domain.instants import format_rfc3339, parse_rfc3339


@pytest.mark.parametrize(
    ("after", "at", "is_full"),
    [
        ("2025-11-26T20:00:00Z", "2025-11-26T22:45:00", False),  # 17:45 in winter
        ("2025-11-26T22:45:00Z", "2025-11-27T01:15:00", False),  # 20:15
        ("2025-11-27T01:15:00Z", "2025-11-27T14:00:00", True),  # Thanksgiving morning
        ("2025-11-27T14:00:00Z", "2025-11-28T14:00:00", True),  # and no session on it
        ("2025-11-28T14:00:00Z", "2025-11-28T22:45:00", False),  # the early close changes nothing
        ("2025-03-07T22:45:00Z", "2025-03-08T01:15:00", False),  # the last Friday of winter time
        ("2025-03-10T12:59:59Z", "2025-03-10T13:00:00", True),  # 09:00 in summer
        ("2025-10-31T21:45:00Z", "2025-11-01T00:15:00", False),
        ("2025-11-02T14:00:00Z", "2025-11-03T14:00:00", True),  # winter again
    ],
)
def test_next_pull_is_the_first_one_strictly_after(after: str, at: str, is_full: bool) -> None:
    pull = next_pull(parse_rfc3339(after), calendar=xnys_calendar())
    assert (format_rfc3339(pull.at_ns)[:19], pull.is_full) == (at, is_full)
