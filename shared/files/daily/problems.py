"""Rows that cannot be used: the first one refuses the file, or single ones are left out and counted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import ConfigError
from shared.files.input_file import bad_file

# So many bad quotes are single ones; more say that the file is not what it seems.
_MOST_SHARE: Final = 0.01
# A short file may have one bad quote, too.
_ALWAYS_ALLOWED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a row cannot be used.

    Parameters
    ----------
    line
        Of the row in its file.
    reason
        ``bad_cells``, ``bad_date`` or ``bad_price``: one bad quote, that may be left out. Empty: something
        that is wrong with the file, and that no row can be left out for.
    field
        The column; None: the row.
    text
        What is wrong, with the remedy.
    """

    line: int
    reason: str
    field: str | None
    text: str

    def error(self, path: Path) -> ConfigError:
        """Return the problem as an error."""
        return bad_file(path, self.text, row=self.line, field=self.field)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """The rows of a file that are left out.

    Parameters
    ----------
    lines
        Of these rows.
    reasons
        How many there are of each reason.
    first
        The first problem, with its row.
    """

    lines: frozenset[int]
    reasons: tuple[tuple[str, int], ...]
    first: str


def settle(path: Path, problems: Iterable[Problem], *, rows: int, is_skipping: bool) -> LeftOut | None:
    """Return which rows to leave out; None if there is no problem.

    Parameters
    ----------
    rows
        How many rows the file has, bad ones included.
    is_skipping
        Whether single bad quotes may be left out.

    Raises
    ------
    ConfigError
        The first problem, unless it may be left out. Also if more than 1 % of the rows, and more than three,
        would be.
    """
    # What is wrong with the file says more than what is wrong with the row.
    found = sorted(problems, key=lambda each: (each.line, each.reason))
    if not found:
        return None
    blocking = next((each for each in found if not each.reason or not is_skipping), None)
    if blocking is not None:
        raise blocking.error(path)
    lines = frozenset(each.line for each in found)
    first = found[0]
    shown = f"row {first.line}: " + (f"{first.field}: " if first.field else "") + first.text
    if len(lines) > max(_ALWAYS_ALLOWED, _MOST_SHARE * rows):
        raise bad_file(
            path,
            f"has {len(lines):,} bad rows of {rows:,}, more than --skip-bad-rows leaves out (1 %); the first "
            f"is {shown}",
        )
    # A row may be bad twice; its first problem counts.
    reasons = Counter({each.line: each.reason for each in reversed(found)}.values())
    return LeftOut(lines=lines, reasons=tuple(sorted(reasons.items())), first=shown)
