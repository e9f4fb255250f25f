"""A stream of text, cut into blocks of whole lines."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from shared.files.input_file import bad_file

# About 50,000 rows.
_BLOCK_BYTES: Final = 1 << 21


def line_blocks(path: Path, stream: BinaryIO) -> Iterator[bytes]:
    """Yield whole lines, each ended by a line feed, whatever ends the lines of the file.

    Raises
    ------
    ConfigError
        If there is a line of more than two blocks.
    """
    rest = b""
    while piece := stream.read(_BLOCK_BYTES):
        if piece.endswith(b"\r"):
            # The line feed that may follow belongs to it.
            piece += stream.read(1)
        if b"\r" in piece:
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield rest + piece[:cut]
            rest = piece[cut:]
        else:
            rest += piece
            if len(rest) > 2 * _BLOCK_BYTES:
                raise bad_file(path, "has a line of more than 4 MB; give a CSV file of ticks")
    if rest:
        yield rest + b"\n"
