"""What a record of ticks.v1 may not be, each with the reason that its dead letter has."""

import json
import re
from typing import Any

import pytest

from shared.contracts import ticks
from shared.contracts.envelope import load_object
from shared.contracts.ticks import MAX_DETAIL, decode_tick_record, encode_tick_record
from shared.domain.bars import BarBatch
from shared.domain.instants import INSTANTS_END_NS
from shared.domain.ticks import FeedFault, FeedFaultKind, FeedStatus
from shared.errors import DataError, DecodeError, QualityError
from tests.support.builders_market import utc

QUOTES: dict[str, Any] = {
    "schema": "ticks", "v": 1, "type": "quotes", "instrument": "XAU/USD.TEST", "feed": "test",
    "ts_event_ns": [1, 2], "ts_received_ns": [1, 2], "bid": [1.0, 2], "ask": [1.5, 2.0],
}  # fmt: skip
TRADES: dict[str, Any] = {
    "schema": "ticks", "v": 1, "type": "trades", "instrument": "XAU/USD.TEST", "feed": "test",
    "ts_event_ns": [1], "ts_received_ns": [1], "price": [1.0], "size": [0.5], "trade_id": ["a"],
}  # fmt: skip
STATUS: dict[str, Any] = {
    "schema": "ticks", "v": 1, "type": "status", "instrument": "XAU/USD.TEST", "feed": "test",
    "state": "LIVE", "watermark_ns": 0,
}  # fmt: skip
AUTHORITY: dict[str, Any] = {
    "schema": "ticks", "v": 1, "type": "authority", "instrument": "XAU/USD.TEST", "feed": "test",
    "since_ns": 0, "reason": "first", "previous": None,
}  # fmt: skip
FAULT: dict[str, Any] = {
    "schema": "ticks", "v": 1, "type": "fault", "instrument": "XAU/USD.TEST", "feed": "test",
    "fault": "late_open", "is_open": True, "at_ns": 0, "detail": "",
}  # fmt: skip
BAR: dict[str, Any] = {
    "instrument": "IWM.TEST", "session": "2019-06-03", "close": 150.0, "adj_close": 150.0,
    "known_at_ns": 5, "source": "test",
}  # fmt: skip
BARS: dict[str, Any] = {
    "schema": "ticks", "v": 1, "type": "bars", "instrument": "IWM.TEST", "mode": "live", "bars": [BAR],
}  # fmt: skip
EVERY_TYPE = (QUOTES, TRADES, STATUS, AUTHORITY, FAULT, BARS)


def refusal(value: object) -> DataError:
    with pytest.raises(DataError) as caught:
        decode_tick_record(json.dumps(value).encode())
    return caught.value


def test_table_of_the_module_names_every_field_of_every_type() -> None:
    """Would have caught: the table left out instrument and feed."""
    fields: dict[str, set[str]] = {}
    of = ""
    for line in (ticks.__doc__ or "").splitlines():
        if line.startswith(("``", " " * 14 + "``")):
            of = line[:13].strip(" `") or of
            fields.setdefault(of, set()).update(re.findall(r"``(\w+)``", line[14:]))
    del fields["type"]
    fields = {name: each for name, each in fields.items() if not name.startswith("ticks.v1")}

    assert fields == {example["type"]: set(example) - {"schema", "v", "type"} for example in EVERY_TYPE}


def test_last_instant_of_the_calendar_is_where_the_year_2036_begins() -> None:
    assert utc("2036-01-01 00:00") == INSTANTS_END_NS


def test_whole_numbers_are_prices_too() -> None:
    read = decode_tick_record(json.dumps(QUOTES).encode())

    assert read.bid.tolist() == [1.0, 2.0]  # type: ignore[union-attr]  # quotes
    assert read.bid.dtype == float  # type: ignore[union-attr]  # quotes


