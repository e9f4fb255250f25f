"""The closures that operators declare; read also by services that have no calendar."""

from datetime import date

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.config import load_settings
from shared.domain.closures import XNYS, Closures, parse_closures
from shared.errors import ConfigError

_FIRST_YEAR, _LAST_YEAR = "1999", "2035"
_SATURDAY, _SUNDAY = 5, 6


class CalendarSettings(BaseSettings):
    """What the calendars do not know; the same for every service."""

    model_config = SettingsConfigDict(env_prefix="CONVEX_", frozen=True, extra="forbid")

    closures: str = Field(
        default="",
        description="Days without trading that the calendars do not know, comma-separated: XNYS:2025-01-09, "
        "or XNYS:2025-07-03T13:00 for an early close, New York time; METALS: is for spot metals.",
    )

    @field_validator("closures")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        try:
            closures = parse_closures(value)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        for market, day in sorted({*closures.closed, *closures.early}):
            problem = _never_open(market, day)
            if problem is not None:
                raise ValueError(f"{market}:{day} {problem}")
        return value


def _never_open(market: str, day: str) -> str | None:
    """Return why a day cannot be the one that is meant; None if it can.

    A holiday that the calendar knows is accepted: the next version of a calendar may know what was declared.
    """
    if not _FIRST_YEAR <= day[:4] <= _LAST_YEAR:
        return f"lies outside the calendar, which goes from {_FIRST_YEAR} to {_LAST_YEAR}"
    weekday = date.fromisoformat(day).weekday()
    # Spot metals open on Sunday evening.
    if weekday == _SATURDAY or (weekday == _SUNDAY and market == XNYS):
        return f"is a {'Saturday' if weekday == _SATURDAY else 'Sunday'}: there is no session to close"
    return None


def declared_closures() -> Closures:
    """Return the closures that ``CONVEX_CLOSURES`` declares.

    Raises
    ------
    ConfigError
        If one of them cannot be read.
    """
    return parse_closures(load_settings(CalendarSettings).closures)
