"""``ticks.v1``: everything that the pairs of one lead are computed from, in one order.

============= ========================================================= =================
``type``      columns or fields                                         domain value
============= ========================================================= =================
``quotes``    ``instrument``, ``feed``, ``ts_event_ns``,                `QuoteBatch`
              ``ts_received_ns``, ``bid``, ``ask``
``trades``    ``instrument``, ``feed``, ``ts_event_ns``,                `TradeBatch`
              ``ts_received_ns``, ``price``, ``size``, ``trade_id``
``status``    ``instrument``, ``feed``, ``state``, ``watermark_ns``     `FeedStatus`
``authority`` ``instrument``, ``feed``, ``since_ns``, ``reason``,       `FeedAuthority`
              ``previous``
``fault``     ``instrument``, ``feed``, ``fault``, ``is_open``,         `FeedFault`
              ``at_ns``, ``detail``
``bars``      ``instrument``, ``mode``, ``bars``                        `BarBatch`
============= ========================================================= =================

Prices are JSON numbers with the fewest digits that read back the same: they are exact as text, and a batch of
500 decodes in a tenth of the time of decimal strings. In columns, each tick is decoded in C, not in Python.
"""

import struct
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from shared.contracts.envelope import load_object
from shared.domain.bars import LEAST_PRICE, MOST_PRICE, Bar, BarBatch, BarsMode
from shared.domain.instants import INSTANTS_END_NS
from shared.domain.ticks import (
    AuthorityReason,
    FeedAuthority,
    FeedFault,
    FeedFaultKind,
    FeedState,
    FeedStatus,
    QuoteBatch,
    TradeBatch,
)
from shared.errors import DecodeError, QualityError

SCHEMA: Final = "ticks"
VERSION: Final = 1
_INTEGERS_END: Final = 1 << 63


# One sentence with its numbers; a longer one is cut, so that a fault is never refused for its words.
MAX_DETAIL: Final = 500

TickRecord = QuoteBatch | TradeBatch | FeedStatus | FeedAuthority | FeedFault | BarBatch

_BARS: Final = TypeAdapter(tuple[Bar, ...])


def encode_tick_record(record: TickRecord) -> bytes:
    """Return canonical bytes: equal records give equal bytes.

    Examples
    --------
    >>> encode_tick_record(FeedStatus(instrument="XAU/USD.SIM", feed="simulated",
    ...                               state=FeedState.LIVE, watermark_ns=5))
    b'{"schema":"ticks","v":1,"type":"status","instrument":"XAU/USD.SIM","feed":"simulated","state":"LIVE","watermark_ns":5}'
    """
    head: dict[str, Any] = {"schema": SCHEMA, "v": VERSION}
    match record:
        case QuoteBatch():
            head |= {
                "type": "quotes",
                "instrument": record.instrument,
                "feed": record.feed,
                "ts_event_ns": record.ts_event_ns,
                "ts_received_ns": record.ts_received_ns,
                "bid": record.bid,
                "ask": record.ask,
            }
        case TradeBatch():
            head |= {
                "type": "trades",
                "instrument": record.instrument,
                "feed": record.feed,
                "ts_event_ns": record.ts_event_ns,
                "ts_received_ns": record.ts_received_ns,
                "price": record.price,
                "size": record.size,
                "trade_id": record.trade_id,
            }
        case FeedStatus():
            head |= {
                "type": "status",
                "instrument": record.instrument,
                "feed": record.feed,
                "state": record.state,
                "watermark_ns": record.watermark_ns,
            }
        case FeedAuthority():
            head |= {
                "type": "authority",
                "instrument": record.instrument,
                "feed": record.feed,
                "since_ns": record.since_ns,
                "reason": record.reason,
                "previous": record.previous,
            }
        case FeedFault():
            head |= {
                "type": "fault",
                "instrument": record.instrument,
                "feed": record.feed,
                "fault": record.fault,
                "is_open": record.is_open,
                "at_ns": record.at_ns,
                "detail": record.detail[:MAX_DETAIL],
            }
        case BarBatch():
            head |= {
                "type": "bars",
                "instrument": record.instrument,
                "mode": record.mode,
                "bars": record.bars,
            }
    return orjson.dumps(head, option=orjson.OPT_SERIALIZE_NUMPY)


