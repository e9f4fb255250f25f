"""A process that works on a delivery store until it is killed: events in, attempts begun, results recorded.

Run as ``python -m tests.support.store_process URL FIRST``. It prints one line after each effect that has been
committed, so that whoever kills it knows what must be there.
"""

import asyncio
import itertools
import sys

from services.notifier.core.retry import RetryDecision
from services.notifier.core.routing import Subscription
from services.notifier.store.attempt_records import AttemptRecord
from services.notifier.store.database import Database
from services.notifier.store.queue import DeliveryQueue
from shared.domain.deliveries import Channel
from shared.domain.divergences import Transition
from tests.support.builders import divergence
from tests.support.stored_events import DELIVERED, added, attempt, retry_at

SUBSCRIPTIONS = [
    Subscription(name=f"s{number}", channel=Channel.WEBHOOK, receiver=f"https://{number}.example/")
    for number in range(4)
]


async def main(url: str, first: int) -> None:
    """Work until killed."""
    database = await Database.open(url)
    queue = DeliveryQueue(database)
    await queue.load(100)
    for number in itertools.count(first):
        opened = divergence(onset=str(number), sequence=2 * number)
        deliveries = await added(database, opened, *SUBSCRIPTIONS)
        _say("added", *(each.delivery_id for each in deliveries))
        begun = await queue.begin([each.delivery_id for each in deliveries], now_ns=number, on_disk=False)
        _say("begun", *begun)
        closed = divergence(onset=str(number), type=Transition.CLOSED, sequence=2 * number + 1)
        later = await added(database, closed, *SUBSCRIPTIONS[:2])
        _say("added", *(each.delivery_id for each in later))
        ends: list[RetryDecision] = [DELIVERED, retry_at(number)]
        results = [
            AttemptRecord(delivery=each, decision=decision, attempt=attempt())
            for each, decision in zip(deliveries, itertools.cycle(ends), strict=False)
        ]
        recorded = await queue.record(results, now_ns=number)
        _say("recorded", *(f"{each.delivery_id}={each.state}" for each in recorded))


def _say(effect: str, *words: str) -> None:
    print(effect, *words, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
