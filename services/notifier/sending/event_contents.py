"""The bytes of events that are about to be sent: each read once, however many receivers get it."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from services.notifier.store.queue import DeliveryQueue, EventContent


class EventContents:
    """Keep the newest events' bytes in memory and read others from the store.

    Parameters
    ----------
    max_bytes
        Most bytes that are kept; one event is kept however large it is.
    """

    def __init__(self, queue: DeliveryQueue, *, max_bytes: int) -> None:
        self._queue = queue
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, EventContent] = OrderedDict()
        self._bytes = 0

    def keep(self, event_id: str, content: EventContent) -> None:
        """Keep an event's bytes, and forget the oldest ones if there are too many."""
        if event_id in self._kept:
            self._kept.move_to_end(event_id)
            return
        self._kept[event_id] = content
        self._bytes += len(content.value)
        while self._bytes > self._max_bytes and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.value)

    async def of(self, event_ids: Iterable[str]) -> Mapping[str, EventContent]:
        """Return what events say; an event that the store does not have is left out.

        Raises
        ------
        StoreUnavailable
            If one is not in memory and the store cannot be read now.
        """
        wanted = set(event_ids)
        found = {event_id: self._kept[event_id] for event_id in wanted if event_id in self._kept}
        missing = wanted - found.keys()
        if missing:
            read = await self._queue.contents(missing)
            for event_id, content in read.items():
                self.keep(event_id, content)
            found |= read
        return found
