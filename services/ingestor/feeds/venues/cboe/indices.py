"""Closes of Cboe's indices, from the history files that it publishes every evening.

A file has either ``DATE,OPEN,HIGH,LOW,CLOSE`` or ``DATE`` and one column that is named after the index. Cboe
asks for approval before its data are used for more than personal purposes; FRED has copies of the series.
"""

from typing import Final

import httpx

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.macro.csv_column import read_column, us_date
from services.ingestor.feeds.macro.ports import MacroProvider, Readings
from services.ingestor.feeds.transport.http_json import get_text


class CboeIndex:
    """One index, such as ``VIX``."""

    name = "cboe"
    unit = "index"

    def __init__(self, client: httpx.AsyncClient, index: str) -> None:
        self._client = client
        self._index = index

    async def readings(self, *, since: str | None) -> Readings:
        """Return every close; Cboe has no vintages."""
        path = f"/api/global/us_indices/daily_prices/{self._index}_History.csv"
        return read_column(
            await get_text(self._client, path),
            date_columns=["DATE"],
            value_columns=["CLOSE", self._index],
            date_of=us_date,
        )


def _index(client: httpx.AsyncClient, name: str, _: IngestorSettings) -> CboeIndex:
    return CboeIndex(client, name)


CBOE: Final = MacroProvider(name="cboe", rest_url=lambda settings: settings.cboe_url, make_source=_index)
