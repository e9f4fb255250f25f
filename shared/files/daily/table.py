"""The text of a file as a table: delimiter, header, and the columns that are asked for.

Rows are split by pyarrow. Where it cannot, or where it would lose count of the lines, Python's csv module
splits them again, and knows the line of each: a table is the same either way.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow
from pyarrow import csv as arrow_csv

from shared.files.input_file import bad_file, open_text

_DELIMITERS: Final = (",", ";", "\t", "|")
# A daily file of fifty years has 2 MB. Anything much larger is another kind of file.
_MOST_CHARACTERS: Final = 64_000_000
_COMMENT: Final = "#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A file's text from its header on.

    Parameters
    ----------
    line
        The number of the first line in the file.
    delimiter
        That which a first line ``sep=;`` states; None if none does.
    """

    path: Path
    content: str
    line: int
    delimiter: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The cells of some columns.

    Parameters
    ----------
    lines
        For each row its line number in the file.
    cells
        For each column asked for, its cells. A row that is too short or too long has no cells; it is in
        ``bad``.
    bad
        ``(line, number of cells)`` of each row that is too short or too long.
    """

    lines: Sequence[int]
    cells: tuple[list[str], ...]
    bad: tuple[tuple[int, int], ...] = ()


def read_text(path: Path) -> Text:
    """Read a file whole, without blank lines and comments before its header.

    Raises
    ------
    ConfigError
        If it cannot be read, or is too large for daily prices.
    """
    with open_text(path) as stream:
        content = stream.read(_MOST_CHARACTERS + 1)
    if len(content) > _MOST_CHARACTERS:
        raise bad_file(
            path, "is larger than 64 MB, so it holds no daily prices; give one row a session, or ticks"
        )
    # Old programs end a text with these.
    content = content.rstrip("\x1a\x00")
    line, at, delimiter = 1, 0, None
    while at < len(content):
        end = content.find("\n", at)
        end = len(content) if end < 0 else end
        text = content[at:end].strip("\r\n \ufeff")
        stated = re.fullmatch(r'"?sep=(.)"?', text, re.IGNORECASE)
        if text and stated is None and not text.startswith(_COMMENT):
            break
        delimiter = stated.group(1) if stated is not None else delimiter
        line, at = line + 1, end + 1
    if at >= len(content):
        return Text(path=path, content="", line=1, delimiter=delimiter)
    return Text(path=path, content=content[at:], line=line, delimiter=delimiter)


def delimiters_of(text: Text) -> tuple[str, ...]:
    """Return the delimiters that the first line may have, the likeliest first."""
    if text.delimiter is not None:
        return (text.delimiter,)
    first = text.content.partition("\n")[0]
    return tuple(sorted(_DELIMITERS, key=lambda mark: -first.count(mark)))


def first_rows(text: Text, delimiter: str, count: int) -> list[list[str]]:
    """Return the cells of the first rows; fewer if there are fewer.

    Raises
    ------
    ConfigError
        If the text is not CSV.
    """
    reader = csv.reader(io.StringIO(text.content, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if len(rows) == count:
                break
            rows.append(row)
    except csv.Error as error:
        raise bad_file(text.path, f"is not CSV: {error}") from error
    return rows


def read_columns(text: Text, *, delimiter: str, skip: int, width: int, positions: tuple[int, ...]) -> Columns:
    """Return the cells of some columns.

    Parameters
    ----------
    skip
        The number of header rows.
    width
        The number of columns. A row may have fewer cells, if it has those asked for, and more, if the
        others are empty.

    Raises
    ------
    ConfigError
        If the text is not CSV.
    """
    body = text.content.rstrip("\r\n \t" + ("" if delimiter == "\t" else delimiter))
    for _ in range(skip):
        body = body.partition("\n")[2]
    fast = _by_arrow(body, delimiter=delimiter, width=width, positions=positions)
    # A row of empty cells is a blank one.
    if fast is not None and all(map(str.strip, fast[0])):
        first = text.line + skip
        return Columns(lines=range(first, first + len(fast[0])), cells=fast)
    return _by_csv(text, delimiter=delimiter, skip=skip, width=width, positions=positions)


def _by_arrow(
    body: str, *, delimiter: str, width: int, positions: tuple[int, ...]
) -> tuple[list[str], ...] | None:
    """Return the cells; None if a row is unusual, or could be at another line than it seems."""
    # Quotes inside of cells and lone carriage returns are read in more than one way.
    if (
        not body
        or _COMMENT in body
        or _has_odd_quote(body, delimiter)
        or body.count("\r")
        not in (
            0,
            body.count("\r\n"),
        )
    ):
        return None
    names = [str(each) for each in range(width)]
    wanted = [names[each] for each in positions]
    try:
        table = arrow_csv.read_csv(
            pyarrow.BufferReader(body.encode()),
            read_options=arrow_csv.ReadOptions(
                column_names=names, use_threads=False, block_size=max(1 << 16, 4 * len(body))
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pyarrow.string()),
                include_columns=wanted,
                strings_can_be_null=False,
            ),
        )
    except (pyarrow.ArrowInvalid, UnicodeEncodeError):
        return None
    if table.num_rows != body.count("\n") + 1:
        return None
    # Not to_numpy, which would import pandas.
    cells = tuple(table.column(name).to_pylist() for name in dict.fromkeys(wanted))
    at = {name: index for index, name in enumerate(dict.fromkeys(wanted))}
    return tuple(cells[at[name]] for name in wanted)


def _has_odd_quote(body: str, delimiter: str) -> bool:
    if '"' not in body:
        return False
    if body.count('"') % 2:
        return True
    # A quote is ordinary right after or right before a delimiter or the end of a line.
    return re.search(rf'[^\r\n{re.escape(delimiter)}]"[^\r\n{re.escape(delimiter)}]', body) is not None


def _by_csv(text: Text, *, delimiter: str, skip: int, width: int, positions: tuple[int, ...]) -> Columns:
    needed = max(positions)
    lines: list[int] = []
    cells: tuple[list[str], ...] = tuple([] for _ in positions)
    bad: list[tuple[int, int]] = []
    try:
        for number, row in _rows(text, delimiter, skip):
            if len(row) > width and any(cell.strip() for cell in row[width:]):
                bad.append((number, len(row)))
                continue
            if len(row) <= needed:
                bad.append((number, len(row)))
                continue
            lines.append(number)
            for column, position in zip(cells, positions, strict=True):
                column.append(row[position])
    except csv.Error as error:
        raise bad_file(text.path, f"is not CSV: {error}") from error
    return Columns(lines=lines, cells=cells, bad=tuple(bad))


def _rows(text: Text, delimiter: str, skip: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text.content, newline=""), delimiter=delimiter)
    for index, row in enumerate(reader):
        is_empty = not any(cell.strip() for cell in row)
        if index >= skip and not is_empty and not row[0].lstrip().startswith(_COMMENT):
            yield text.line + reader.line_num - 1, row
