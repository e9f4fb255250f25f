"""What a person says about their files that the files do not say themselves."""

from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.errors import ConfigError


class DateOrder(StrEnum):
    """The order of day, month and year in a date of three numbers."""

    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"


class DecimalMark(StrEnum):
    """What separates the whole of a number from its fraction."""

    POINT = "point"
    COMMA = "comma"

    @property
    def mark(self) -> str:
        """The character."""
        return "," if self is DecimalMark.COMMA else "."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOptions:
    """How to read input files; by default everything is found out from the files.

    Parameters
    ----------
    format
        Name of a vendor's format. None: recognised from the header. The files of a run that cannot have it,
        as those of the other leg or a tick file, are recognised as without it.
    date_order
        None: as the format or the dates themselves show; dates that show nothing are refused.
    decimal
        The decimal mark. None: as the format or the prices themselves show; prices that show nothing are
        refused.
    timezone
        IANA name of the zone of instants that are written without one. None: as the format says.
    skip_bad_rows
        Leave out single bad rows and count them, instead of refusing the file.

    Raises
    ------
    ConfigError
        If the zone is not known.

    Examples
    --------
    >>> ReadingOptions(timezone="Europe/Nowhere")
    Traceback (most recent call last):
        ...
    shared.errors.ConfigError: --timezone Europe/Nowhere: is not a zone; give one like America/New_York or UTC
    """

    format: str | None = None
    date_order: DateOrder | None = None
    decimal: DecimalMark | None = None
    timezone: str | None = None
    skip_bad_rows: bool = False

    def __post_init__(self) -> None:
        if self.timezone is not None:
            try:
                ZoneInfo(self.timezone)
            except (KeyError, ValueError, OSError) as error:
                problem = "is not a zone; give one like America/New_York or UTC"
                raise ConfigError(f"--timezone {self.timezone[:40]}: {problem}") from error
