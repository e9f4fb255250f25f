"""The values that FRED's graphs show now, as CSV: without a key, without vintages, unofficial."""

from datetime import date
from typing import Final

import httpx

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.macro.csv_column import read_column
from services.ingestor.feeds.macro.ports import MacroProvider, Readings
from services.ingestor.feeds.transport.http_json import get_text
from services.ingestor.feeds.venues.fred.series import unit_of


class FredGraphSeries:
    """One series, such as ``DFII10``.

    Parameters
    ----------
    begin
        First date of the observations.
    """

    name = "fredgraph"

    def __init__(self, client: httpx.AsyncClient, series: str, *, begin: date) -> None:
        self.unit = unit_of(series)
        self._client = client
        self._series = series
        self._begin = begin

    async def readings(self, *, since: str | None) -> Readings:
        """Return the present value of each date."""
        text = await get_text(
            self._client,
            "/graph/fredgraph.csv",
            params={"id": self._series, "cosd": self._begin.isoformat()},
        )
        return read_column(
            text,
            # The second was its name until 2024.
            date_columns=["observation_date", "DATE"],
            value_columns=[self._series],
            date_of=lambda day: date.fromisoformat(day).isoformat(),
        )


def _series(client: httpx.AsyncClient, name: str, settings: IngestorSettings) -> FredGraphSeries:
    return FredGraphSeries(client, name, begin=settings.macro_start)


FRED_GRAPH: Final = MacroProvider(
    name="fredgraph",
    rest_url=lambda settings: settings.fred_graph_url,
    make_source=_series,
    interval_seconds=2.0,
)
