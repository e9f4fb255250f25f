"""A dead letter keeps enough to find the fault, and stays small whatever the input was."""

import base64
import re
from pathlib import Path

import pytest

from shared.contracts.records import DEADLETTERS
from shared.domain.deliveries import DeadLetter, dead_letter

_ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("length", [0, 1, 1_023, 1_024, 1_025, 1_000_000])
def test_letter_keeps_the_first_kibibyte(length: int) -> None:
    raw = bytes(index % 251 for index in range(length))

    letter = dead_letter("ticks.v1", partition=0, offset=7, raw=raw, reason="not_json", message="m")

    assert base64.b64decode(letter.first_bytes) == raw[:1024]
    assert (letter.origin, letter.partition, letter.offset, letter.reason) == ("ticks.v1", 0, 7, "not_json")


def test_tombstone_has_no_bytes() -> None:
    assert (
        dead_letter("ticks.v1", partition=0, offset=7, raw=None, reason="empty", message="m").first_bytes
        == ""
    )


def test_message_that_quotes_its_input_is_cut() -> None:
    """Would have caught: a message as long as the record made a letter that Kafka refused, for ever."""
    letter = dead_letter("feed:kraken", raw=b"x" * 2_000_000, reason="not_json", message="é" * 2_000_000)

    assert letter.message == "é" * 1000
    assert len(DEADLETTERS.encode(letter)) < 16_384


def test_nobody_else_makes_one() -> None:
    makers = {
        str(path.relative_to(_ROOT))
        for folder in ("convex", "services", "shared")
        for path in (_ROOT / folder).rglob("*.py")
        if re.search(rf"\b{DeadLetter.__name__}\(", path.read_text(encoding="utf-8"))
    }

    assert makers == {"shared/domain/deliveries.py"}
