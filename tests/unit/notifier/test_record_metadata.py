import json

import pytest

from services.notifier.core.record_metadata import header_texts, published_at_ns

MAX_COLUMN = (1 << 63) - 1


@pytest.mark.parametrize(
    ("timestamp_ms", "expected"),
    [
        (0, 0),
        (1_399_033_800_043, 1_399_033_800_043_000_000),
        (7_258_118_400_000, 7_258_118_400_000_000_000),
        (-1, 7),
        (7_258_118_400_001, 7),
        (MAX_COLUMN // 1_000_000 + 1, 7),
        (MAX_COLUMN, 7),
        (-MAX_COLUMN - 1, 7),
    ],
)
def test_timestamp_that_is_none_is_the_time_of_receipt(timestamp_ms: int, expected: int) -> None:
    assert published_at_ns(timestamp_ms, received_at_ns=7) == expected
    assert published_at_ns(timestamp_ms, received_at_ns=7) <= MAX_COLUMN


def test_usual_headers_are_kept_as_they_are() -> None:
    headers = [("published_at", b"2014-05-02T12:35:10Z"), ("host", "zürich".encode())]

    assert header_texts(headers) == {"published_at": "2014-05-02T12:35:10Z", "host": "zürich"}


@pytest.mark.parametrize("value", [b"\xff\xfe", b"\x00", b"\xed\xa0\x80", b"a\x00b", b"\xf0\x9f"])
def test_bytes_that_are_no_text_are_replaced(value: bytes) -> None:
    (text,) = header_texts([("x", value)]).values()

    assert "\ufffd" in text
    assert "\x00" not in text
    assert text.encode()


def test_name_that_cannot_be_stored_is_replaced() -> None:
    assert header_texts([("a\x00\ud800", b"1")]) == {"a\ufffd\ufffd": "1"}


def test_header_without_a_value_is_empty() -> None:
    assert header_texts([("x", None)]) == {"x": ""}


def test_headers_are_bounded_in_number_and_length() -> None:
    headers = [(f"{number}-{'n' * 1_000}", "ä".encode() * 100_000) for number in range(1_000)]

    kept = header_texts(headers)

    assert len(kept) == 32
    assert {len(name) for name in kept} == {100}
    assert set(kept.values()) == {"ä" * 1_000}
    assert len(json.dumps(kept)) < 262_144
