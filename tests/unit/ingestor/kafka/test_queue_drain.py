import asyncio
from collections import deque

from services.ingestor.kafka.queue_drain import QueueDrain


class _Queue:
    def __init__(self, *waiting: str) -> None:
        self.waiting = deque(waiting)
        self.sent: list[str] = []
        self.drain = QueueDrain(self._send_next)

    def put(self, item: str) -> None:
        self.waiting.append(item)
        self.drain.wake()

    async def _send_next(self) -> bool:
        if not self.waiting:
            # As a send that finds nothing only after a wait: what comes meanwhile must not be overlooked.
            await asyncio.sleep(0)
            return False
        item = self.waiting.popleft()
        await asyncio.sleep(0)
        self.sent.append(item)
        return True


async def _until_sent(queue: _Queue, count: int) -> None:
    async with asyncio.timeout(5):
        while len(queue.sent) < count:  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0)


async def test_what_is_queued_is_sent_in_its_order() -> None:
    queue = _Queue("a", "b")
    running = asyncio.create_task(queue.drain.run())
    await _until_sent(queue, 2)
    queue.put("c")
    await _until_sent(queue, 3)

    assert queue.sent == ["a", "b", "c"]
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_is_queued_while_the_queue_is_found_empty_is_sent() -> None:
    queue = _Queue()
    running = asyncio.create_task(queue.drain.run())
    await asyncio.sleep(0)  # the drain has found nothing and is about to sleep
    queue.put("a")
    await _until_sent(queue, 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_closing_ends_it_once_everything_is_sent() -> None:
    queue = _Queue("a", "b")
    queue.drain.close()
    async with asyncio.timeout(5):
        await queue.drain.run()

    assert queue.sent == ["a", "b"]


async def test_closing_wakes_one_that_sleeps() -> None:
    queue = _Queue()
    running = asyncio.create_task(queue.drain.run())
    for _ in range(5):
        await asyncio.sleep(0)
    queue.drain.close()
    async with asyncio.timeout(5):
        await running
