"""Read a text frame as JSON, and typed fields out of its objects.

=================================== ============================================ =======================
reader                              takes                                        returns
=================================== ============================================ =======================
`number`                            a JSON number, or a decimal number as text   a finite float
`whole`                             a JSON integer                               an integer of 64 bits
`text`                              a text of 1 to 200 characters                the text
`instant`                           RFC 3339 text with up to nine decimals       nanoseconds since 1970
`seconds`, `milliseconds`,          a number of units since 1970, as JSON        nanoseconds since 1970
`microseconds`, `nanoseconds`       number or as decimal text
`rows`                              an array of objects                          the objects
`optional`                          a field that may be missing or null          None, or what a reader says
`shown`                             any value                                    its beginning, for people
=================================== ============================================ =======================

An instant lies from 1970-01-01 up to 2036-01-01, so that it fits a record; whether it is plausible as the
time of a tick is decided in validation. Whatever a field holds, a reader raises nothing but `DecodeError`.
"""

import math
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import orjson

from shared.domain.instants import INSTANTS_END_NS, NS_PER_SECOND, parse_rfc3339
from shared.errors import DecodeError

_T = TypeVar("_T")

# A snapshot of fifty trades is 10 kB; a hundred times that is a mistake.
MAX_FRAME_BYTES: Final = 1 << 20
_LONGEST_TEXT: Final = 200
# Providers nest less than ten deep; beyond a thousand, Python refuses to write a value as text.
_MOST_NESTING: Final = 200
# ``float`` also reads 1_300, nan, spaces and the digits of any script; no provider writes 40 digits.
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{0,40}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,3})?")
_PLAIN_DECIMAL: Final = re.compile(r"([0-9]{1,20})(?:\.([0-9]{0,40}))?")
_INTEGERS: Final = range(-(1 << 63), 1 << 63)


def read_json(frame: str | bytes) -> Any:
    """Return the JSON value of a text frame.

    Raises
    ------
    DecodeError
        If it is binary, too long, nested too deep, or not JSON; a number beyond a float's range is not JSON
        here.
    """
    if isinstance(frame, bytes):
        raise DecodeError("a frame must be text, was binary")
    if len(frame) > MAX_FRAME_BYTES:
        raise DecodeError(f"a frame must not be longer than {MAX_FRAME_BYTES}, was {len(frame)}")
    try:
        loaded = orjson.loads(frame)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"a frame must be JSON: {error}"[:_LONGEST_TEXT]) from error
    # Only a frame with so many brackets can be so deep.
    if frame.count("[") + frame.count("{") > _MOST_NESTING and _is_deep(loaded):
        raise DecodeError(f"a frame must not be nested deeper than {_MOST_NESTING}")
    return loaded


def read_object(frame: str | bytes) -> dict[str, Any]:
    """Return the object of a text frame.

    Raises
    ------
    DecodeError
        If it is binary, too long, not JSON, or not an object.

    Examples
    --------
    >>> read_object('{"channel":"heartbeat"}')
    {'channel': 'heartbeat'}
    """
    loaded = read_json(frame)
    if not isinstance(loaded, dict):
        raise DecodeError(f"a frame must be an object, was {type(loaded).__name__}")
    return loaded


def read_objects(frame: str | bytes) -> list[dict[str, Any]]:
    """Return the objects of a text frame that is an array of objects, or one object.

    Raises
    ------
    DecodeError
        If it is binary, too long, not JSON, or anything else.

    Examples
    --------
    >>> read_objects('[{"T":"success"},{"T":"q"}]'), read_objects('{"T":"q"}')
    ([{'T': 'success'}, {'T': 'q'}], [{'T': 'q'}])
    """
    loaded = read_json(frame)
    if isinstance(loaded, dict):
        return [loaded]
    if not isinstance(loaded, list) or not all(isinstance(each, dict) for each in loaded):
        raise DecodeError("a frame must be an array of objects")
    return loaded


def number(fields: dict[str, Any], name: str) -> float:
    """Return a finite number that is written as a number or as text.

    Raises
    ------
    DecodeError
        If it is missing, not a number, or beyond a float's range.

    Examples
    --------
    >>> number({"price": "4389.63000"}, "price"), number({"qty": 1e-08}, "qty")
    (4389.63, 1e-08)
    """
    value = fields.get(name)
    if isinstance(value, float):
        result = value
    else:
        is_readable = (
            _DECIMAL.fullmatch(value) is not None
            if isinstance(value, str)
            else isinstance(value, int) and not isinstance(value, bool)
        )
        try:
            result = float(value) if is_readable else math.nan  # type: ignore[arg-type]  # as just checked
        except (ValueError, OverflowError):
            result = math.nan
    if not math.isfinite(result):
        raise _must_be(name, "a finite number", value)
    return result


