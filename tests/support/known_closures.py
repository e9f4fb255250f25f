"""The text of ``shared/known_closures.py``, written anew: ``python -m tests.support.known_closures``."""

import textwrap
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

from shared.calendars import calendar_of_the_library

PATH = Path(__file__).resolve().parents[2] / "shared" / "known_closures.py"
_FULL_NS = 390 * 60 * 10**9


def known_closures() -> str:
    """Return the text for the installed exchange-calendars."""
    calendar = calendar_of_the_library()
    first, last = date.fromisoformat(calendar.labels[0]), date.fromisoformat(calendar.labels[-1])
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    sessions = set(calendar.labels)
    closed = [day.isoformat() for day in days if day.weekday() < 5 and day.isoformat() not in sessions]
    early = [
        label
        for label, opened, closes in zip(calendar.labels, calendar.open_ns, calendar.close_ns, strict=True)
        if closes - opened != _FULL_NS
    ]
    return (
        '"""Weekdays on which XNYS is closed, and days on which it closes early, as exchange-calendars has '
        "them.\n\n"
        "Written by ``python -m tests.support.known_closures``; a test compares it with the library.\n"
        '"""\n\nfrom typing import Final\n\n'
        f'LIBRARY_VERSION: Final = "{version("exchange-calendars")}"\n'
        f'CLOSED_WEEKDAYS: Final = """\n{_wrapped(closed)}\n"""\n'
        "# At 13:00 New York.\n"
        f'EARLY_CLOSES: Final = """\n{_wrapped(early)}\n"""\n'
    )


def _wrapped(labels: list[str]) -> str:
    return "\n".join(textwrap.wrap(" ".join(labels), width=109, break_on_hyphens=False))


if __name__ == "__main__":
    PATH.write_text(known_closures())
