"""What the macro feed needs from a provider."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import httpx

from services.ingestor.config import IngestorSettings
from services.ingestor.core.macro_vintages import Reading
from shared.errors import DataError

_DECIMAL: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?|[+-]?\.[0-9]+")


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


def decimal(text: str) -> float:
    """Return a decimal number that is written as text.

    Raises
    ------
    ValueError
        If it is none: ``float`` alone would also take ``1_000``, ``nan`` and digits of other scripts.

    Examples
    --------
    >>> decimal(" 4.50 "), decimal("-1e-3")
    (4.5, -0.001)
    """
    if _DECIMAL.fullmatch(text.strip()) is None:
        raise ValueError(f"no decimal number: {text[:40]!r}")
    return float(text)


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
