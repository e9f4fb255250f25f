"""Say what is wrong with an input file so that its owner can mend it."""

from pathlib import Path

from shared.errors import ConfigError


def bad_file(path: Path, problem: str, *, row: int | None = None, field: str | None = None) -> ConfigError:
    """Return the error for a file: one line with file, row, field and remedy.

    Parameters
    ----------
    row
        Line number in the file, the header being 1.

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
