"""When a market counts as opened late."""

import pytest

from services.ingestor.core.late_open import LATE_NS, is_late_open

_OPEN = 1_000 * 10**9


@pytest.mark.parametrize(
    ("open_ns", "watched_since_ns", "last_tick_ns", "after_ns", "is_late"),
    [
        (_OPEN, 0, None, LATE_NS, True),
        (_OPEN, 0, _OPEN - 1, LATE_NS, True),
        (_OPEN, 0, _OPEN - 1, LATE_NS - 1, False),
        (_OPEN, 0, _OPEN, LATE_NS, False),
        (None, 0, None, LATE_NS, False),
        (_OPEN, _OPEN + LATE_NS, None, LATE_NS, True),
        (_OPEN, _OPEN + LATE_NS + 1, None, 10 * LATE_NS, False),
    ],
    ids=[
        "never a tick",
        "only a tick from before",
        "not yet five minutes",
        "a tick at the open",
        "closed",
        "started in the five minutes",
        "started later",
    ],
)
def test_late_is_five_minutes_without_a_tick_since_an_open_that_was_watched(
    open_ns: int | None, watched_since_ns: int, last_tick_ns: int | None, after_ns: int, is_late: bool
) -> None:
    assert is_late is is_late_open(
        open_ns=open_ns,
        watched_since_ns=watched_since_ns,
        last_tick_ns=last_tick_ns,
        now_ns=_OPEN + after_ns,
    )
