"""Open a text file, compressed or not."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from shared.files.problems import bad_file


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open UTF-8 text for reading; ``.gz`` is unpacked on the way.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not gzip although it is called so, or is not UTF-8.
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
