"""``convex deliveries`` on a store that a notifier left or is using."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from convex import deliveries as convex_deliveries
from services.notifier.core.deliveries import PendingDelivery
from services.notifier.store.database import Database
from services.notifier.store.outbox import AuditOutbox
from services.notifier.store.queue import DeliveryQueue
from services.notifier.store.receivers import ReceiverChange, ReceiverLog
from services.notifier.store.requests import Request, Requests
from shared.domain.deliveries import Outcome
from tests.integration.convex.conftest import Convex
from tests.integration.notifier.stored_messages import ANN, DESK, HOUR_NS, defer, end, event, store

NOW_NS = time.time_ns()


class Store:
    """A store; each step opens it, as a notifier that was stopped in between."""

    def __init__(self, url: str) -> None:
        self.url = url

    def run(self, step: Callable[[Database], Awaitable[Any]]) -> Any:
        async def opened() -> Any:
            database = await Database.open(self.url)
            try:
                return await step(database)
            finally:
                await database.close()

        return asyncio.run(opened())

    def add(self, number: int, *subscriptions: Any, **changes: Any) -> tuple[PendingDelivery, ...]:
        found: tuple[PendingDelivery, ...] = self.run(
            lambda database: store(
                database, event(number, **changes), *(subscriptions or (DESK,)), at_ns=NOW_NS + number
            )
        )
        return found

    def end(self, deliveries: tuple[PendingDelivery, ...], outcome: Outcome, reason: str = "") -> None:
        async def step(database: Database) -> None:
            await DeliveryQueue(database).load(100)
            await end(database, deliveries, outcome, reason, now_ns=NOW_NS)

        self.run(step)

    def defer(self, deliveries: tuple[PendingDelivery, ...]) -> None:
        async def step(database: Database) -> None:
            await DeliveryQueue(database).load(100)
            await defer(database, deliveries, until_ns=NOW_NS + HOUR_NS)

        self.run(step)

    def waiting(self) -> dict[str, int]:
        """Return when each pending delivery is due, by its event."""
        loaded = self.run(lambda database: DeliveryQueue(database).load(100))
        return {each.event_id: each.next_attempt_at_ns for each in loaded.deliveries}

    def requests(self) -> list[tuple[str, str, str]]:
        taken: tuple[Request, ...] = self.run(lambda database: Requests(database).take())
        return [(each.kind.value, each.subscription, each.delivery_id) for each in taken]

    def receiver(self, **changes: Any) -> None:
        change = ReceiverChange(receiver_id=DESK.receiver_id, subscription="desk", **changes)
        self.run(lambda database: ReceiverLog(database).change(change, now_ns=NOW_NS))


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/notifier.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def kept(store_url: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store(store_url)
    monkeypatch.setenv("CONVEX_NOTIFIER_DATABASE_URL", made.url)
    monkeypatch.setattr(convex_deliveries, "_TAKEN_WITHIN_SECONDS", 0.2)
    return made


on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


def records(out: str, kind: str) -> list[dict[str, Any]]:
    return [each for each in map(json.loads, out.splitlines()) if each["record"] == kind]


def test_list_shows_what_waits_first_then_what_ended(kept: Store, convex: Convex) -> None:
    kept.end(kept.add(1), Outcome.DELIVERED)
    kept.end(kept.add(2), Outcome.REJECTED, "not_found")
    kept.defer(kept.add(3))
    kept.add(4, DESK, ANN)

    ran = convex("deliveries", "list", "--json")

    assert (ran.code, ran.err) == (0, "")
    listed = records(ran.out, "delivery")
    assert [each["state"] for each in listed[:3]] == ["pending"] * 3
    assert {each["state"] for each in listed[3:]} == {"rejected", "delivered"}
    assert [each["endpoint_sequence"] for each in listed if each["subscription"] == "desk"][:2] == [4, 3]
    (deferred,) = [each for each in listed if each["event_id"] == event(3).event_id]
    assert (deferred["attempts"], deferred["last_reason"]) == (1, "server_error")
    assert deferred["next_attempt_at"].endswith("Z")
    assert deferred["ended_at"] is None
    (rejected,) = [each for each in listed if each["state"] == "rejected"]
    assert (rejected["last_reason"], rejected["next_attempt_at"]) == ("not_found", None)
    counts = {(each["subscription"], each["state"]): each["count"] for each in records(ran.out, "count")}
    assert counts == {
        ("ann", "pending"): 1,
        ("desk", "delivered"): 1,
        ("desk", "pending"): 2,
        ("desk", "rejected"): 1,
    }


@on_sqlite
def test_table_has_both_and_says_what_it_left_out(kept: Store, convex: Convex) -> None:
    for number in range(1, 6):
        kept.add(number)

    out = convex("deliveries", "list", "--limit", "2").out

    assert out.splitlines()[-1] == "5 deliveries, 3 not shown (--limit)"
    assert len([line for line in out.splitlines() if "dl_" in line]) == 2
    for word in ("pending", "superseded", "desk", "webhook"):
        assert word in out


@on_sqlite
def test_list_of_one_subscription_and_state(kept: Store, convex: Convex) -> None:
    kept.end(kept.add(1, DESK, ANN), Outcome.DELIVERED)
    kept.add(2, DESK, ANN)

    out = convex("deliveries", "list", "--subscription", "ann", "--state", "delivered", "--json").out
    last = convex("deliveries", "list", "--state", "expired").out.splitlines()[-1]

    assert [(each["subscription"], each["state"]) for each in records(out, "delivery")] == [
        ("ann", "delivered")
    ]
    assert {each["subscription"] for each in records(out, "count")} == {"ann"}
    assert last == "0 deliveries"


@pytest.mark.parametrize(
    ("change", "sentence", "fields"),
    [
        (
            {"failing_since_ns": 1_764_331_200 * 10**9},
            "desk: fails since 2025-11-28 12:00:00",
            {"is_gone": False, "failing_since_at": "2025-11-28T12:00:00.000000Z"},
        ),
        (
            {"not_before_ns": 4_102_444_800 * 10**9},
            "desk: asked to be left alone until 2100-01-01 00:00:00",
            {"not_before_at": "2100-01-01T00:00:00.000000Z"},
        ),
        (
            {"is_gone": True, "reason": "disabled"},
            "(disabled); the way back: convex deliveries enable desk",
            {"is_gone": True, "gone_reason": "disabled"},
        ),
    ],
)
def test_receiver_in_trouble_is_shown_with_what_to_do(
    kept: Store, convex: Convex, change: dict[str, Any], sentence: str, fields: dict[str, Any]
) -> None:
    kept.add(1)
    kept.receiver(**change)

    (receiver,) = records(convex("deliveries", "list", "--json").out, "receiver")

    assert sentence in convex("deliveries", "list").out
    assert receiver.items() >= fields.items()


def test_receiver_that_was_left_alone_long_ago_is_well(kept: Store, convex: Convex) -> None:
    kept.add(1)
    kept.receiver(not_before_ns=NOW_NS - HOUR_NS)

    assert records(convex("deliveries", "list", "--json").out, "receiver") == []


def test_retry_makes_due_what_waits_and_pending_what_was_given_up(kept: Store, convex: Convex) -> None:
    kept.defer(kept.add(1))
    kept.end(kept.add(2), Outcome.REJECTED, "not_found")
    kept.end(kept.add(3), Outcome.UNKNOWN, "unknown")
    kept.end(kept.add(4), Outcome.DELIVERED)
    kept.end(kept.add(5), Outcome.EXPIRED, "deadline_passed")
    kept.end(kept.add(6, ANN), Outcome.REJECTED, "recipient_refused")

    ran = convex("deliveries", "retry", "desk")

    assert ran.out.splitlines() == [
        "1 delivery due now, 2 deliveries pending again that were given up",
        "no notifier has taken it yet: it is done when one starts",
    ]
    waiting = kept.waiting()
    assert set(waiting) == {event(number).event_id for number in (1, 2, 3)}
    assert max(waiting.values()) <= time.time_ns()
    assert kept.requests() == [("retry", "desk", "")]


def test_retry_of_all_is_of_every_subscription(kept: Store, convex: Convex) -> None:
    kept.end(kept.add(1), Outcome.REJECTED, "not_found")
    kept.end(kept.add(2, ANN), Outcome.REJECTED, "recipient_refused")

    ran = convex("deliveries", "retry", "--all")

    assert ran.out.splitlines()[0] == "0 deliveries due now, 2 deliveries pending again that were given up"
    assert kept.requests() == [("retry", "", "")]


def test_retry_of_one_leaves_the_others(kept: Store, convex: Convex) -> None:
    (first,) = kept.add(1)
    kept.end((first,), Outcome.REJECTED, "not_found")
    kept.end(kept.add(2), Outcome.REJECTED, "not_found")

    ran = convex("deliveries", "retry", "--delivery", first.delivery_id)

    assert ran.out.splitlines()[0] == "0 deliveries due now, 1 delivery pending again that was given up"
    assert set(kept.waiting()) == {event(1).event_id}
    assert kept.requests() == [("retry", "desk", first.delivery_id)]


def test_older_state_of_a_divergence_is_not_sent_after_a_newer_one(kept: Store, convex: Convex) -> None:
    lane = {"divergence_id": "dv_one"}
    (opened,) = kept.add(1, **lane)
    kept.end((opened,), Outcome.REJECTED, "not_found")
    kept.end(kept.add(2, **lane), Outcome.DELIVERED)

    every = convex("deliveries", "retry", "desk")
    one = convex("deliveries", "retry", "--delivery", opened.delivery_id)

    assert every.out == "nothing waits, and nothing that was given up can be sent again\n"
    assert one.code == 2
    assert "a newer message of its divergence has taken its place" in one.err
    assert (kept.waiting(), kept.requests()) == ({}, [])


def test_only_the_newest_of_those_that_were_rejected_is_sent_again(kept: Store, convex: Convex) -> None:
    for number in (1, 2, 3):
        kept.end(kept.add(number, divergence_id="dv_one"), Outcome.REJECTED, "unauthorized")

    convex("deliveries", "retry", "desk")

    assert set(kept.waiting()) == {event(3).event_id}


def test_what_was_sent_again_is_audited_again(kept: Store, convex: Convex) -> None:
    async def publish(database: Database) -> list[Outcome]:
        outbox = AuditOutbox(database)
        outcomes = await outbox.unpublished(limit=10)
        await outbox.mark_published(outcomes)
        return [each.outcome for each in outcomes]

    deliveries = kept.add(1)
    kept.end(deliveries, Outcome.REJECTED, "not_found")
    assert kept.run(publish) == [Outcome.REJECTED]

    convex("deliveries", "retry", "desk")
    assert kept.run(publish) == []
    loaded = kept.run(lambda database: DeliveryQueue(database).load(10))
    kept.end(loaded.deliveries, Outcome.DELIVERED)

    assert kept.run(publish) == [Outcome.DELIVERED]


def test_enable_is_the_way_back_from_gone(kept: Store, convex: Convex) -> None:
    kept.end(kept.add(1), Outcome.REJECTED, "not_found")
    kept.end(kept.add(2), Outcome.GONE, "gone")
    kept.receiver(is_gone=True, reason="gone")

    ran = convex("deliveries", "enable", "desk")

    assert ran.out.splitlines()[0] == "desk is switched on, 1 delivery pending again"
    assert set(kept.waiting()) == {event(2).event_id}
    assert kept.requests() == [("enable", "desk", "")]


def test_enable_of_a_receiver_that_is_well_asks_for_nothing(kept: Store, convex: Convex) -> None:
    kept.add(1)

    ran = convex("deliveries", "enable", "desk")

    assert (ran.code, ran.out) == (0, "desk is not switched off: there is nothing to do\n")
    assert kept.requests() == []


def test_running_notifier_takes_the_request(
    kept: Store, convex: Convex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is held open, and locked, by a notifier that looks for requests."""
    kept.defer(kept.add(1))
    monkeypatch.setattr(convex_deliveries, "_TAKEN_WITHIN_SECONDS", 10)
    taken: list[Request] = []

    async def notifier(ready: asyncio.Event) -> None:
        database = await Database.open(kept.url)
        try:
            requests = Requests(database)
            ready.set()
            while not taken:
                taken.extend(await requests.take())
                await asyncio.sleep(0.02)
        finally:
            await database.close()

    async def both() -> Any:
        ready = asyncio.Event()
        running = asyncio.create_task(notifier(ready))
        await ready.wait()
        try:
            return await asyncio.to_thread(convex, "deliveries", "retry", "desk")
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    ran = asyncio.run(both())

    assert ran.out.splitlines()[-1] == "the running notifier has taken it"
    assert len(taken) == 1


