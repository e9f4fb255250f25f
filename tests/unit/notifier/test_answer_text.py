"""An answer's text can be stored, logged and read, whatever bytes it was."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.answer_text import shown_answer


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (b"", ""),
        (b"slow down", "slow down"),
        ("Empfänger unbekannt".encode(), "Empfänger unbekannt"),
        ("Empfänger unbekannt".encode("latin-1"), "Empfänger unbekannt"),
        (b"first line\r\nsecond\tline\n", "first line second line"),
        (b"nul\x00 and \x1b[31mred\x7f", "nul\ufffd and \ufffd[31mred\ufffd"),
        ("right-to-left \u202egnp.exe", "right-to-left \ufffdgnp.exe"),
        ("half a pair \ud83d here", "half a pair \ufffd here"),
        ("Gr\udcfc\udcdfe", "Grüße"),
        ("two halves of UTF-8 \udcc3\udca4", "two halves of UTF-8 ä"),
        ("line\u2028separator and C1 \x85 control", "line separator and C1 control"),
    ],
)
def test_answer_is_one_readable_line(answer: bytes | str, shown: str) -> None:
    assert shown_answer(answer) == shown


def test_only_300_characters_are_kept() -> None:
    assert shown_answer(b"x" * 100_000) == "x" * 300
    assert shown_answer("€".encode() * 100_000) == "€" * 300
    assert shown_answer(b"a" * 299 + b" " + b"b" * 10) == "a" * 299


@pytest.mark.parametrize("shift", range(4))
def test_utf_8_stays_utf_8_where_the_answer_is_cut_within_a_character(shift: int) -> None:
    assert shown_answer(b"x" * shift + "😀".encode() * 5_000) == "x" * shift + "😀" * (300 - shift)


@given(st.binary(max_size=6_000) | st.text(st.characters(exclude_categories=()), max_size=400))
def test_whatever_came_can_be_stored_and_printed(answer: bytes | str) -> None:
    shown = shown_answer(answer)

    assert len(shown) <= 300
    assert shown.isprintable()
    assert json.loads(json.dumps(shown).encode()) == shown
    assert shown.encode().decode() == shown
    assert shown == shown.strip()
