"""The effects of a notifier in their order: between any two of them it may die, and nothing is lost.

The order is kept by `consumer`, `dispatcher` and `auditing`, each of which says after an effect that it
was reached. Tests end the process there.
"""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """An effect that has just become durable, or visible outside."""

    STORED = "stored"
    COMMITTED = "committed"
    SENT = "sent"
    RECORDED = "recorded"
    AUDITED = "audited"
    MARKED = "marked"


Reached = Callable[[Step], None]


def pass_on(_step: Step) -> None:
    """Do nothing: what a running service does between two effects."""
