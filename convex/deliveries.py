"""Look at the notifier's deliveries, and ask it to send some again."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.notifier.config import NotifierSettings
from services.notifier.store.connecting import parse_database_url, shown
from services.notifier.store.database import Database
from services.notifier.store.overview import DeliveryOverview, Overview
from services.notifier.store.resending import Asked, Resending
from shared.clock import SystemClock
from shared.errors import ConfigError

# A notifier that runs looks for requests about once a second.
_TAKEN_WITHIN_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of a request.

    Parameters
    ----------
    is_taken
        Whether a running notifier took it; otherwise the next one does that starts.
    """

    asked: Asked
    is_taken: bool


async def list_deliveries(
    settings: NotifierSettings, *, subscription: str | None, state: str | None, limit: int
) -> Overview:
    """Return an overview of the store.

    Raises
    ------
    ConfigError
        If there is no store, or nothing in it about the subscription.
    StoreUnavailable
        If it cannot be read now.
    """
    async with _store(settings, is_reader=True) as database:
        overview = await DeliveryOverview(database).read(
            now_ns=SystemClock().now_ns(), subscription=subscription, state=state, limit=limit
        )
    if subscription is not None:
        _check_name(subscription, overview)
    return overview


async def retry_deliveries(
    settings: NotifierSettings, *, subscription: str | None, delivery_id: str | None
) -> Answered:
    """Ask for deliveries to be sent again: a subscription's, one, or all.

    Raises
    ------
    ConfigError
        If there is no store, or nothing in it about the subscription or the delivery.
    StoreUnavailable
        If it cannot be written now.
    """
    async with _store(settings) as database:
        await _check(database, subscription)
        asked = await Resending(database).retry(
            now_ns=SystemClock().now_ns(), subscription=subscription, delivery_id=delivery_id
        )
        if delivery_id is not None and asked.request_id is None:
            raise ConfigError(
                f"{delivery_id} cannot be sent again: there is no such delivery, it has arrived or expired, "
                "or a newer message of its divergence has taken its place; see convex deliveries list"
            )
        return await _wait(database, asked)


async def enable_receiver(settings: NotifierSettings, subscription: str) -> Answered:
    """Ask for a receiver that wanted no more messages to get them again.

    Raises
    ------
    ConfigError
        If there is no store, or nothing in it about the subscription.
    StoreUnavailable
        If it cannot be written now.
    """
    async with _store(settings) as database:
        await _check(database, subscription)
        asked = await Resending(database).enable(subscription, now_ns=SystemClock().now_ns())
        return await _wait(database, asked)


@asynccontextmanager
async def _store(settings: NotifierSettings, *, is_reader: bool = False) -> AsyncIterator[Database]:
    url = parse_database_url(settings.database_url)
    # Connecting would make a new, empty file.
    if url.get_backend_name() == "sqlite" and not _is_file(url.database):
        raise ConfigError(
            f"CONVEX_NOTIFIER_DATABASE_URL: {shown(url)} does not exist; "
            "the notifier makes it at its first start, or the URL is wrong"
        )
    opening = (
        Database.open_reader(settings.database_url)
        if is_reader
        else Database.open(settings.database_url, is_notifier=False)
    )
    database = await opening
    try:
        yield database
    finally:
        await database.close()


def _is_file(path: str | None) -> bool:
    return path is not None and Path(path).is_file()


async def _check(database: Database, subscription: str | None) -> None:
    if subscription is not None:
        overview = await DeliveryOverview(database).read(
            now_ns=SystemClock().now_ns(), subscription=subscription, limit=1
        )
        _check_name(subscription, overview)


def _check_name(subscription: str, overview: Overview) -> None:
    if subscription in overview.subscriptions or overview.receivers:
        return
    known = ", ".join(overview.subscriptions[:20]) or "none yet"
    raise ConfigError(
        f"the store knows no subscription {subscription[:80]}; those that were sent something: {known}"
    )


async def _wait(database: Database, asked: Asked) -> Answered:
    if asked.request_id is None:
        return Answered(asked=asked, is_taken=False)
    until = time.monotonic() + _TAKEN_WITHIN_SECONDS
    is_taken = False
    while not is_taken and time.monotonic() < until:
        await asyncio.sleep(_LOOK_SECONDS)
        is_taken = await Resending(database).is_taken(asked.request_id)
    return Answered(asked=asked, is_taken=is_taken)
