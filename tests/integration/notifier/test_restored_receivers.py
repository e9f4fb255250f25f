"""What an earlier run knew of receivers is taken over by the sender of their channel only."""

from pathlib import Path

from prometheus_client import CollectorRegistry

from services.notifier.channels.ports import Message
from services.notifier.core.attempt_result import AttemptResult, Delivered
from services.notifier.core.notices import Notice
from services.notifier.core.receiver_health import HealthPolicy
from services.notifier.metrics import NotifierMetrics
from services.notifier.sending.channel_sender import ChannelSender
from services.notifier.sending.sending_policy import SendingPolicy
from services.notifier.store.database import Database
from services.notifier.store.queue import DeliveryQueue
from services.notifier.store.receivers import ReceiverState
from shared.clock import SystemClock
from shared.domain.deliveries import Channel

FAILING_DESK = ReceiverState(
    receiver_id="rc_desk",
    subscription="desk",
    is_gone=False,
    gone_reason="",
    gone_at_ns=None,
    not_before_ns=None,
    failing_since_ns=1,
)


class _Accepts:
    async def attempt(self, _message: Message) -> AttemptResult:
        return Delivered()


def _sender(database: Database, subscription: str, told: list[Notice]) -> ChannelSender:
    return ChannelSender(
        channel=Channel.EMAIL,
        policy=SendingPolicy(
            max_in_flight=8,
            receivers=HealthPolicy(max_in_flight=8),
            relay=None,
            begins_on_disk=False,
            retry_delays_seconds=(5.0,),
        ),
        queue=DeliveryQueue(database),
        routes={subscription: _Accepts()},
        metrics=NotifierMetrics(CollectorRegistry(), topic="divergences.v1"),
        clock=SystemClock(),
        draw=lambda: 0.5,
        batch_seconds=0.01,
        on_ended=lambda: None,
        on_notice=told.append,
        on_store_failure=lambda: None,
    )


async def test_receiver_of_another_channel_is_neither_paused_nor_reported_here(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/notifier.db")
    try:
        mine, other = (_sender(database, subscription, []) for subscription in ("desk", "ann"))

        mine.restore([FAILING_DESK])
        other.restore([FAILING_DESK])

        assert (mine.paused_count, other.paused_count) == (1, 0)
    finally:
        await database.close()