def decode_tick_record(value: bytes | None) -> TickRecord:
    """Return the record's domain value, checked.

    Raises
    ------
    DecodeError
        If the bytes do not match the schema.
    QualityError
        If a price or a time is implausible whatever the market does: not finite, not positive,
        crossed.
    """
    loaded = load_object(value, schema=SCHEMA, version=VERSION)
    try:
        match loaded["type"]:
            case "quotes":
                return _quotes(loaded)
            case "trades":
                return _trades(loaded)
            case "status":
                return FeedStatus(
                    instrument=_text(loaded, "instrument"),
                    feed=_text(loaded, "feed"),
                    state=FeedState(loaded["state"]),
                    watermark_ns=_whole(loaded, "watermark_ns"),
                )
            case "authority":
                return FeedAuthority(
                    instrument=_text(loaded, "instrument"),
                    feed=_text(loaded, "feed"),
                    since_ns=_whole(loaded, "since_ns"),
                    reason=AuthorityReason(loaded["reason"]),
                    previous=None if loaded["previous"] is None else _text(loaded, "previous"),
                )
            case "fault":
                return FeedFault(
                    instrument=_text(loaded, "instrument"),
                    feed=_text(loaded, "feed"),
                    fault=FeedFaultKind(loaded["fault"]),
                    is_open=_truth(loaded, "is_open"),
                    at_ns=_whole(loaded, "at_ns"),
                    detail=_detail(loaded),
                )
            case "bars":
                return BarBatch(
                    instrument=_text(loaded, "instrument"),
                    mode=BarsMode(loaded["mode"]),
                    bars=_bars(loaded),
                )
            case other:
                raise DecodeError(f"ticks: type {other!r} is unknown"[:300], reason="unknown_type")
    except KeyError as error:
        raise DecodeError(f"ticks: field {error} is missing", reason="schema_mismatch") from error
    except ValidationError as error:
        raise DecodeError(f"ticks: {error.errors()[0]['msg']}"[:300], reason="schema_mismatch") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise DecodeError(f"ticks: {error}"[:300], reason="schema_mismatch") from error


def _quotes(loaded: dict[str, Any]) -> QuoteBatch:
    events, received = _instants(loaded, "ts_event_ns"), _instants(loaded, "ts_received_ns")
    bid, ask = _prices(loaded, "bid"), _prices(loaded, "ask")
    _same_length(events, received, bid, ask)
    if np.count_nonzero(bid > ask):
        raise QualityError("ticks: a bid is above its ask", reason="crossed")
    return QuoteBatch(
        instrument=_text(loaded, "instrument"),
        feed=_text(loaded, "feed"),
        ts_event_ns=events,
        ts_received_ns=received,
        bid=bid,
        ask=ask,
    )


def _trades(loaded: dict[str, Any]) -> TradeBatch:
    events, received = _instants(loaded, "ts_event_ns"), _instants(loaded, "ts_received_ns")
    price, size = _prices(loaded, "price"), _positive(loaded, "size")
    ids = loaded["trade_id"]
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise DecodeError("ticks: trade_id must be an array of text", reason="schema_mismatch")
    _same_length(events, received, price, size, ids)
    return TradeBatch(
        instrument=_text(loaded, "instrument"),
        feed=_text(loaded, "feed"),
        ts_event_ns=events,
        ts_received_ns=received,
        price=price,
        size=size,
        trade_id=tuple(ids),
    )


def _instants(loaded: dict[str, Any], name: str) -> NDArray[np.int64]:
    values = loaded[name]
    packed = _packed(values, "q")
    column = np.array(values) if packed is None else np.frombuffer(packed, np.int64)
    # A float instant has lost nanoseconds already; a ragged or textual column is not an array of integers.
    if column.ndim != 1 or column.dtype != np.int64:
        raise DecodeError(f"ticks: {name} must be an array of integers", reason="schema_mismatch")
    if len(column):
        _plausible(name, *_extremes(column))
    return column


