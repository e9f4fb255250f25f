"""One line of a recording: a JSON object for each frame or answer, with when it came.

A frame is text, or bytes that are UTF-8, in ``raw``; any other bytes are in ``raw_base64``.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final

import orjson

from services.ingestor.feeds.transport.json_fields import MAX_FRAME_BYTES
from shared.domain.instants import INSTANTS_END_NS
from shared.errors import DecodeError

FORMAT: Final = "convex-recording"
VERSION: Final = 1
# An answer may have 16 MiB; as JSON text a byte of it takes at most six.
MAX_LINE_BYTES: Final = 6 * (16 << 20) + MAX_FRAME_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFrame:
    """A frame of a stream, or the body of an answer of a polled venue; see `Tap.frame`."""

    feed: str
    received_ns: int
    raw: bytes | str
    symbols: tuple[str, ...] = ()
    connection: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAnswer:
    """An answer to a request for bars, missed trades or macro series; see `Tap.answer`."""

    feed: str
    received_ns: int
    url: str
    status: int
    raw: bytes


Recorded = RecordedFrame | RecordedAnswer


def header_line() -> bytes:
    """Return the first line of every file."""
    return orjson.dumps({"format": FORMAT, "v": VERSION}) + b"\n"


def is_header(line: bytes) -> bool:
    """Return whether a line is the first of a file that can be read."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(fields, dict) and (fields.get("format"), fields.get("v")) == (FORMAT, VERSION)


def encode(recorded: Recorded) -> bytes:
    r"""Return the line, with its line break.

    Examples
    --------
    >>> encode(RecordedFrame(feed="kraken", received_ns=5, raw='{"channel":"heartbeat"}'))
    b'{"received_ns":5,"feed":"kraken","symbols":[],"connection":0,"raw":"{\\"channel\\":\\"heartbeat\\"}"}\n'
    """
    fields: dict[str, Any] = {"received_ns": recorded.received_ns, "feed": recorded.feed}
    if isinstance(recorded, RecordedFrame):
        fields |= {"symbols": recorded.symbols, "connection": recorded.connection}
        if isinstance(recorded.raw, bytes):
            fields["is_binary"] = True
    else:
        fields |= {"url": recorded.url, "status": recorded.status}
    return orjson.dumps(fields | _raw(recorded.raw)) + b"\n"


def decode(line: bytes) -> Recorded:
    """Return what a line holds.

    Raises
    ------
    DecodeError
        If it is no line of a recording.
    """
    try:
        fields = orjson.loads(line)
        raw = _raw_of(fields)
        feed, received_ns = fields["feed"], fields["received_ns"]
        is_line = isinstance(feed, str) and type(received_ns) is int and 0 <= received_ns < INSTANTS_END_NS
        if not is_line:
            raise DecodeError("a line must have a feed and an instant")
        if "url" in fields:
            url, status = fields["url"], fields["status"]
            if not isinstance(url, str) or type(status) is not int:
                raise DecodeError("an answer must have an address and a status")
            return RecordedAnswer(feed=feed, received_ns=received_ns, url=url, status=status, raw=raw)
        symbols, connection = fields["symbols"], fields["connection"]
        if not all(isinstance(symbol, str) for symbol in symbols) or type(connection) is not int:
            raise DecodeError("a frame must have symbols and a connection")
        return RecordedFrame(
            feed=feed,
            received_ns=received_ns,
            raw=raw if fields.get("is_binary") is True else raw.decode(),
            symbols=tuple(symbols),
            connection=connection,
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise DecodeError(f"no line of a recording: {error!r}"[:200]) from None


def _raw(raw: bytes | str) -> dict[str, str]:
    if isinstance(raw, str):
        # A lone surrogate is no text that could be written; venues cannot send one.
        return {"raw": raw.encode(errors="replace").decode()}
    try:
        return {"raw": raw.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(raw).decode()}


def _raw_of(fields: dict[str, Any]) -> bytes:
    text = fields.get("raw")
    if isinstance(text, str):
        return text.encode()
    try:
        return base64.b64decode(fields["raw_base64"], validate=True)
    except binascii.Error as error:
        raise DecodeError(f"no line of a recording: {error}") from None
