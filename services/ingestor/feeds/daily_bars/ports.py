"""What the daily feed needs from a provider."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import httpx

from services.ingestor.config import IngestorSettings
from services.ingestor.core.daily_rows import PulledRows


class BarSource(Protocol):
    """A provider of daily rows for one instrument.

    Parameters
    ----------
    is_split_adjusted
        Its closes are divided by later splits; else they are as traded.
    """

    name: str
    is_split_adjusted: bool

    async def rows(self, sessions: Sequence[str]) -> PulledRows:
        """Return the rows of some sessions; sessions that the provider does not have are left out.

        Rows of other days may be among them. A row that cannot be read costs itself, not the answer.

        Parameters
        ----------
        sessions
            Ascending labels, at least one.

        Raises
        ------
        FeedUnavailable
            If the provider does not answer, refuses, or its answer as a whole cannot be read. An `Unanswered`
            says what it is evidence of.
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
    least_interval_seconds
        Between two requests: what its free plan allows.
    """

    name: str
    rest_url: Callable[[IngestorSettings], str]
    make_source: Callable[[httpx.AsyncClient, str, IngestorSettings], BarSource]
    least_interval_seconds: float = 0.0
