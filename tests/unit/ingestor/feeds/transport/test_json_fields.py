"""What each reader takes and returns, and that it raises nothing but its declared error."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.feeds.transport.json_fields import (
    MAX_FRAME_BYTES,
    instant,
    microseconds,
    milliseconds,
    nanoseconds,
    number,
    optional,
    read_json,
    read_object,
    read_objects,
    rows,
    seconds,
    shown,
    text,
    whole,
)
from shared.domain.instants import INSTANTS_END_NS
from shared.errors import DecodeError

_INSTANTS: list[Callable[[dict[str, Any], str], int]] = [
    instant,
    seconds,
    milliseconds,
    microseconds,
    nanoseconds,
]
_READERS: list[Callable[[dict[str, Any], str], Any]] = [number, whole, text, rows, *_INSTANTS]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1.0),
        (-0.5, -0.5),
        ("4389.63000", 4389.63),
        ("4.38964e3", 4389.64),
        ("+.5", 0.5),
        ("1e-400", 0.0),
        (2**64 - 1, 1.8446744073709552e19),
    ],
)
def test_a_number_may_be_text(value: object, expected: float) -> None:
    assert number({"x": value}, "x") == expected


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        ".",
        "e5",
        "1_300",
        " 1",
        "1\n",
        "\u0661",  # a digit of another script
        "nan",
        "inf",
        "1e400",
        "1" * 41,
        "n/a",
        [1],
        {"a": 1},
        float("nan"),
        float("inf"),
        10**400,
    ],
)
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    with pytest.raises(DecodeError) as caught:
        number({"x": value}, "x")
    assert caught.value.reason == "undecodable"


@pytest.mark.parametrize("value", [0, 2**63 - 1, -(2**63)])
def test_an_integer_of_64_bits_is_read_exactly(value: int) -> None:
    assert whole({"id": value}, "id") == value


@pytest.mark.parametrize("value", [None, True, 1.0, "1", 2**63, -(2**63) - 1])
def test_what_is_no_integer_of_64_bits_is_refused(value: object) -> None:
    with pytest.raises(DecodeError):
        whole({"id": value}, "id")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2024-05-02T12:30:00.123456789Z", 1_714_653_000_123_456_789),
        ("2024-05-02T08:30:00-04:00", 1_714_653_000_000_000_000),
        ("2035-12-31T23:59:59.999999999Z", INSTANTS_END_NS - 1),
    ],
)
def test_an_instant_has_up_to_nine_decimals(value: str, expected: int) -> None:
    assert instant({"time": value}, "time") == expected


@pytest.mark.parametrize(
    "value",
    [
        "0001-01-01T00:00:00Z",
        "1601-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2036-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "2024-02-30T00:00:00Z",
        "2024-05-02T12:30:00+99:99",
        "2024-05-02T12:30:00",
        "2024-05-02",
        "now",
        1_714_653_000,
        None,
    ],
)
def test_what_is_no_instant_of_a_record_is_refused(value: object) -> None:
    with pytest.raises(DecodeError):
        instant({"time": value}, "time")


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        (seconds, 1_762_795_433, 1_762_795_433_000_000_000),
        (seconds, 1_762_795_433.5, 1_762_795_433_500_000_000),
        (seconds, "1762795433.123456789", 1_762_795_433_123_456_789),
        (seconds, "1762795433.1234567891234", 1_762_795_433_123_456_789),
        (seconds, "1762795433.", 1_762_795_433_000_000_000),
        (milliseconds, 1_762_795_433_123, 1_762_795_433_123_000_000),
        (milliseconds, "1762795433123.5", 1_762_795_433_123_500_000),
        (microseconds, 1_762_795_433_123_456, 1_762_795_433_123_456_000),
        (nanoseconds, 1_762_795_433_123_456_789, 1_762_795_433_123_456_789),
        (seconds, 0, 0),
    ],
)
def test_a_time_is_read_in_its_unit(
    reader: Callable[[dict[str, Any], str], int], value: object, expected: int
) -> None:
    assert reader({"t": value}, "t") == expected


@pytest.mark.parametrize("reader", [seconds, milliseconds, microseconds, nanoseconds])
@pytest.mark.parametrize(
    "value", [None, True, -1, -0.5, 2**64, 1e300, float("nan"), float("inf"), "", "-1", "1e9", "x", [1]]
)
def test_what_is_no_time_of_a_record_is_refused(
    reader: Callable[[dict[str, Any], str], int], value: object
) -> None:
    with pytest.raises(DecodeError):
        reader({"t": value}, "t")


def test_milliseconds_in_a_field_of_seconds_are_refused() -> None:
    with pytest.raises(DecodeError):
        seconds({"t": 1_762_795_433_123}, "t")


def test_a_field_that_may_be_missing_is_none_or_checked() -> None:
    assert optional(number, {}, "bid") is None
    assert optional(number, {"bid": None}, "bid") is None
    assert optional(number, {"bid": "1.5"}, "bid") == 1.5
    with pytest.raises(DecodeError):
        optional(number, {"bid": "x"}, "bid")


def test_text_and_rows_are_what_they_say() -> None:
    assert text({"symbol": "IWM"}, "symbol") == "IWM"
    assert rows({"data": [{"a": 1}]}, "data") == [{"a": 1}]
    for no_text in ("", "x" * 201, 5, None):
        with pytest.raises(DecodeError):
            text({"symbol": no_text}, "symbol")
    no_rows: object
    for no_rows in ({}, [1], None, "x"):
        with pytest.raises(DecodeError):
            rows({"data": no_rows}, "data")


def test_a_frame_of_objects_may_be_one_object() -> None:
    assert read_objects('[{"a":1},{"b":2}]') == [{"a": 1}, {"b": 2}]
    assert read_objects('{"a":1}') == [{"a": 1}]
    assert read_json("[1]") == [1]


@pytest.mark.parametrize("frame", ["[1]", "1", "null", '"x"', "[[]]"])
def test_a_frame_of_anything_else_is_refused(frame: str) -> None:
    for reader in (read_object, read_objects):
        with pytest.raises(DecodeError):
            reader(frame)


@pytest.mark.parametrize(
    "frame",
    [
        b"{}",
        "{",
        "",
        '{"a":NaN}',
        '{"a":1e400}',
        '{"a":"\\ud800"}',
        '{"a":"\ud800"}',
        "[" * 10_000 + "]" * 10_000,
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        '"' + "x" * MAX_FRAME_BYTES + '"',
    ],
)
def test_a_frame_that_is_no_json_text_is_refused_with_a_short_reason(frame: str | bytes) -> None:
    for reader in (read_json, read_object, read_objects):
        with pytest.raises(DecodeError) as caught:
            reader(frame)
        assert len(str(caught.value)) <= 200


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=30)
    | st.from_regex(r"[0-9]{1,25}(\.[0-9]{0,25})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
    | st.datetimes().map(lambda each: each.isoformat() + "Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("reader", _READERS)
@given(value=_values)
def test_no_value_makes_a_reader_raise_anything_else(
    reader: Callable[[dict[str, Any], str], Any], value: Any
) -> None:
    try:
        read = reader({"x": value}, "x")
    except DecodeError as error:
        assert error.reason == "undecodable"  # noqa: PT017 - may pass without
        assert len(str(error)) <= 200  # noqa: PT017 - the same
        return
    if reader in _INSTANTS:
        assert 0 <= read < INSTANTS_END_NS


@pytest.mark.parametrize("form", ["[", '{"a":'])
def test_nesting_has_a_bound(form: str) -> None:
    def nested(depth: int) -> str:
        return form * depth + "1" + ("]" if form == "[" else "}") * depth

    read_json(nested(199))
    for depth in (200, 201, 1_000):
        with pytest.raises(DecodeError):
            read_json(nested(depth + 1))


def test_many_values_beside_each_other_are_not_deep() -> None:
    assert len(read_json("[" + ",".join(["[]"] * 10_000) + "]")) == 10_000


def test_beginning_of_a_value_is_shown() -> None:
    assert [shown(value) for value in ("x" * 50, 1.5, None, True, [1], {"a": 1})] == [
        "x" * 40,
        "1.5",
        "None",
        "True",
        "list",
        "dict",
    ]
