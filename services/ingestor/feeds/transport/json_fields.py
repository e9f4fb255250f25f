"""Read a text frame as a JSON object, and typed fields out of one."""

from typing import Any, Final

import orjson

from shared.domain.instants import parse_rfc3339
from shared.errors import DecodeError

# A snapshot of fifty trades is 10 kB; a hundred times that is a mistake.
MAX_FRAME_BYTES: Final = 1 << 20


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
    if isinstance(frame, bytes):
        raise DecodeError("a frame must be text, was binary")
    if len(frame) > MAX_FRAME_BYTES:
        raise DecodeError(f"a frame must not be longer than {MAX_FRAME_BYTES}, was {len(frame)}")
    try:
        loaded = orjson.loads(frame)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"a frame must be JSON: {error}") from error
    if not isinstance(loaded, dict):
        raise DecodeError(f"a frame must be an object, was {type(loaded).__name__}")
    return loaded


def number(fields: dict[str, Any], name: str) -> float:
    """Return a number that is written as a number or as text.

    Raises
    ------
    DecodeError
        If it is missing or not a number.

    Examples
    --------
    >>> number({"price": "4389.63000"}, "price"), number({"qty": 1e-08}, "qty")
    (4389.63, 1e-08)
    """
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise DecodeError(f"{name} must be a number, was {value!r}"[:200])
    try:
        return float(value)
    except ValueError:
        raise DecodeError(f"{name} must be a number, was {value!r}"[:200]) from None


def whole(fields: dict[str, Any], name: str) -> int:
    """Return an integer, exactly: ids exceed what a float can hold.

    Raises
    ------
    DecodeError
        If it is missing or not an integer.
    """
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise DecodeError(f"{name} must be an integer, was {value!r}"[:200])
    return value


def instant(fields: dict[str, Any], name: str) -> int:
    """Return an RFC 3339 text as nanoseconds since the Unix epoch.

    Raises
    ------
    DecodeError
        If it is missing or not an instant.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        raise DecodeError(f"{name} must be an instant, was {value!r}"[:200])
    try:
        return parse_rfc3339(value)
    except (ValueError, OverflowError):
        raise DecodeError(f"{name} must be an instant, was {value!r}"[:200]) from None
