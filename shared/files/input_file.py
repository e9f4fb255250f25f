"""Open an input file, and name what is wrong with one so that its owner can correct it."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from shared.errors import ConfigError


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open UTF-8 text for reading; ``.gz`` is decompressed on the way.

    Raises
    ------
    ConfigError
        If the file cannot be read, is named ``.gz`` but is not gzip, or is not UTF-8.
    """
    try:
        raw = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 - closed below
        with raw, io.TextIOWrapper(io.BufferedReader(raw, 1 << 20), encoding="utf-8-sig", newline="") as text:
            yield text
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise bad_file(path, f"cannot be read: {reason}") from error
    except UnicodeDecodeError as error:
        raise bad_file(path, f"must be UTF-8 text: {error.reason} at byte {error.start}") from error


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
