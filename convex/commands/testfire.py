"""``convex test-fire``: send an event that says it is a test, so that subscribers can check their set-up."""

import asyncio
from typing import Annotated

import typer

from shared.errors import ConfigError


def fire(
    pair: Annotated[str, typer.Option(help="Pair whose subscriptions get the test.")] = "gold-iwm",
) -> None:
    """Send every subscription of a pair a message that says it is a test; print its event_id."""
    from convex.make_test_event import make_test_event
    from convex.settings import read_settings
    from shared.clock import SystemClock
    from shared.config import KafkaSettings
    from shared.contracts.records import DIVERGENCES as CONTRACT
    from shared.kafka.publisher import Publisher
    from shared.kafka.topics import DIVERGENCES
    from shared.pairs.loading import PairsSettings, load_pairs

    kafka = read_settings(KafkaSettings)
    pairs = load_pairs(read_settings(PairsSettings).pairs)
    chosen = next((each for each in pairs if each.name == pair), None)
    if chosen is None:
        known = ", ".join(each.name for each in pairs)
        raise ConfigError(f"--pair {pair}: is not known; CONVEX_PAIRS has {known}")
    event = make_test_event(chosen, at_ns=SystemClock().now_ns())

    async def publish() -> str:
        async with Publisher(kafka, client_id="convex-command") as publisher:
            sent = await publisher.publish(DIVERGENCES.name, key=event.pair, value=CONTRACT.encode(event))
        return f"{DIVERGENCES.name}/{sent.partition}/{sent.offset}"

    where = asyncio.run(publish())
    typer.echo(event.event_id)
    typer.echo(f"published as {where}; it is delivered until {event.not_after}", err=True)