def whole(fields: dict[str, Any], name: str) -> int:
    """Return an integer of 64 bits, exactly: ids exceed what a float can hold.

    Raises
    ------
    DecodeError
        If it is missing or not an integer.
    """
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INTEGERS:
        raise _must_be(name, "an integer", value)
    return value


def text(fields: dict[str, Any], name: str) -> str:
    """Return a text of 1 to 200 characters.

    Raises
    ------
    DecodeError
        If it is missing, empty, too long, or not text.
    """
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT:
        raise _must_be(name, "text", value)
    return value


def rows(fields: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return an array of objects.

    Raises
    ------
    DecodeError
        If it is missing or anything else.
    """
    value = fields.get(name)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise _must_be(name, "an array of objects", value)
    return value


def instant(fields: dict[str, Any], name: str) -> int:
    """Return an RFC 3339 text as nanoseconds since the Unix epoch.

    Raises
    ------
    DecodeError
        If it is missing, not an instant, or not from 1970 up to 2036.

    Examples
    --------
    >>> instant({"time": "2024-05-02T12:30:00.000000001Z"}, "time")
    1714653000000000001
    """
    value = fields.get(name)
    try:
        ns = parse_rfc3339(value) if isinstance(value, str) else -1
    except (ValueError, OverflowError):
        ns = -1
    if not 0 <= ns < INSTANTS_END_NS:
        raise _must_be(name, "an instant from 1970 up to 2036", value)
    return ns


def seconds(fields: dict[str, Any], name: str) -> int:
    """Return seconds since the Unix epoch as nanoseconds; text is read exactly.

    Raises
    ------
    DecodeError
        If they are missing, not a number, or not from 1970 up to 2036.

    Examples
    --------
    >>> seconds({"timestamp": 1762795433}, "timestamp"), seconds({"time": "1762795433.123456789"}, "time")
    (1762795433000000000, 1762795433123456789)
    """
    return _since_epoch(fields, name, NS_PER_SECOND)


def milliseconds(fields: dict[str, Any], name: str) -> int:
    """Return milliseconds since the Unix epoch as nanoseconds, as `seconds` does."""
    return _since_epoch(fields, name, 1_000_000)


def microseconds(fields: dict[str, Any], name: str) -> int:
    """Return microseconds since the Unix epoch as nanoseconds, as `seconds` does."""
    return _since_epoch(fields, name, 1_000)


def nanoseconds(fields: dict[str, Any], name: str) -> int:
    """Return nanoseconds since the Unix epoch, checked as `seconds` does."""
    return _since_epoch(fields, name, 1)


def optional(reader: Callable[[dict[str, Any], str], _T], fields: dict[str, Any], name: str) -> _T | None:
    """Return what a reader returns, or None where the field is missing or null.

    Raises
    ------
    DecodeError
        If the field is there and the reader refuses it.

    Examples
    --------
    >>> optional(number, {"bid": None}, "bid"), optional(number, {"bid": 1}, "bid")
    (None, 1.0)
    """
    return None if fields.get(name) is None else reader(fields, name)


def shown(value: Any, *, most: int = 40) -> str:
    """Return the beginning of a value, for people; of an array or an object only what it is.

    The text of an array costs as much memory as the frame.

    Examples
    --------
    >>> shown("trade"), shown(None), shown([[[]]]), shown("x" * 50, most=3)
    ('trade', 'None', 'list', 'xxx')
    """
    if isinstance(value, list | dict):
        return type(value).__name__
    return value[:most] if isinstance(value, str) else str(value)[:most]


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MOST_NESTING):
        level = [
            inner
            for each in level
            if isinstance(each, list | dict)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def _since_epoch(fields: dict[str, Any], name: str, unit_ns: int) -> int:
    value = fields.get(name)
    ns = -1
    if isinstance(value, int) and not isinstance(value, bool):
        ns = value * unit_ns
    elif isinstance(value, float):
        # A float of today's seconds is right to 0.2 us; rounding the whole keeps what it says.
        ns = round(value * unit_ns) if 0.0 <= value < INSTANTS_END_NS else -1
    elif isinstance(value, str) and (parts := _PLAIN_DECIMAL.fullmatch(value)) is not None:
        decimals = (parts[2] or "")[:9].ljust(9, "0")
        ns = int(parts[1]) * unit_ns + int(decimals) * unit_ns // NS_PER_SECOND
    if not 0 <= ns < INSTANTS_END_NS:
        raise _must_be(name, "a time from 1970 up to 2036", value)
    return ns


def _must_be(name: str, what: str, value: Any) -> DecodeError:
    # A value may be a whole frame long, and only its beginning is quoted.
    shown = value[:_LONGEST_TEXT] if isinstance(value, str) else value
    is_short = not isinstance(shown, list | dict)
    quoted = repr(shown) if is_short else f"{type(shown).__name__} of {len(shown)}"
    return DecodeError(f"{name} must be {what}, was {quoted}"[:_LONGEST_TEXT])
