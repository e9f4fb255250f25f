"""The names that ``--format`` takes: those of daily and of tick files."""

from difflib import get_close_matches

from shared.errors import ConfigError
from shared.files.daily.formats import DAILY_FORMATS
from shared.files.reading_options import ReadingOptions
from shared.files.ticks.formats import PLAIN, TICK_FORMATS


def format_names() -> tuple[str, ...]:
    """Return all names, daily ones first."""
    daily = [each.name for each in DAILY_FORMATS if not each.refusal]
    return tuple(dict.fromkeys([*daily, PLAIN.name, *(each.name for each in TICK_FORMATS)]))


def require_known_format(reading: ReadingOptions) -> None:
    """Check the name that the person gave.

    Raises
    ------
    ConfigError
        If there is no format of that name.

    Examples
    --------
    >>> require_known_format(ReadingOptions(format="yahoo"))
    >>> require_known_format(ReadingOptions(format="yaho"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    shared.errors.ConfigError: --format yaho: is not known; did you mean yahoo? known are alphavantage, ...
    """
    names = format_names()
    if reading.format is None or reading.format in names:
        return
    close = get_close_matches(reading.format, names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    known = ", ".join(sorted(names))
    raise ConfigError(f"--format {reading.format[:40]}: is not known; {hint}known are {known}")
