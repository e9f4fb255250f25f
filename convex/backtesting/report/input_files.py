"""The files that a backtest read, as its report names them: by name and digest, without their folders."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shared.domain.pairs import Pair
from shared.files.file_note import FileNote
from shared.files.held_leg import HeldLeg
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
        Of its bytes as they are on disk, or of the values in memory; hexadecimal.
    notes
        What the reader noticed about it.
    """

    name: str
    leg: str
    sha256: str
    notes: tuple[FileNote, ...] = ()


def input_files(recording: Recording, pair: Pair, notes: Iterable[FileNote]) -> tuple[InputFile, ...]:
    """Return the files of a recording in the order in which they were given, then what was in memory."""
    noticed = list(notes)
    legs = ((pair.lead_title, recording.lead_files), (pair.other_title, recording.other_files))
    held = ((pair.lead_title, recording.lead_held), (pair.other_title, recording.other_held))
    files = tuple(
        InputFile(
            name=path.name,
            leg=leg,
            sha256=_sha256(path),
            notes=tuple(note for note in noticed if note.path == path),
        )
        for leg, paths in legs
        for path in paths
    )
    return files + tuple(
        InputFile(
            name=f"{leg_held.name} (in memory)",
            leg=leg,
            sha256=_sha256_of_held(leg_held),
            notes=tuple(note for note in noticed if note.path.name.partition("[")[0] == leg_held.name),
        )
        for leg, leg_held in held
        if leg_held is not None
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of_held(held: HeldLeg) -> str:
    digest = hashlib.sha256()
    for bar in held.bars:
        digest.update(f"{bar.session},{bar.close!r},{bar.adj_close!r}\n".encode())
    for batch in held.quotes:
        for column in (batch.ts_event_ns, batch.bid, batch.ask):
            digest.update(column.tobytes())
    return digest.hexdigest()
