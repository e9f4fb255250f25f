"""Columns of ``ticks.v1`` are read as numpy reads them, whatever stands in them."""

import math
from typing import Any

import numpy as np
import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from shared.contracts.ticks import decode_tick_record
from shared.domain.ticks import TradeBatch
from shared.errors import DataError

_VALUES = st.one_of(
    st.integers(-3, 3),
    st.integers(2**63 - 2, 2**64 - 1),
    st.integers(1_400_000_000_000_000_000, 1_400_000_000_000_000_003),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1.5, 1300.0, 1e-10, 1e18, 1e300]),
    st.booleans(),
    st.none(),
    st.text(max_size=2),
    st.just([1.0]),
)
_COLUMNS = st.one_of(st.lists(_VALUES, max_size=4), st.lists(st.integers(1, 9), max_size=40), _VALUES)


def _record(**columns: Any) -> bytes:
    value = {
        "schema": "ticks",
        "v": 1,
        "type": "trades",
        "instrument": "XAU/USD.TEST",
        "feed": "test",
        "ts_event_ns": [5],
        "ts_received_ns": [5],
        "price": [1300.0],
        "size": [1.0],
        "trade_id": ["a"],
        **columns,
    }
    return orjson.dumps(value)


def _outcome(record: bytes) -> TradeBatch | str:
    try:
        decoded = decode_tick_record(record)
    except DataError as error:
        return error.reason
    assert isinstance(decoded, TradeBatch)
    return decoded


@given(_COLUMNS)
@example([True, 1.5])
@example([True])
@example([2**63])
@example([2**63, 1.5])
@example([])
def test_sizes_are_those_of_numpy(values: Any) -> None:
    count = len(values) if isinstance(values, list) else 1
    record = _record(
        ts_event_ns=[5] * count,
        ts_received_ns=[5] * count,
        price=[1300.0] * count,
        trade_id=["a"] * count,
        size=values,
    )
    outcome = _outcome(record)
    column = _numpy(values)
    if column is None or column.dtype.kind not in "fi" or column.ndim != 1 or not len(column):
        assert outcome == "schema_mismatch"
    elif not all(math.isfinite(each) and each > 0 for each in column.tolist()):
        assert outcome == "not_positive"
    else:
        assert isinstance(outcome, TradeBatch)
        assert outcome.size.dtype == np.float64
        assert outcome.size.tolist() == column.astype(np.float64).tolist()


@given(_COLUMNS)
@example([True, 5])
@example([True])
@example([5.0])
@example([2**63])
def test_instants_are_those_of_numpy(values: Any) -> None:
    count = len(values) if isinstance(values, list) else 1
    record = _record(
        ts_event_ns=values,
        ts_received_ns=[5] * count,
        price=[1300.0] * count,
        size=[1.0] * count,
        trade_id=["a"] * count,
    )
    outcome = _outcome(record)
    column = _numpy(values)
    if column is None or column.dtype != np.int64 or column.ndim != 1 or not len(column):
        assert outcome == "schema_mismatch"
    elif not all(0 <= each < 2_082_758_400_000_000_000 for each in column.tolist()):
        assert outcome == "implausible_instant"
    else:
        assert isinstance(outcome, TradeBatch)
        assert outcome.ts_event_ns.tolist() == column.tolist()


def _numpy(values: Any) -> Any:
    try:
        # As orjson reads them: an integer beyond 64 bits is a float.
        return np.array(orjson.loads(orjson.dumps(values)))
    except ValueError:
        return None
