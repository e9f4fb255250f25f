"""Build the macro feeds: one for each series that the settings name."""

import functools
from collections.abc import Callable

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.macro.feed import MacroFeed
from services.ingestor.feeds.registry import macro_provider
from services.ingestor.feeds.transport.http_clients import HttpClients
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.kafka.known_observations import KnownObservations
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock
from shared.config import KafkaSettings


async def macro_feeds(
    settings: IngestorSettings,
    kafka: KafkaSettings | None,
    *,
    clients: HttpClients,
    uniform: Callable[[], float],
    metrics: IngestorMetrics,
    clock: Clock,
) -> list[MacroFeed]:
    """Return the feeds, not yet running.

    Parameters
    ----------
    uniform
        Randomness for the back-off, numbers in ``[0, 1)``.

    Raises
    ------
    ConfigError
        If a series has no provider, or a key is missing.
    """
    known = KnownObservations(kafka, frozenset(settings.macro_series), uniform=uniform)
    feeds = []
    for series in settings.macro_series:
        provider = macro_provider(series)
        client = await clients.of(
            provider.name, provider.rest_url(settings), interval_seconds=provider.interval_seconds
        )
        feeds.append(
            MacroFeed(
                provider.make_source(client, series.partition(":")[2], settings),
                series=series,
                known=functools.partial(known.of, series),
                uniform=uniform,
                metrics=metrics,
                clock=clock,
                redactor=Redactor.of_settings(settings),
            )
        )
    return feeds
