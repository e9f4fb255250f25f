"""Serve ``GET /v1/events`` over a connection to the store of its own, so that reads delay no delivery."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

import structlog

from services.notifier.api.events_api import EventsApi, EventTokens
from services.notifier.config import ApiSettings
from services.notifier.store.database import Database
from services.notifier.store.endpoint_events import EndpointEvents
from shared.clock import Clock
from shared.errors import ConfigError

log = structlog.get_logger(__name__)


@asynccontextmanager
async def serving_events(
    settings: ApiSettings,
    *,
    database_url: str,
    tokens: Mapping[str, Iterable[str]],
    clock: Clock,
    on_answer: Callable[[int], None] = lambda _status: None,
) -> AsyncIterator[int | None]:
    """Serve for the time of a block, and yield the port; None if no port is set.

    Parameters
    ----------
    tokens
        The tokens of each subscription that may ask.

    Raises
    ------
    ConfigError
        If the address cannot be used, or two subscriptions have one token.
    """
    if settings.port is None:
        yield None
        return
    database = await Database.open_reader(database_url)
    try:
        api = EventsApi(
            events=EndpointEvents(database), tokens=EventTokens(tokens), clock=clock, on_answer=on_answer
        )
        async with api.server() as server:
            try:
                port = await server.start(settings.host, settings.port)
            except OSError as error:
                where, why = f"{settings.host}:{settings.port}", error.strerror or error
                raise ConfigError(
                    f"CONVEX_NOTIFIER_API__HOST and __PORT: cannot listen on {where}: {why}"
                ) from error
            log.info("events_served", port=port, subscriptions=len(tokens))
            yield port
    finally:
        await database.close()
