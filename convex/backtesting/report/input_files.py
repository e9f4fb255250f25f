"""The files that a backtest read, as its report names them: by name and digest, without their folders."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shared.domain.pairs import Pair
from shared.files.file_note import FileNote
from shared.files.timeline import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """One file that was read.

    Parameters
    ----------
    name
        Without its folder: a report says the same wherever the files are.
    leg
        Title of the leg.
    sha256
        Of its bytes as they are on disk, hexadecimal.
    notes
        What the reader noticed about it.
    """

    name: str
    leg: str
    sha256: str
    notes: tuple[FileNote, ...] = ()


def input_files(recording: Recording, pair: Pair, notes: Iterable[FileNote]) -> tuple[InputFile, ...]:
    """Return the files of a recording in the order in which they were given."""
    noticed = list(notes)
    legs = ((pair.lead_title, recording.lead_files), (pair.other_title, recording.other_files))
    return tuple(
        InputFile(
            name=path.name,
            leg=leg,
            sha256=_sha256(path),
            notes=tuple(note for note in noticed if note.path == path),
        )
        for leg, paths in legs
        for path in paths
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
