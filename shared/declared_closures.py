"""The closures that operators declare; read also by services that have no calendar."""

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.config import load_settings
from shared.domain.closures import Closures, parse_closures
from shared.errors import ConfigError


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
            parse_closures(value)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return value


def declared_closures() -> Closures:
    """Return the closures that ``CONVEX_CLOSURES`` declares.

    Raises
    ------
    ConfigError
        If one of them cannot be read.
    """
    return parse_closures(load_settings(CalendarSettings).closures)
