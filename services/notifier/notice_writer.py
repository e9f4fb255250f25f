"""Store the notice for an owner, once for each change of a receiver."""

from collections.abc import Callable, Mapping

import structlog

from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.notices import Notice, ReceiverCondition, is_about_owner, plan_notice
from services.notifier.owners import Owner
from services.notifier.store.events import EventLog, ReceivedEvent, Repeated
from shared.clock import Clock
from shared.errors import StoreUnavailable

log = structlog.get_logger(__name__)


class NoticeWriter:
    """Write notices to the store, from where they are sent like every mail.

    Parameters
    ----------
    owners
        By subscription; a change of another receiver is only logged.
    mail_domain
        Right side of Message-IDs.
    on_notice
        Called for each new notice with whether it goes out by mail.
    """

    def __init__(
        self,
        *,
        events: EventLog,
        owners: Mapping[str, Owner],
        mail_domain: str,
        clock: Clock,
        on_notice: Callable[[Notice, bool], None] = lambda _notice, _is_mailed: None,
    ) -> None:
        self._events = events
        self._owners = owners
        self._mail_domain = mail_domain
        self._clock = clock
        self._on_notice = on_notice

    async def tell(self, notice: Notice) -> tuple[PendingDelivery, ...] | None:
        """Store a notice and return the mails to send now.

        Returns
        -------
        tuple of PendingDelivery or None
            Empty if there is nobody to mail, or this was mailed before. None if the store cannot be written
            now: then call again later.
        """
        if is_about_owner(notice.subscription):
            # A notice about the receiver of a notice would have the same receiver.
            return ()
        owner = self._owners.get(notice.subscription)
        if owner is None:
            self._log(notice, is_mailed=False)
            return ()
        now_ns = self._clock.now_ns()
        received = ReceivedEvent(
            event_id=notice.notice_id,
            value=notice.to_value(),
            pair="",
            divergence_id=notice.thread_id,
            sequence=notice.at_ns,
            received_at_ns=now_ns,
            published_at_ns=notice.at_ns,
            headers={},
        )
        try:
            stored = await self._events.add(
                received,
                lambda history: plan_notice(
                    notice, address=owner.address, history=history, mail_domain=self._mail_domain
                ),
            )
        except StoreUnavailable as error:
            log.warning("notice_deferred", condition=notice.condition.value, detail=str(error))
            return None
        if isinstance(stored, Repeated):
            return ()
        self._log(notice, is_mailed=bool(stored.deliveries))
        return stored.deliveries

    def _log(self, notice: Notice, *, is_mailed: bool) -> None:
        write = log.info if notice.condition is ReceiverCondition.RECOVERED else log.warning
        write(
            "notice_made",
            condition=notice.condition.value,
            subscription=notice.subscription,
            channel=notice.channel.value,
            reason=notice.reason,
            waiting=notice.waiting,
            is_mailed=is_mailed,
        )
        self._on_notice(notice, is_mailed)
