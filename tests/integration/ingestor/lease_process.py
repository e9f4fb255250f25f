"""Hold the lease in a process of its own: print a line whenever it may, or may no longer, publish.

``python -m tests.integration.ingestor.lease_process BOOTSTRAP NAME``
"""

import asyncio
import random
import sys
import time

from services.ingestor.kafka.lease import Lease
from shared.clock import SystemClock
from shared.config import KafkaSettings


async def take_it_again(lease: Lease) -> None:
    while True:
        await lease.until_held()
        await lease.until_lost()


async def main(bootstrap: str, name: str) -> None:
    lease = Lease(
        KafkaSettings(bootstrap_servers=bootstrap), uniform=random.Random(name).random, clock=SystemClock()
    )
    following = asyncio.create_task(lease.run())
    wanting = asyncio.create_task(take_it_again(lease))
    try:
        last = None
        while not following.done():
            seen = (lease.may_publish(), lease.is_held)
            if seen != last:
                print(name, *map(int, seen), f"{time.monotonic():.3f}", flush=True)
                last = seen
            await asyncio.sleep(0.005)
        following.result()
    finally:
        for task in (following, wanting):
            task.cancel()
        await asyncio.gather(following, wanting, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