def _plausible(name: str, first_ns: int, last_ns: int) -> None:
    # Event time never goes back: one tick from the far future would make every later tick late.
    if first_ns < 0 or last_ns >= INSTANTS_END_NS:
        raise QualityError(
            f"ticks: {name} must lie between 1970 and 2036, was {first_ns}..{last_ns}",
            reason="implausible_instant",
        )


def _bars(loaded: dict[str, Any]) -> tuple[Bar, ...]:
    bars = _BARS.validate_json(orjson.dumps(loaded["bars"]), strict=True)
    if any(bar.instrument != loaded["instrument"] for bar in bars):
        raise DecodeError("ticks: bars must be of the record's instrument", reason="schema_mismatch")
    return bars


def _prices(loaded: dict[str, Any], name: str) -> NDArray[np.float64]:
    column = _positive(loaded, name)
    if not len(column):
        return column
    low, high = _extremes(column)
    if not LEAST_PRICE <= low <= high <= MOST_PRICE:
        raise QualityError(
            f"ticks: {name} must lie between {LEAST_PRICE:g} and {MOST_PRICE:g}", reason="outside_range"
        )
    return column


def _positive(loaded: dict[str, Any], name: str) -> NDArray[np.float64]:
    values = loaded[name]
    packed = _packed(values, "d")
    if packed is not None:
        column = np.frombuffer(packed, np.float64)
        low, high = _extremes(column)
        # Anything else is left to numpy, also whether large integers are signed.
        if low > 0 and high < _INTEGERS_END:
            return column
    column = np.array(values)
    if column.ndim != 1 or column.dtype.kind not in "fi":
        raise DecodeError(f"ticks: {name} must be an array of numbers", reason="schema_mismatch")
    column = column.astype(np.float64, copy=False)
    # JSON has no NaN and orjson refuses it, but 1e999 reads as infinity.
    if not (np.isfinite(column).all() and (column > 0).all()):
        raise QualityError(f"ticks: {name} must be positive", reason="not_positive")
    return column


def _packed(values: Any, code: str) -> bytes | None:
    """Return numbers as the bytes of a column; None if ``struct`` cannot pack them and numpy has to decide.

    Three times as fast as numpy, which checks the type of each value first. ``struct`` accepts no text as a
    number and no float as an integer. It accepts ``true`` as 1; numpy does so only next to a number.
    """
    if not isinstance(values, list) or not values or isinstance(values[0], bool):
        return None
    try:
        return struct.pack(f"{len(values)}{code}", *values)
    except (struct.error, OverflowError):
        return None


def _extremes(column: NDArray[Any]) -> tuple[Any, Any]:
    # ``argmin`` is three times as fast as ``min``; a single number needs neither.
    if len(column) == 1:
        return column.item(0), column.item(0)
    return column.item(column.argmin()), column.item(column.argmax())


def _same_length(first: NDArray[np.int64], *others: Any) -> None:
    if not len(first) or any(len(other) != len(first) for other in others):
        raise DecodeError("ticks: columns must be of one length, at least 1", reason="schema_mismatch")


def _text(loaded: dict[str, Any], name: str) -> str:
    value = loaded[name]
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise DecodeError(f"ticks: {name} must be text of 1 to 64 characters", reason="schema_mismatch")
    return value


def _whole(loaded: dict[str, Any], name: str) -> int:
    value = loaded[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise DecodeError(f"ticks: {name} must be an integer", reason="schema_mismatch")
    _plausible(name, value, value)
    return value


def _truth(loaded: dict[str, Any], name: str) -> bool:
    value = loaded[name]
    if not isinstance(value, bool):
        raise DecodeError(f"ticks: {name} must be true or false", reason="schema_mismatch")
    return value


def _detail(loaded: dict[str, Any]) -> str:
    value = loaded["detail"]
    if not isinstance(value, str) or len(value) > MAX_DETAIL:
        raise DecodeError(
            f"ticks: detail must be text of at most {MAX_DETAIL} characters", reason="schema_mismatch"
        )
    return value
