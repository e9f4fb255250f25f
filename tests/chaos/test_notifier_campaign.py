"""A few kills of the campaign for the gate, and what its check notices."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.records import DIVERGENCES
from shared.domain.deliveries import Channel, DeliveryOutcome, Outcome
from tests.chaos.notifier_campaign import Campaign, run_campaign
from tests.chaos.notifier_oracle import Facts, faults_of, numbers_of
from tests.chaos.notifier_store import StoreRows
from tests.chaos.random_receivers import Call, TakenMail
from tests.support.builders import divergence


@pytest.mark.chaos
@pytest.mark.slow
async def test_kills_at_random_instants_lose_and_double_nothing_on_sqlite(
    embedded_broker: str, tmp_path: Path
) -> None:
    report = await run_campaign(
        Campaign(
            bootstrap=embedded_broker,
            folder=tmp_path,
            database_url=f"sqlite:///{tmp_path}/notifier.db",
            notifiers=1,
            kills=10,
            seed=20,
        )
    )
    assert report.faults == []
    assert report.numbers["kills"] == 10
    # Something was delivered, and something was in doubt.
    assert report.numbers["ended_delivered"] > 20
    assert report.numbers["unknown_attempts"] > 0


@pytest.mark.chaos
@pytest.mark.slow
async def test_two_notifiers_of_one_group_that_are_killed_lose_and_double_nothing_on_postgresql(
    embedded_broker: str, postgres_url: str, tmp_path: Path
) -> None:
    report = await run_campaign(
        Campaign(
            bootstrap=embedded_broker,
            folder=tmp_path,
            database_url=postgres_url,
            notifiers=2,
            kills=10,
            seed=21,
            # The embedded broker cannot keep a group of two together: a notifier then ends by itself.
            own_ends_are_faults=False,
        )
    )
    assert report.faults == []
    assert report.numbers["kills"] >= 10
    assert report.numbers["ended_delivered"] > 20
    assert report.numbers["unknown_attempts"] > 0


EVENT = divergence()
BODY = DIVERGENCES.encode(EVENT)
SECOND = 1_000_000_000


def row(**changes: Any) -> dict[str, Any]:
    fields = {
        "delivery_id": "d1",
        "event_id": EVENT.event_id,
        "subscription": "desk",
        "channel": "webhook",
        "message_id": EVENT.event_id,
        "state": "delivered",
        "attempts": 1,
        "last_reason": "",
        "expires_at_ns": 100 * SECOND,
        "ended_at_ns": 11 * SECOND,
        "endpoint_sequence": 1,
    }
    return fields | changes


def call(**changes: Any) -> Call:
    fields: dict[str, Any] = {
        "subscription": "desk",
        "webhook_id": EVENT.event_id,
        "number": 1,
        "body": BODY,
        "began_at_ns": 10 * SECOND,
        "ended_at_ns": 11 * SECOND,
        "status": 204,
    }
    return Call(**(fields | changes))


def mail(at_seconds: int = 10) -> TakenMail:
    return TakenMail(message_id="m1", recipient="ann@example.com", took_at_ns=at_seconds * SECOND)


def outcome(**changes: Any) -> DeliveryOutcome:
    fields: dict[str, Any] = {
        "delivery_id": "d1",
        "event_id": EVENT.event_id,
        "subscription": "desk",
        "channel": Channel.WEBHOOK,
        "outcome": Outcome.DELIVERED,
        "reason": "",
        "attempts": 1,
        "message_id": EVENT.event_id,
        "ended_at": "2026-01-01T00:00:00Z",
    }
    return DeliveryOutcome(**(fields | changes))


def store(*deliveries: dict[str, Any], answers: tuple[tuple[str, str], ...]) -> StoreRows:
    return StoreRows(
        events=[
            {
                "event_id": EVENT.event_id,
                "value": BODY,
                "divergence_id": EVENT.divergence_id,
                "sequence": EVENT.sequence,
            }
        ],
        deliveries=deliveries,
        attempts=[{"delivery_id": delivery_id, "answer": answer} for delivery_id, answer in answers],
        suppressions=[],
        endpoint_sequences={each["subscription"]: each["endpoint_sequence"] for each in deliveries},
    )


GOOD = Facts(
    published={EVENT.event_id: BODY},
    subscriptions=frozenset({"desk"}),
    store=store(row(), answers=(("d1", "delivered"),)),
    outcomes=[outcome()],
    calls=[call()],
    mails=[],
)
MAILED = replace(
    GOOD,
    store=store(row(channel="email", message_id="m1", attempts=1), answers=(("d1", "delivered"),)),
    calls=[],
    mails=[mail()],
)
DOUBTFUL = {"channel": "email", "message_id": "m1", "attempts": 3}


def test_the_check_finds_nothing_wrong_where_nothing_is() -> None:
    assert faults_of(GOOD) == []
    assert faults_of(MAILED) == []
    assert numbers_of(GOOD)["ended_delivered"] == 1


def test_the_check_excuses_a_copy_by_an_unknown_attempt() -> None:
    answers = (("d1", "unknown"), ("d1", "delivered"))
    again = store(row(channel="email", message_id="m1", attempts=2), answers=answers)
    assert faults_of(replace(MAILED, store=again, mails=[mail(), mail()])) == []


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        (replace(GOOD, published={**GOOD.published, "lost": b"{}"}), "1 are stored"),
        (replace(GOOD, subscriptions=frozenset({"desk", "ann"})), "was decided for ['desk']"),
        (replace(GOOD, store=store(row(state="pending"), answers=(("d1", "deferred"),))), "state pending"),
        (replace(GOOD, store=store(row(endpoint_sequence=2), answers=(("d1", "delivered"),))), "have a gap"),
        (replace(GOOD, calls=[call(webhook_id="other")]), "with another body"),
        (replace(GOOD, calls=[call(number=7)]), "with the number 7"),
        (
            replace(GOOD, store=store(row(attempts=2), answers=(("d1", "delivered"),))),
            "2 attempts and 1 rows",
        ),
        (replace(GOOD, calls=[call(), call()]), "sent 2 times, more often than"),
        (replace(GOOD, calls=[call(), call()]), "arrived 2 times with 0 attempts in doubt"),
        (replace(GOOD, calls=[]), "did not arrive"),
        (replace(MAILED, mails=[mail(), mail()]), "arrived 2 times with 0 attempts in doubt"),
        (
            replace(
                MAILED,
                store=store(
                    row(**DOUBTFUL), answers=(("d1", "unknown"), ("d1", "unknown"), ("d1", "delivered"))
                ),
                mails=[mail(), mail(), mail()],
            ),
            "arrived 3 times",
        ),
        (replace(GOOD, calls=[call(began_at_ns=102 * SECOND)]), "too late"),
        (replace(MAILED, mails=[mail(102)]), "too late"),
        (replace(GOOD, outcomes=[]), "the audit topic has [] of"),
        (
            replace(GOOD, outcomes=[outcome(outcome=Outcome.EXPIRED, reason="deadline_passed")]),
            "the store delivered",
        ),
        (replace(GOOD, calls=[call(), call(began_at_ns=10 * SECOND + 5)]), "was not answered"),
    ],
)
def test_the_check_notices(facts: Facts, fault: str) -> None:
    assert any(fault in found for found in faults_of(facts)), faults_of(facts)


def test_the_check_notices_an_older_message_after_a_newer_one() -> None:
    newer = divergence(sequence=2, occurrence=2)
    rows = [row(), row(delivery_id="d2", event_id=newer.event_id, endpoint_sequence=2)]
    both = store(*rows, answers=(("d1", "delivered"), ("d2", "delivered")))
    event = {
        "event_id": newer.event_id,
        "value": b"newer",
        "divergence_id": EVENT.divergence_id,
        "sequence": 2,
    }
    calls = [call(webhook_id=newer.event_id, body=b"newer", number=2), call(began_at_ns=20 * SECOND)]
    facts = replace(GOOD, store=replace(both, events=[*both.events, event]), calls=calls)
    assert any("the sequence 1 after 2" in found for found in faults_of(facts))
