"""What a reader noticed about an input file that is no error, for the person who gave the file."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class NoteKind(StrEnum):
    """What a note is about."""

    FORMAT = "format"
    SKIPPED = "skipped"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNote:
    """One thing that was noticed about a file.

    Parameters
    ----------
    kind
        ``FORMAT``: how the file was read, and what was assumed. ``SKIPPED``: rows that are in no result.
        ``WARNING``: something that is often a mistake.
    text
        One sentence without the file's name.
    skipped
        For ``SKIPPED``, the number of rows by reason, such as ``bad_price``.

    Examples
    --------
    >>> note = FileNote(path=Path("gold.csv"), kind=NoteKind.FORMAT, text="read as format stooq")
    >>> str(note)
    'gold.csv: read as format stooq'
    """

    path: Path
    kind: NoteKind
    text: str
    skipped: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"
