"""The ingestor with macro series: what is in ``macro.v1`` after it ran once, and after it ran again."""

from datetime import date

import pytest

from services.ingestor.config import IngestorSettings
from shared.config import KafkaSettings
from shared.contracts.records import MACRO
from shared.errors import ConfigError
from shared.kafka import topics
from shared.pairs.loading import load_pairs
from tests.integration.ingestor.harness import Reader, running
from tests.support.fake_feeds.fred import FakeFred

_PAIRS = tuple(pair for pair in load_pairs("live") if pair.name == "gold-iwm")


def _settings(fred: FakeFred, *series: str, key: str | None = "fred-secret-key") -> IngestorSettings:
    return IngestorSettings(
        feed="live",
        macro_series=series,
        macro_start=date(2024, 1, 1),
        fred_url=fred.server.url,
        fred_key=key,
        # Nothing listens there: the other feeds only try.
        kraken_websocket_url="ws://127.0.0.1:9",
        kraken_rest_url="http://127.0.0.1:9",
        coinbase_rest_url="http://127.0.0.1:9",
        yahoo_url="http://127.0.0.1:9",
    )


async def test_restart_publishes_only_what_is_new(kafka: KafkaSettings) -> None:
    fred = FakeFred(series={"DFII10": {"2024-05-23": {"2024-05-24": "2.11"}}})
    settings = "fred:DFII10", "fred:NOPE"
    async with fred.server, Reader(kafka, topics.MACRO.name) as macro:
        async with running(kafka, _settings(fred, *settings), _PAIRS):
            await macro.until(lambda: len(macro.values) == 1)
        fred.series["DFII10"]["2024-05-24"] = {"2024-05-28": "2.13"}
        fred.series["DFII10"]["2024-05-23"]["2024-05-28"] = "2.12"
        async with running(kafka, _settings(fred, *settings), _PAIRS):
            await macro.until(lambda: len(macro.values) >= 3)
    assert sorted(macro.keys) == [
        "fred:DFII10|2024-05-23|2024-05-24",
        "fred:DFII10|2024-05-23|2024-05-28",
        "fred:DFII10|2024-05-24|2024-05-28",
    ]
    assert {MACRO.decode(value).value for value in macro.values} == {2.11, 2.12, 2.13}


@pytest.mark.parametrize(
    ("series", "key", "words"),
    [
        ("fred:DFII10", None, "CONVEX_INGESTOR_FRED_KEY must be set"),
        ("fredd:DFII10", "key", "fredd is no provider; known are fred, fredgraph, cboe, coingecko"),
    ],
)
async def test_series_that_cannot_be_fetched_is_an_error_at_the_start(
    kafka: KafkaSettings, series: str, key: str | None, words: str
) -> None:
    fred = FakeFred(series={})
    async with fred.server:
        with pytest.raises(ConfigError, match=words):
            async with running(kafka, _settings(fred, series, key=key), _PAIRS):
                pass
    assert fred.server.requests == []
