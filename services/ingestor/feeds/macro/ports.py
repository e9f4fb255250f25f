"""What the macro feed needs from a provider."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from services.ingestor.config import IngestorSettings
from services.ingestor.core.macro_vintages import Reading
from shared.errors import DataError


@dataclass(slots=True)
class Readings:
    """What one pull brought.

    Parameters
    ----------
    rows
        In any order.
    unreadable
        Rows that cannot be read, and why; the others are good.
    """

    rows: list[Reading] = field(default_factory=list)
    unreadable: list[tuple[bytes, DataError]] = field(default_factory=list)


class SeriesSource(Protocol):
    """One series of a provider."""

    name: str
    unit: str

    async def readings(self, *, since: str | None) -> Readings:
        """Return what the provider has.

        Parameters
        ----------
        since
            Only vintages from this date on are needed, where the provider has vintages; None: all of them.

        Raises
        ------
        Unanswered
            If the provider does not answer, refuses, or its answer cannot be used.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroProvider:
    """Where macro series can be asked for.

    Parameters
    ----------
    name
        Stands before the colon in ``CONVEX_INGESTOR_MACRO_SERIES``; label in the metrics.
    rest_url
        Returns its address.
    make_source
        Returns one series by its name at the provider; its client has ``rest_url`` as the base.
    interval_seconds
        Least time between two requests to it.
    """

    name: str
    rest_url: Callable[[IngestorSettings], str]
    make_source: Callable[[httpx.AsyncClient, str, IngestorSettings], SeriesSource]
    interval_seconds: float = 0.0