@on_sqlite
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["retry"], "name one subscription, one delivery with --delivery ID, or --all of them"),
        (["retry", "desk", "--all"], "name one subscription"),
        (["retry", "--delivery", "dl_1", "--all"], "name one subscription"),
        (["retry", "dekc"], "the store knows no subscription dekc; those that were sent something: desk"),
        (["enable", "dekc"], "the store knows no subscription dekc"),
        (["list", "--subscription", "dekc"], "the store knows no subscription dekc"),
        (["retry", "--delivery", "dl_1"], "dl_1 cannot be sent again: there is no such delivery"),
    ],
)
def test_mistake_is_one_line_and_changes_nothing(
    kept: Store, convex: Convex, arguments: list[str], complaint: str
) -> None:
    kept.end(kept.add(1), Outcome.REJECTED, "not_found")

    ran = convex("deliveries", *arguments)

    assert ran.code == 2
    assert complaint in ran.err
    assert len(ran.err.splitlines()) == 1
    assert (kept.waiting(), kept.requests()) == ({}, [])


@on_sqlite
@pytest.mark.parametrize("command", [["list"], ["retry", "--all"], ["enable", "desk"]])
def test_store_that_does_not_exist_is_not_made(
    kept: Store, convex: Convex, tmp_path: Path, command: list[str]
) -> None:
    ran = convex("deliveries", *command)

    assert ran.code == 2
    assert "does not exist; the notifier makes it at its first start" in ran.err
    assert list(tmp_path.iterdir()) == []


@on_sqlite
@pytest.mark.parametrize("command", [["list"], ["retry", "--all"]])
def test_file_that_is_no_database_is_one_line(
    kept: Store, convex: Convex, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "notifier.db").write_text("this is not a database" * 100)

    ran = convex("deliveries", *command)

    assert ran.code == 2
    assert "CONVEX_NOTIFIER_DATABASE_URL" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_database_without_the_tables_is_one_line(
    kept: Store, convex: Convex, store_url: str, tmp_path: Path
) -> None:
    if store_url.startswith("sqlite"):
        sqlite3.connect(tmp_path / "notifier.db").close()
        (tmp_path / "notifier.db").touch()

    ran = convex("deliveries", "list")

    assert ran.code == 1
    assert "endpoint_sequences" in ran.err
    assert len(ran.err.splitlines()) == 1
