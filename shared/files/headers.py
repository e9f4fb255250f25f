"""Where in a header the columns are that a reader needs."""

from pathlib import Path

from shared.files.problems import bad_file


def position(path: Path, header: list[str], name: str, *, wanted: str) -> int:
    """Return where a column is.

    Parameters
    ----------
    header
        Names, already in the reader's spelling.
    wanted
        What the header must be, for the error.

    Raises
    ------
    ConfigError
        If it is missing or stands there twice.

    Examples
    --------
    >>> position(Path("gold.csv"), ["date", "close"], "close", wanted="date,close")
    1
    """
    if name not in header:
        problem = f"column is missing; the header must {wanted}, was {','.join(header)!r}"
        raise bad_file(path, problem[:300], row=1, field=name)
    if header.count(name) > 1:
        raise bad_file(path, "column stands there twice; keep one", row=1, field=name)
    return header.index(name)
