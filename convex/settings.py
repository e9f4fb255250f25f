"""Read the settings of a command; any unknown ``CONVEX_*`` variable is an error."""

from typing import TypeVar

from pydantic_settings import BaseSettings

from shared.config import KafkaSettings, LogSettings, load_settings, reject_unknown
from shared.declared_closures import CalendarSettings
from shared.pairs.loading import PairsSettings

S = TypeVar("S", bound=BaseSettings)


def all_settings() -> list[type[BaseSettings]]:
    """Return every settings class there is: the closed set of ``CONVEX_*`` variables."""
    from services.dashboard.config import DashboardSettings
    from services.ingestor.config import IngestorSettings
    from services.notifier.config import NotifierSettings
    from services.signals.config import SignalsSettings

    return [
        KafkaSettings,
        LogSettings,
        PairsSettings,
        CalendarSettings,
        IngestorSettings,
        SignalsSettings,
        NotifierSettings,
        DashboardSettings,
    ]


def read_settings(settings: type[S]) -> S:
    """Return settings from the environment.

    Raises
    ------
    ConfigError
        If a variable has an unusable value, or a ``CONVEX_*`` variable is unknown.
    """
    reject_unknown(all_settings())
    return load_settings(settings)
