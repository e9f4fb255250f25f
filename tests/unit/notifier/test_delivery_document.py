"""``docs/deliveries.md`` names every outcome, every reason and every state that there is, and no other."""

import re
from pathlib import Path

from convex.commands.deliveries import DeliveryState
from services.notifier.core.attempt_result import FailureReason
from services.notifier.core.routing import Suppression
from shared.domain.deliveries import Outcome

TEXT = (Path(__file__).parents[3] / "docs" / "deliveries.md").read_text(encoding="utf-8")


def words_of_table(after: str) -> set[str]:
    """Return the code words in the first column of the table that follows a sentence."""
    table = re.search(r"(?:^\|.*\n)+", TEXT[TEXT.index(after) :], re.MULTILINE)
    assert table is not None
    rows = table.group().splitlines()[2:]
    return {word for row in rows for word in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_every_outcome_is_explained() -> None:
    assert words_of_table("## How a delivery ends") == set(Outcome)


def test_every_reason_is_explained() -> None:
    assert words_of_table("Why an attempt did not deliver, or a delivery ended:") == set(FailureReason)


def test_every_reason_to_suppress_is_explained() -> None:
    assert words_of_table("Why there is no message (`suppressed`):") == set(Suppression)


def test_states_of_the_command_line_are_those_of_the_store() -> None:
    assert set(DeliveryState) == {"pending", "sending"} | (set(Outcome) - {"suppressed"})
