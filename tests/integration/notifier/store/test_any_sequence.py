"""Whatever happens in whatever order, with a kill at any moment, every delivery is in exactly one state."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Row

from services.notifier.core.attempt_result import FailureReason
from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.retry import DeliveryEnded, RetryAt, RetryDecision
from services.notifier.core.routing import Subscription
from services.notifier.store.attempt_records import AttemptRecord
from services.notifier.store.database import Database
from services.notifier.store.events import StoredEvent
from services.notifier.store.outbox import AuditOutbox
from services.notifier.store.queue import DeliveryQueue
from services.notifier.store.receivers import ReceiverLog
from services.notifier.store.retention import Retention
from shared.domain.deliveries import Channel, Outcome
from shared.domain.divergences import Transition
from tests.support.builders import divergence
from tests.support.stored_events import add, attempt, execute

SUBSCRIPTIONS: Final = tuple(
    Subscription(name=f"s{number}", channel=channel, receiver=f"https://{number}.example/")
    for number, channel in enumerate((Channel.WEBHOOK, Channel.WEBHOOK, Channel.EMAIL))
)
WAITING: Final = frozenset({"pending", "sending"})
RETRIES: Final = st.builds(
    RetryAt,
    reason=st.sampled_from([FailureReason.SERVER_ERROR, FailureReason.UNKNOWN]),
    next_attempt_at_ns=st.integers(0, 2**63 - 1),
)
DECISIONS: Final = st.one_of(
    RETRIES,
    RETRIES,
    st.sampled_from(
        [
            DeliveryEnded(outcome=Outcome.DELIVERED, reason=""),
            DeliveryEnded(outcome=Outcome.REJECTED, reason="not_found"),
            DeliveryEnded(outcome=Outcome.EXPIRED, reason="deadline_passed"),
            DeliveryEnded(outcome=Outcome.UNKNOWN, reason="unknown"),
            DeliveryEnded(outcome=Outcome.GONE, reason="gone"),
        ]
    ),
)
# Counted from the newest: what was added long ago has mostly ended.
PLACES: Final = st.lists(st.integers(0, 7), min_size=1, max_size=6)


class StoreMachine(RuleBasedStateMachine):
    """One or two notifiers on one store; `urls` names it once for each of them."""

    urls: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.databases: list[Database] = []
        self.known: dict[str, PendingDelivery] = {}
        self.finals: dict[str, str] = {}
        self.begun: Counter[str] = Counter()
        self.numbers: dict[str, list[int]] = {each.name: [] for each in SUBSCRIPTIONS}
        self.sequence = 0

    @initialize()
    def open(self) -> None:
        self.databases = [self.runner.run(Database.open(url)) for url in self.urls]

    def teardown(self) -> None:
        for database in self.databases:
            self.runner.run(database.close())
        self.runner.close()

    @rule(
        lane=st.integers(0, 1), who=st.sets(st.sampled_from(SUBSCRIPTIONS), min_size=1), at=st.integers(0, 1)
    )
    def add_event(self, lane: int, who: set[Subscription], at: int) -> None:
        self.sequence += 1
        event = divergence(
            onset=str(lane), type=Transition.ESCALATED, occurrence=self.sequence, sequence=self.sequence
        )
        subscriptions = sorted(who, key=lambda each: each.name)
        stored = self.runner.run(add(self._database(at), event, *subscriptions, at_ns=self.sequence))
        assert isinstance(stored, StoredEvent)
        for each in stored.deliveries:
            self.known[each.delivery_id] = each
            self.numbers[each.subscription].append(each.endpoint_sequence)

    @rule(places=PLACES, at=st.integers(0, 1), on_disk=st.booleans())
    def begin(self, places: list[int], at: int, on_disk: bool) -> None:
        ids = list(dict.fromkeys(each.delivery_id for each in self._some(places)))
        queue = DeliveryQueue(self._database(at))
        begun = self.runner.run(queue.begin(ids, now_ns=self.sequence, on_disk=on_disk))
        assert begun <= set(ids)
        self.begun.update(begun)

    @rule(places=PLACES, decisions=st.lists(DECISIONS, min_size=6, max_size=6), at=st.integers(0, 1))
    def record(self, places: list[int], decisions: list[RetryDecision], at: int) -> None:
        results = [
            AttemptRecord(delivery=delivery, decision=decision, attempt=attempt())
            for delivery, decision in zip(self._some(places), decisions, strict=False)
        ]
        recorded = self.runner.run(
            DeliveryQueue(self._database(at)).record(results, now_ns=10**9 + self.sequence)
        )
        assert [each.delivery_id for each in recorded] == [each.delivery.delivery_id for each in results]

    @rule(lane=st.integers(0, 1), decision=DECISIONS, at=st.integers(0, 1))
    def overtake(self, lane: int, decision: RetryDecision, at: int) -> None:
        """A newer event of the lane comes while one is being sent."""
        self.add_event(lane, {SUBSCRIPTIONS[0]}, at)
        self.begin([0], at, True)
        self.add_event(lane, {SUBSCRIPTIONS[0]}, at)
        self.record([1], [decision], at)

    @rule(at=st.integers(0, 1))
    def kill_and_load(self, at: int) -> None:
        place = at % len(self.databases)
        self.runner.run(self.databases[place].close())
        self.databases[place] = self.runner.run(Database.open(self.urls[place]))
        loaded = self.runner.run(DeliveryQueue(self.databases[place]).load(1_000))
        states = self._states()
        for delivery in loaded.deliveries:
            assert states[delivery.delivery_id] == ("sending" if delivery.is_interrupted else "pending")
        if len(self.databases) == 1:
            waiting = {each for each, state in states.items() if state in WAITING}
            assert {each.delivery_id for each in loaded.deliveries} == waiting

    @rule(at=st.integers(0, 1))
    def claim(self, at: int) -> None:
        self.runner.run(DeliveryQueue(self._database(at)).claim())

    @rule()
    def enable_receivers(self) -> None:
        ids = [each.receiver_id for each in SUBSCRIPTIONS]
        self.runner.run(ReceiverLog(self.databases[0]).enable(ids))

    @rule()
    def publish_audit_and_purge(self) -> None:
        outbox = AuditOutbox(self.databases[0])
        outcomes = self.runner.run(outbox.unpublished(limit=10_000))
        self.runner.run(outbox.mark_published(outcomes))
        assert self.runner.run(outbox.unpublished(limit=10_000)) == ()
        before = self._states()
        self.runner.run(Retention(self.databases[0]).purge(self.sequence))
        purged = set(before) - set(self._states())
        assert all(before[each] not in WAITING for each in purged)
        for each in purged:
            self.known.pop(each)
            self.finals.pop(each, None)

    @invariant()
    def every_delivery_is_in_one_state(self) -> None:
        rows = self._rows()
        assert {row.delivery_id for row in rows} == set(self.known)
        for row in rows:
            assert row.state in WAITING | {outcome.value for outcome in Outcome}
            assert (row.ended_at_ns is None) == (row.state in WAITING)
            assert row.attempts >= self.begun[row.delivery_id]
            # What has ended stays as it ended.
            assert self.finals.get(row.delivery_id, row.state) == row.state
            if row.state not in WAITING:
                self.finals[row.delivery_id] = row.state

    @invariant()
    def lanes_are_in_order(self) -> None:
        rows = self._rows()
        newest: dict[tuple[str, str], int] = {}
        for row in rows:
            lane = (row.subscription, row.divergence_id)
            newest[lane] = max(newest.get(lane, 0), row.sequence)
        sending = Counter((row.subscription, row.divergence_id) for row in rows if row.state == "sending")
        assert set(sending.values()) <= {1}
        not_ended: dict[tuple[str, str], int] = {}
        for row in rows:
            if row.state in WAITING:
                lane = (row.subscription, row.divergence_id)
                not_ended[lane] = max(not_ended.get(lane, 0), row.sequence)
        for row in rows:
            # One that failed waits only if there is no newer one.
            if row.state == "pending" and row.attempts > 0:
                assert row.sequence == not_ended[row.subscription, row.divergence_id]
            if row.state == "superseded":
                assert row.sequence < newest[row.subscription, row.divergence_id]

    @invariant()
    def numbers_have_no_gap(self) -> None:
        for subscription in SUBSCRIPTIONS:
            given = self.numbers[subscription.name]
            assert given == list(range(1, len(given) + 1))

    def _database(self, place: int) -> Database:
        return self.databases[place % len(self.databases)]

    def _some(self, places: list[int]) -> list[PendingDelivery]:
        known = list(self.known.values())
        return [known[-1 - place % len(known)] for place in places] if known else []

    def _rows(self) -> Sequence[Row[tuple[Any, ...]]]:
        if not self.databases:
            return []
        return self.runner.run(
            self.databases[0].run(
                lambda connection: connection.exec_driver_sql("SELECT * FROM deliveries").all()
            )
        )

    def _states(self) -> dict[str, str]:
        return {row.delivery_id: row.state for row in self._rows()}


def test_any_sequence_of_one_notifier_on_sqlite() -> None:
    with tempfile.TemporaryDirectory() as folder:

        class OneNotifier(StoreMachine):
            def __init__(self) -> None:
                super().__init__()
                self.urls = (f"sqlite:///{Path(tempfile.mkdtemp(dir=folder))}/store.db",)

        run_state_machine_as_test(OneNotifier, settings=settings(max_examples=30, stateful_step_count=30))


def test_any_sequence_of_two_notifiers_on_postgresql(postgres_url: str) -> None:
    class TwoNotifiers(StoreMachine):
        urls = (postgres_url, postgres_url)

        @initialize()
        def open(self) -> None:
            super().open()
            tables = "deliveries, attempts, events, suppressions, endpoint_sequences, receivers, notifiers"
            self.runner.run(execute(self.databases[0], f"TRUNCATE {tables}"))
            for place in (0, 1):
                self.kill_and_load(place)

    run_state_machine_as_test(TwoNotifiers, settings=settings(max_examples=10, stateful_step_count=30))
