"""Open an input file, and name what is wrong with one so that its owner can correct it."""

import codecs
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final, TextIO

from shared.errors import ConfigError
from shared.files.containers import BadContainer, open_container

_BUFFER_BYTES: Final = 1 << 20
# The longer mark first: that of UTF-16 is the beginning of that of UTF-32.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open text for reading; line ends stay as they are.

    What is packed as gzip, zip (with exactly one file), xz or bzip2 is unpacked as it is read; the content
    decides, not the name. The text is UTF-8, or UTF-16 or UTF-32 with a byte order mark.

    Raises
    ------
    ConfigError
        If the file cannot be read or unpacked, or is not such text.
    """
    with (
        _explained(path),
        _unpacked(path) as (stream, encoding),
        io.TextIOWrapper(stream, encoding=encoding, newline="") as text,
    ):
        yield text


@contextmanager
def open_binary(path: Path) -> Iterator[BinaryIO]:
    """Open the text as `open_text` does, as a stream of UTF-8 without byte order mark.

    The stream does not check that UTF-8 is valid: a reader of bytes does that where it meets them.

    Raises
    ------
    ConfigError
        As `open_text`.
    """
    with _explained(path), _unpacked(path) as (stream, encoding):
        if encoding != "utf-8-sig":
            with io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
                yield io.BufferedReader(_AsUtf8(text), _BUFFER_BYTES)
        else:
            if stream.peek(len(codecs.BOM_UTF8)).startswith(codecs.BOM_UTF8):
                stream.read(len(codecs.BOM_UTF8))
            yield stream


def bad_file(path: Path, problem: str, *, row: int | None = None, field: str | None = None) -> ConfigError:
    """Return the error for a file: one line with file, row, field and remedy.

    Parameters
    ----------
    row
        Line number in the file; the header is line 1.

    Examples
    --------
    >>> str(bad_file(Path("gold.csv"), "must be a positive number, was 'abc'", row=7, field="close"))
    "gold.csv: row 7: close: must be a positive number, was 'abc'"
    """
    where = "".join(
        part
        for part in (f"row {row}: " if row is not None else "", f"{field}: " if field is not None else "")
    )
    return ConfigError(f"{path}: {where}{problem}")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what opening and reading a file raise into one line with the remedy."""
    try:
        yield
    except BadContainer as error:
        raise bad_file(path, str(error)) from error
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        if isinstance(error, OSError) and error.strerror:
            raise bad_file(path, f"cannot be read: {error.strerror}") from error
        raise bad_file(path, f"cannot be read: {error}; it is damaged or cut short, get it again") from error
    except UnicodeDecodeError as error:
        if error.encoding in ("utf-8", "utf8"):
            problem = f"must be UTF-8 text: {error.reason} at byte {error.start}"
        else:
            problem = f"must be {error.encoding.upper()} text as its first bytes say: {error.reason}"
        raise bad_file(path, f"{problem}; save it as CSV UTF-8") from error


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple["io.BufferedReader[_Bounded]", str]]:
    """Yield the unpacked bytes, and the encoding that their first bytes tell."""
    inner, most = open_container(path)
    with inner:
        stream = io.BufferedReader(_Bounded(inner, most), _BUFFER_BYTES)
        head = stream.peek(4)[:4]
        for mark, encoding in _MARKS:
            if head.startswith(mark):
                yield stream, encoding
                return
        if head[1:2] == b"\x00" or head[:1] == b"\x00":
            raise BadContainer(
                "looks like UTF-16 without a byte order mark; save it as CSV UTF-8, or as Unicode with a mark"
            )
        yield stream, "utf-8-sig"


class _Bounded(io.RawIOBase):
    """The bytes of a stream, up to a number where one is given."""

    def __init__(self, inner: IO[bytes], most: int | None) -> None:
        self._inner = inner
        self._most = most
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # it is given a memoryview
        count = self._inner.readinto(buffer)  # type: ignore[attr-defined]  # every stream here has it
        self._read += count
        if self._most is not None and self._read > self._most:
            raise BadContainer(
                f"unpacks to more than {self._most >> 20:,} MiB, a hundred times its size; unpack it and see "
                "what it is"
            )
        return int(count)


class _AsUtf8(io.RawIOBase):
    """Text as bytes of UTF-8."""

    def __init__(self, text: TextIO) -> None:
        self._text = text

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # it is given a memoryview
        # A character of UTF-16 takes at most three bytes in UTF-8, one of UTF-32 four.
        read = self._text.read(max(1, len(buffer) // 4)).encode()
        buffer[: len(read)] = read
        return len(read)
