"""The calendar that is kept as a table is the one of the library."""

import pytest

from shared import calendars
from tests.support.known_closures import PATH, known_closures


def test_table_is_what_the_installed_library_says() -> None:
    assert PATH.read_text() == known_closures(), "run python -m tests.support.known_closures"
    assert calendars.calendar_of_the_table() == calendars.calendar_of_the_library()


def test_another_version_of_the_library_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(calendars, "version", lambda _name: "0.0")
    monkeypatch.setattr(calendars, "calendar_of_the_library", lambda: asked.append("library"))
    calendars._known_calendar.__wrapped__()

    assert asked == ["library"]
