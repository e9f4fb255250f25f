"""The durable or visible effects of a notifier; it may crash between any two of them and loses nothing.

`consumer`, `dispatcher` and `outcome_publisher` keep their order, each written down at its top, and report
each effect as soon as it has happened. Tests end the process there. A running service ignores the reports.
"""

from collections.abc import Callable
from enum import StrEnum


class Effect(StrEnum):
    """An effect that has just become durable, or visible outside."""

    STORED = "stored"
    COMMITTED = "committed"
    BEGUN = "begun"
    SENT = "sent"
    RECORDED = "recorded"
    AUDITED = "audited"
    MARKED = "marked"


OnEffect = Callable[[Effect], None]


def ignore_effect(_effect: Effect) -> None:
    """Do nothing, as a running service does."""
