"""The options of a command that reads files of prices: what the files do not say themselves."""

from collections.abc import Iterable
from typing import Annotated

import typer

from shared.files.file_note import FileNote, NoteKind
from shared.files.reading_options import DateOrder, DecimalMark

FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="Vendor's format of the files, as in docs/backtest.md; by default recognised.",
    ),
]
DateOrderOption = Annotated[
    DateOrder | None,
    typer.Option(help="Order of day, month and year in dates such as 01/06/2020 that no row decides."),
]
DecimalOption = Annotated[
    DecimalMark | None, typer.Option(help="Decimal mark of prices such as 1,726 that no row decides.")
]
TimezoneOption = Annotated[
    str | None,
    typer.Option(metavar="ZONE", help="Zone of times without one, such as America/New_York or UTC."),
]
SkipBadRowsOption = Annotated[
    bool,
    typer.Option("--skip-bad-rows", help="Leave out single bad rows and count them instead of stopping."),
]


def lines_of(notes: Iterable[FileNote]) -> list[str]:
    """Return what was noticed about files as lines for people: notes first, then warnings.

    Examples
    --------
    >>> from pathlib import Path
    >>> lines_of([FileNote(path=Path("iwm.csv"), kind=NoteKind.WARNING, text="lacks 2 sessions")])
    ['warning: iwm.csv: lacks 2 sessions']
    """
    known = dict.fromkeys(notes)
    ordered = sorted(known, key=lambda note: note.kind is NoteKind.WARNING)
    return [f"{'warning' if each.kind is NoteKind.WARNING else 'note'}: {each}" for each in ordered]