def test_status_before_the_first_tick_and_bars_without_any_are_fine() -> None:
    status = decode_tick_record(json.dumps(STATUS).encode())
    bars = decode_tick_record(json.dumps(BARS | {"bars": []}).encode())

    assert isinstance(status, FeedStatus)
    assert isinstance(bars, BarBatch)
    assert bars.bars == ()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"schema":"ticks","v":1,"bid":[NaN]}', "not_json"),
        (b"[" * 2_000, "not_json"),
        (b"[]", "not_object"),
        (b"5", "not_object"),
        (b"{}", "unknown_schema"),
        (b'{"schema":"bars","v":1}', "unknown_schema"),
        (b'{"schema":"ticks","v":2}', "unknown_schema"),
        (b'{"schema":"ticks","v":true}', "unknown_schema"),
        (b'{"schema":"ticks","v":1}', "schema_mismatch"),
        (b'{"schema":"ticks","v":1,"type":"candles"}', "unknown_type"),
        (b'{"schema":"ticks","v":1,"type":["quotes"]}', "unknown_type"),
    ],
)
def test_value_of_no_known_shape_is_refused(value: bytes | None, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_tick_record(value)

    assert caught.value.reason == reason


@pytest.mark.parametrize("record", EVERY_TYPE, ids=lambda record: str(record["type"]))
def test_every_field_is_needed(record: dict[str, Any]) -> None:
    for name in set(record) - {"schema", "v", "type"}:
        error = refusal({key: value for key, value in record.items() if key != name})
        assert (type(error), error.reason) == (DecodeError, "schema_mismatch")
        assert name in str(error)


@pytest.mark.parametrize(
    "change",
    [
        {"bid": [1.0]},
        {"bid": 1.0},
        {"bid": "1.0"},
        {"bid": ["1.0", "2.0"]},
        {"bid": [True, False]},
        {"bid": [[1.0], [2.0]]},
        {"bid": [[1.0], 2.0]},
        {"bid": [None, 1.0]},
        {"bid": [], "ask": [], "ts_event_ns": [], "ts_received_ns": []},
        {"ts_event_ns": [1.0, 2.0]},
        {"ts_event_ns": [1, 1 << 63]},
        {"ts_event_ns": [True, False]},
        {"ts_event_ns": {"0": 1}},
        {"instrument": ""},
        {"instrument": "X" * 65},
        {"instrument": 5},
        {"feed": None},
    ],
)
def test_column_of_another_shape_is_refused(change: dict[str, Any]) -> None:
    error = refusal(QUOTES | change)

    assert (type(error), error.reason) == (DecodeError, "schema_mismatch")


@pytest.mark.parametrize(
    ("record", "change", "reason"),
    [
        (QUOTES, {"bid": [1.0, 3.0]}, "crossed"),
        (QUOTES, {"bid": [1.0, 0.0]}, "not_positive"),
        (QUOTES, {"ask": [1.0, -2.0]}, "not_positive"),
        # Their ratio would be infinite, and their statistics no numbers.
        (QUOTES, {"bid": [1.0, 1e-300]}, "outside_range"),
        (TRADES, {"price": [1e300]}, "outside_range"),
        (BARS, {"bars": [BAR | {"adj_close": 1e300}]}, "outside_range"),
        (QUOTES, {"ts_event_ns": [1, INSTANTS_END_NS]}, "implausible_instant"),
        (QUOTES, {"ts_received_ns": [-1, 2]}, "implausible_instant"),
        (TRADES, {"size": [0.0]}, "not_positive"),
        (STATUS, {"watermark_ns": INSTANTS_END_NS}, "implausible_instant"),
        (AUTHORITY, {"since_ns": -1}, "implausible_instant"),
        (FAULT, {"at_ns": INSTANTS_END_NS}, "implausible_instant"),
        (BARS, {"bars": [BAR | {"close": -1.0}]}, "not_positive"),
        (BARS, {"bars": [BAR | {"known_at_ns": -1}]}, "implausible_instant"),
    ],
)
def test_implausible_value_is_refused(record: dict[str, Any], change: dict[str, Any], reason: str) -> None:
    error = refusal(record | change)

    assert (type(error), error.reason) == (QualityError, reason)


@pytest.mark.parametrize(
    ("record", "change"),
    [
        (TRADES, {"trade_id": [5]}),
        (TRADES, {"trade_id": "a"}),
        (TRADES, {"trade_id": ["a", "b"]}),
        (STATUS, {"state": "ASLEEP"}),
        (STATUS, {"state": ["LIVE"]}),
        (STATUS, {"watermark_ns": 1.5}),
        (STATUS, {"watermark_ns": True}),
        (AUTHORITY, {"reason": "whim"}),
        (AUTHORITY, {"previous": ""}),
        (AUTHORITY, {"previous": 5}),
        (AUTHORITY, {"since_ns": None}),
        (FAULT, {"fault": "gremlins"}),
        (FAULT, {"is_open": 1}),
        (FAULT, {"is_open": None}),
        (FAULT, {"detail": None}),
        (FAULT, {"detail": "x" * (MAX_DETAIL + 1)}),
        (BARS, {"mode": "rumour"}),
        (BARS, {"bars": {}}),
        (BARS, {"bars": [BAR | {"close": "150"}]}),
        (BARS, {"bars": [BAR | {"instrument": "SPY.TEST"}]}),
        (BARS, {"bars": [{}]}),
    ],
)
def test_field_of_another_shape_is_refused(record: dict[str, Any], change: dict[str, Any]) -> None:
    error = refusal(record | change)

    assert (type(error), error.reason) == (DecodeError, "schema_mismatch")


def test_columns_at_the_edges_are_read() -> None:
    edge = {"instrument": "X" * 64, "ts_event_ns": [0, INSTANTS_END_NS - 1], "bid": [1.5, 2.0]}

    read = decode_tick_record(json.dumps(QUOTES | edge).encode())

    assert read.ts_event_ns.tolist() == [0, INSTANTS_END_NS - 1]  # type: ignore[union-attr]  # quotes


def test_fault_with_too_long_a_detail_is_cut_when_it_is_written_and_not_refused() -> None:
    fault = FeedFault(
        instrument="XAU/USD.TEST",
        feed="test",
        fault=FeedFaultKind.FEEDS_DISAGREE,
        is_open=True,
        at_ns=1,
        detail="x" * MAX_DETAIL + "y",
    )

    read = decode_tick_record(encode_tick_record(fault))

    assert isinstance(read, FeedFault)
    assert read.detail == "x" * MAX_DETAIL


def test_refusal_of_a_long_value_is_short() -> None:
    with pytest.raises(DecodeError) as caught:
        load_object(json.dumps({"schema": "x" * 10_000, "v": 1}).encode(), schema="ticks", version=1)

    assert len(str(caught.value)) <= 300
