"""Attempt every stored delivery until it ends: a sender for each channel, and none waits for another.

The store is read at the start, when a receiver's queue in memory has room again, and when somebody else has
changed it: another notifier has ended, the connection was lost, or the command line asks for something.
Everything else comes from the consumer and from the results of attempts.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import structlog

from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.notices import Notice
from services.notifier.core.routing import PlannedDelivery
from services.notifier.metrics import NotifierMetrics
from services.notifier.notice_writer import NoticeWriter
from services.notifier.sending.channel_sender import ChannelSender
from services.notifier.sending.sending_policy import PER_RECEIVER
from services.notifier.store.database import Database
from services.notifier.store.events import MayBegin, StoredEvent
from services.notifier.store.queue import DeliveryQueue, EventContent
from services.notifier.store.receivers import ReceiverLog
from services.notifier.store.requests import Request, RequestKind, Requests
from services.notifier.store.retention import Retention
from shared.clock import Clock
from shared.domain.deliveries import Channel
from shared.domain.instants import NS_PER_SECOND
from shared.errors import StoreUnavailable

log = structlog.get_logger(__name__)

# With more receivers, the second transaction costs less than what it says about room.
_BEGUN_WITH_THEIR_EVENT: Final = 16
_LOOK_SECONDS: Final = 1.0
_BACKLOG_SECONDS: Final = 5.0
_PURGE_SECONDS: Final = 3_600.0
_PURGED_AT_ONCE: Final = 500
_RETRY_SECONDS: Final = 1.0
# As many receivers may change while the store is away; of more, the oldest changes are not reported.
_MAX_UNTOLD: Final = 10_000


class Dispatcher:
    """Hand deliveries to the senders of their channels, and keep the store in step.

    Parameters
    ----------
    senders
        One for each channel.
    receivers_of
        The ids of a subscription's receivers; for what the command line asks for.
    notices
        Writes what the owners of receivers should know.
    retention_seconds
        What ended longer ago is deleted from the store.
    """

    def __init__(
        self,
        *,
        senders: Mapping[Channel, ChannelSender],
        database: Database,
        receivers_of: Mapping[str, str],
        notices: NoticeWriter,
        retention_seconds: float,
        metrics: NotifierMetrics,
        clock: Clock,
    ) -> None:
        self._senders = senders
        self._database = database
        self._queue = DeliveryQueue(database)
        self._receivers = ReceiverLog(database)
        self._requests = Requests(database)
        self._retention = Retention(database)
        self._receivers_of = receivers_of
        self._retention_seconds = retention_seconds
        self._metrics = metrics
        self._clock = clock
        self._notices = notices
        self._untold: deque[Notice] = deque(maxlen=_MAX_UNTOLD)
        self._needs_load = True
        self._was_unreachable = False
        database.on_reconnect = self.load_again

    @property
    def ticked_at(self) -> float:
        """Return when the slower of the senders last went round, on the clock's monotonic scale."""
        return min(sender.ticked_at for sender in self._senders.values())

    @property
    def is_idle(self) -> bool:
        """Return whether little is being sent."""
        return all(sender.is_idle for sender in self._senders.values())

    def first_attempts(self) -> MayBegin:
        """Return what decides, for one event, which planned deliveries may be stored as begun.

        A few: then they need no second transaction before the attempt. It is called in the store's thread.
        """
        chosen: set[str] = set()

        def may_begin(delivery: PlannedDelivery) -> bool:
            may = (
                len(chosen) < _BEGUN_WITH_THEIR_EVENT
                and delivery.receiver_id not in chosen
                and self._senders[delivery.channel].may_begin(delivery)
            )
            if may:
                chosen.add(delivery.receiver_id)
            return may

        return may_begin

    def add(self, stored: StoredEvent, event_id: str, content: EventContent) -> None:
        """Send what was planned for an event that has just been stored."""
        for channel, sender in self._senders.items():
            sender.superseded(stored.superseded)
            mine = [each for each in stored.deliveries if each.channel is channel]
            if mine:
                sender.keep_content(event_id, content)
                sender.begin([each for each in mine if each.has_begun], content)
                sender.add(each for each in mine if not each.has_begun)

    def tell(self, notice: Notice) -> None:
        """Tell a receiver's owner something, soon."""
        self._untold.append(notice)

    async def run(self, stop: asyncio.Event) -> None:
        """Attempt deliveries until asked to stop, then let the attempts in flight finish."""
        await self._load_at_start(stop)
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(self._keep_in_step())
            sending = [group.create_task(sender.run(stop)) for sender in self._senders.values()]
            await asyncio.wait(sending)
            keeping.cancel()

    async def _load_at_start(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                states = await self._receivers.all()
                for sender in self._senders.values():
                    sender.restore(states)
                await self._load()
            except StoreUnavailable as error:
                log.warning("start_waits_for_the_store", detail=str(error)[:200])
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                log.exception("store_not_loaded")
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def _load(self) -> None:
        in_progress = frozenset[str]().union(*(sender.unsettled for sender in self._senders.values()))
        loaded = await self._queue.load(PER_RECEIVER, in_progress=in_progress)
        self._needs_load = False
        self._add(loaded.deliveries)
        for channel, sender in self._senders.items():
            # Each asks for its own: what it is given it sends.
            mine = {each.receiver_id for each in loaded.deliveries if each.channel is channel}
            sender.store_has_more(loaded.receivers_with_more & mine)
        interrupted = sum(each.is_interrupted for each in loaded.deliveries)
        log.info("deliveries_loaded", waiting=len(loaded.deliveries) - interrupted, interrupted=interrupted)

    def load_again(self) -> None:
        """Compare memory with the store, soon: the store has failed."""
        self._needs_load = True

    def _add(self, deliveries: Iterable[PendingDelivery]) -> None:
        by_channel: dict[Channel, list[PendingDelivery]] = {}
        for delivery in deliveries:
            by_channel.setdefault(delivery.channel, []).append(delivery)
        for channel, some in by_channel.items():
            self._senders[channel].add(some)

    async def _keep_in_step(self) -> None:
        backlog_at = purge_at = float("-inf")
        while True:
            now = self._clock.monotonic()
            try:
                if self._needs_load:
                    await self._load()
                self._count_queues()
                self._add(await self._queue.claim())
                await self._tell_owners()
                await self._answer(await self._requests.take())
                if now - backlog_at >= _BACKLOG_SECONDS:
                    backlog_at = now
                    self._metrics.set_backlog(await self._queue.backlog())
                    self._metrics.set_gone(await self._count_gone())
                if now - purge_at >= _PURGE_SECONDS:
                    purge_at = now
                    await self._purge()
                if self._was_unreachable:
                    self._was_unreachable = False
                    log.info("store_works_again")
            except StoreUnavailable as error:
                if not self._was_unreachable:
                    log.warning("store_unavailable", detail=str(error)[:200])
                # Whether the last transactions were kept is not known: compare memory with the store.
                self._was_unreachable = self._needs_load = True
            except Exception:
                # A row of somebody else's making must not stop what is sent.
                log.exception("store_not_looked_at")
            self._metrics.set_store_available(is_available=not self._was_unreachable)
            await asyncio.sleep(_LOOK_SECONDS)

    def _count_queues(self) -> None:
        for channel, sender in self._senders.items():
            self._metrics.set_queue(channel, ready=sender.depth, paused=sender.paused_count)

    async def _count_gone(self) -> int:
        known = set(self._receivers_of.values())
        return sum(each.is_gone and each.receiver_id in known for each in await self._receivers.all())

    async def _tell_owners(self) -> None:
        while self._untold:
            try:
                mails = await self._notices.tell(self._untold[0])
            except StoreUnavailable:
                return
            except Exception:
                log.exception("notice_not_stored")
                mails = ()
            if mails is None:
                return
            self._untold.popleft()
            self._add(mails)

    async def _answer(self, requests: Collection[Request]) -> None:
        """Do what the command line has asked for."""
        if not requests:
            return
        for request in requests:
            receiver_ids = self._receivers_asked(request)
            log.info("request_taken", kind=request.kind.value, subscription=request.subscription)
            if request.kind is RequestKind.ENABLE:
                await self._receivers.enable(receiver_ids)
            for sender in self._senders.values():
                sender.retry_now(receiver_ids)
        await self._load()

    def _receivers_asked(self, request: Request) -> list[str]:
        if not request.subscription:
            return sorted(set(self._receivers_of.values()))
        found = self._receivers_of.get(request.subscription)
        return [found] if found is not None else []

    async def _purge(self) -> None:
        before_ns = self._clock.now_ns() - round(self._retention_seconds * NS_PER_SECOND)
        while (purged := await self._retention.purge(before_ns, limit=_PURGED_AT_ONCE)).divergences:
            log.info("store_purged", divergences=purged.divergences, deliveries=purged.deliveries)
