"""Notices: one for each change of a receiver, to its owner, and never one about a notice."""

import json
from dataclasses import replace
from typing import Any

import pytest

from services.notifier.core.notices import (
    Notice,
    ReceiverCondition,
    is_about_owner,
    notice_of,
    notice_references,
    owner_subscription,
    plan_notice,
)
from services.notifier.core.routing import RoutingHistory, Subscription, Suppression
from services.notifier.owners import owners_of
from shared.domain.deliveries import Channel

HOUR_NS = 3_600 * 1_000_000_000
SINCE_NS = 1_764_331_200 * 1_000_000_000


def notice(**changes: Any) -> Notice:
    fields: dict[str, Any] = {
        "condition": ReceiverCondition.PAUSED,
        "subscription": "desk",
        "channel": Channel.WEBHOOK,
        "receiver_id": "rc_1",
        "since_ns": SINCE_NS,
        "at_ns": SINCE_NS + HOUR_NS,
        "reason": "server_error",
        "waiting": 3,
    }
    return Notice(**(fields | changes))


@pytest.mark.parametrize("changes", [{"at_ns": SINCE_NS + 2 * HOUR_NS}, {"waiting": 99}, {"reason": "gone"}])
def test_change_that_is_noticed_again_is_the_same_notice(changes: dict[str, Any]) -> None:
    assert notice(**changes).notice_id == notice().notice_id


@pytest.mark.parametrize(
    "changes",
    [
        {"condition": ReceiverCondition.RECOVERED},
        {"condition": ReceiverCondition.GONE},
        {"since_ns": SINCE_NS + 1},
        {"receiver_id": "rc_2"},
        {"subscription": "other"},
    ],
)
def test_another_change_is_another_notice(changes: dict[str, Any]) -> None:
    assert notice(**changes).notice_id != notice().notice_id


def test_notices_about_one_receiver_are_one_lane_and_of_different_receivers_are_not() -> None:
    later = notice(condition=ReceiverCondition.RECOVERED, at_ns=SINCE_NS + 2 * HOUR_NS)

    assert later.thread_id == notice().thread_id
    assert notice(receiver_id="rc_2").thread_id != notice().thread_id
    assert notice(subscription="other").thread_id != notice().thread_id
    assert notice().thread_id != notice().notice_id


@pytest.mark.parametrize("condition", ReceiverCondition)
def test_notice_is_read_as_it_was_written(condition: ReceiverCondition) -> None:
    written = notice(condition=condition, channel=Channel.EMAIL)

    assert notice_of(written.to_value()) == written
    assert written.to_value() == written.to_value()


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (b"", "Expecting value"),
        (b"[]", "expected a notice"),
        (b"{}", "expected a notice"),
        (b'{"schema":"notices","v":2}', "expected a notice"),
        (b'{"schema":"notices","v":1}', "exactly its own fields"),
        (b'{"schema":"divergences","v":1}', "expected a notice"),
        (json.dumps({**json.loads(notice().to_value()), "more": 1}).encode(), "exactly its own fields"),
        (json.dumps({**json.loads(notice().to_value()), "condition": "dead"}).encode(), "dead"),
        (json.dumps({**json.loads(notice().to_value()), "channel": "pigeon"}).encode(), "pigeon"),
    ],
)
def test_what_is_no_notice_is_refused(value: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        notice_of(value)


@pytest.mark.parametrize(
    ("condition", "hours"),
    [(ReceiverCondition.PAUSED, 24), (ReceiverCondition.RECOVERED, 24), (ReceiverCondition.GONE, 7 * 24)],
)
def test_notice_becomes_one_mail_that_is_not_sent_when_it_is_old(
    condition: ReceiverCondition, hours: int
) -> None:
    told = notice(condition=condition)
    plan = plan_notice(
        told, address="Ops@example.com", history=RoutingHistory(), mail_domain="convex.example"
    )

    (delivery,) = plan.deliveries
    assert plan.suppressed == ()
    assert (delivery.subscription, delivery.channel) == ("owner:desk", Channel.EMAIL)
    assert (delivery.event_id, delivery.divergence_id) == (told.notice_id, told.thread_id)
    assert delivery.sequence == told.at_ns
    assert delivery.expires_at_ns == told.at_ns + hours * HOUR_NS
    assert delivery.message_id.endswith("@convex.example>")
    assert "Ops" not in delivery.message_id


def test_address_that_takes_no_mail_any_more_gets_none() -> None:
    plan = plan_notice(notice(), address="ops@example.com", history=RoutingHistory(), mail_domain="x.example")
    gone = frozenset({plan.deliveries[0].receiver_id})

    # Addresses differ in case only: it is the same mailbox.
    again = plan_notice(
        notice(), address="OPS@example.com", history=RoutingHistory(gone=gone), mail_domain="x.example"
    )

    assert again.deliveries == ()
    (suppressed,) = again.suppressed
    assert (suppressed.subscription, suppressed.reason) == ("owner:desk", Suppression.RECEIVER_GONE)


def test_works_again_answers_the_mail_that_said_it_failed() -> None:
    failed, gone = notice(), notice(condition=ReceiverCondition.GONE)
    well = replace(notice(), condition=ReceiverCondition.RECOVERED, at_ns=SINCE_NS + 9 * HOUR_NS)
    plan = plan_notice(failed, address="ops@example.com", history=RoutingHistory(), mail_domain="x.example")

    references = notice_references(well, recipient="ops@example.com", domain="x.example")

    assert references == (plan.deliveries[0].message_id,)
    assert notice_references(failed, recipient="ops@example.com", domain="x.example") == ()
    assert notice_references(gone, recipient="ops@example.com", domain="x.example") == ()


def test_names_of_owners_fit_their_column_and_stay_apart() -> None:
    longest = ["a" * 63 + "b", "a" * 63 + "c", "a" * 58, "a" * 59]
    names = [owner_subscription(name) for name in longest]

    assert len(set(names)) == len(names)
    assert max(map(len, names)) == 64
    assert all(is_about_owner(name) for name in names)
    assert not any(is_about_owner(name) for name in (*longest, "owner", "owners"))


def subscription(name: str, channel: Channel, receiver: str) -> Subscription:
    return Subscription(name=name, channel=channel, receiver=receiver)


@pytest.mark.parametrize(
    ("receiver", "own", "operator", "told"),
    [
        ("https://a.example/", "own@example.com", "ops@example.com", "own@example.com"),
        ("https://a.example/", None, "ops@example.com", "ops@example.com"),
        ("https://a.example/", "own@example.com", None, "own@example.com"),
        ("https://a.example/", None, None, None),
        ("own@example.com", "OWN@example.com", "ops@example.com", "ops@example.com"),
        ("ops@example.com", None, "ops@example.com", None),
    ],
)
def test_owner_is_told_else_the_operator_but_never_at_the_address_that_fails(
    receiver: str, own: str | None, operator: str | None, told: str | None
) -> None:
    channel = Channel.EMAIL if "@" in receiver else Channel.WEBHOOK
    owners = owners_of([(subscription("desk", channel, receiver), own)], operator_address=operator)

    assert (owners["desk"].address if owners else None) == told


def test_owner_knows_a_webhook_by_its_host_without_what_may_be_secret() -> None:
    desk = subscription("desk", Channel.WEBHOOK, "https://desk.example/hooks/s3cret?key=s3cret")
    ann = subscription("ann", Channel.EMAIL, "ann@example.com")
    owners = owners_of([(desk, None), (ann, None)], operator_address="ops@example.com")

    assert owners["desk"].receiver == "https://desk.example"
    assert owners["ann"].receiver == "ann@example.com"
