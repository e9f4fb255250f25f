"""What the daily feed needs from a provider."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import httpx

from services.ingestor.config import IngestorSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One session as a provider reports it.

    Parameters
    ----------
    session
        Exchange-local date label, ``YYYY-MM-DD``.
    close, adj_close
        USD; the adjusted close on whatever scale the provider uses.
    """

    session: str
    close: float
    adj_close: float
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None


class BarSource(Protocol):
    """A provider of daily rows for one instrument."""

    name: str

    async def rows(self, sessions: Sequence[str]) -> list[Row]:
        """Return the rows of some sessions, ascending; sessions that the provider does not have are left out.

        Parameters
        ----------
        sessions
            Ascending labels, at least one.

        Raises
        ------
        FeedUnavailable
            If the provider does not answer, or its answer cannot be used.
        FeedRefused
            If the provider refuses permanently.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BarProvider:
    """Where daily rows of any instrument can be asked for.

    Parameters
    ----------
    name
        Name of its feeds and their label in the metrics.
    rest_url
        Returns its address.
    make_source
        Returns the rows of one symbol; its client has ``rest_url`` as the base.
    """

    name: str
    rest_url: Callable[[IngestorSettings], str]
    make_source: Callable[[httpx.AsyncClient, str, IngestorSettings], BarSource]
