from dataclasses import replace
from typing import Any

import pytest

from services.notifier.core.routing import (
    DeliveryPlan,
    RoutingHistory,
    Subscription,
    TimeBase,
    deadline_ns,
    plan_deliveries,
)
from shared.domain.deliveries import Channel
from shared.domain.divergences import Direction, DivergenceEvent, Kind, Severity, Transition
from tests.support.builders import divergence
from tests.support.builders_kinds import divergence_of


def subscription(**changes: Any) -> Subscription:
    fields: dict[str, Any] = {"name": "desk", "channel": Channel.WEBHOOK, "receiver": "https://desk.example/"}
    return Subscription(**(fields | changes))


def plan(
    event: DivergenceEvent, *subscriptions: Subscription, history: RoutingHistory | None = None
) -> DeliveryPlan:
    return plan_deliveries(
        event,
        subscriptions=subscriptions,
        history=history or RoutingHistory(),
        first_seen_ns=5,
        time_base=TimeBase.REPLAY,
        mail_domain="convex.example",
    )


def test_subscription_without_filters_gets_everything() -> None:
    event = divergence(sequence=7)
    (delivery,) = plan(event, subscription()).deliveries

    assert delivery.subscription == "desk"
    assert delivery.event_id == event.event_id
    assert delivery.divergence_id == event.divergence_id
    assert delivery.sequence == 7
    assert delivery.expires_at_ns == 5 + 4 * 3_600 * 10**9


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pairs": frozenset({"silver-iwm"})}, "other_pair"),
        ({"kinds": frozenset({"hedge_lost"})}, "other_kind"),
        ({"min_severity": Severity.CRITICAL}, "below_severity"),
    ],
)
def test_filter_keeps_an_event_away_and_says_which_one(changes: dict[str, Any], reason: str) -> None:
    made = plan(divergence(), subscription(**changes), subscription(name="all"))

    assert [delivery.subscription for delivery in made.deliveries] == ["all"]
    assert [(each.subscription, each.reason.value) for each in made.suppressed] == [("desk", reason)]


@pytest.mark.parametrize(
    "changes",
    [
        {"pairs": frozenset({"gold-iwm", "silver-iwm"})},
        {"kinds": frozenset({"ratio_stretch"})},
        {"min_severity": Severity.WARNING},
    ],
)
def test_filter_lets_its_own_pass(changes: dict[str, Any]) -> None:
    assert len(plan(divergence(), subscription(**changes)).deliveries) == 1


def test_critical_event_reaches_those_who_want_critical_only() -> None:
    event = divergence(type=Transition.ESCALATED, severity=Severity.CRITICAL)

    assert len(plan(event, subscription(min_severity=Severity.CRITICAL)).deliveries) == 1


def test_subscription_that_got_the_alarm_gets_its_end_whatever_the_severity() -> None:
    """Otherwise a critical-only subscriber that was alerted to an escalation never learns that it is over."""
    event = divergence(type=Transition.CLOSED, severity=Severity.WARNING)

    made = plan(
        event,
        subscription(min_severity=Severity.CRITICAL),
        history=RoutingHistory(notified=frozenset({"desk"})),
    )

    assert len(made.deliveries) == 1


def test_having_been_notified_does_not_lift_the_other_filters() -> None:
    made = plan(
        divergence(),
        subscription(pairs=frozenset({"silver-iwm"})),
        history=RoutingHistory(notified=frozenset({"desk"})),
    )

    assert [each.reason.value for each in made.suppressed] == ["other_pair"]


def test_receiver_that_is_gone_gets_nothing_more() -> None:
    away, here = subscription(), subscription(name="new", receiver="https://new.example/")

    made = plan(divergence(), away, here, history=RoutingHistory(gone=frozenset({away.receiver_id})))

    assert [delivery.subscription for delivery in made.deliveries] == ["new"]
    assert [each.reason.value for each in made.suppressed] == ["receiver_gone"]


def test_same_event_gives_the_same_identities_again() -> None:
    subscriptions = (
        subscription(),
        subscription(name="ann", channel=Channel.EMAIL, receiver="ann@a.example"),
    )

    assert plan(divergence(), *subscriptions) == plan(divergence(), *subscriptions)


def test_two_receivers_of_one_event_have_different_deliveries() -> None:
    first, second = plan(divergence(), subscription(), subscription(name="other")).deliveries

    assert first.delivery_id != second.delivery_id
    assert first.message_id == second.message_id == divergence().event_id


def test_mail_has_a_message_id_of_its_recipient() -> None:
    ann, bob = plan(
        divergence(),
        subscription(name="ann", channel=Channel.EMAIL, receiver="ann@a.example"),
        subscription(name="bob", channel=Channel.EMAIL, receiver="bob@a.example"),
    ).deliveries

    assert ann.message_id != bob.message_id
    assert ann.message_id.endswith("@convex.example>")


def test_test_message_goes_to_everyone_on_the_pair() -> None:
    event = divergence(type=Transition.TEST)
    picky = subscription(kinds=frozenset({"hedge_lost"}), min_severity=Severity.CRITICAL)
    elsewhere = subscription(name="other", pairs=frozenset({"silver-iwm"}))

    made = plan(event, picky, elsewhere)

    assert [delivery.subscription for delivery in made.deliveries] == ["desk"]


@pytest.mark.parametrize(
    "event",
    [
        divergence_of(Kind.REGIME_CHANGE, Direction.RISK_OFF, type=Transition.CLOSED),
        divergence_of(
            Kind.DATA_FAULT,
            Direction.OTHER,
            type=Transition.CLOSED,
            values={"revised_from": 99.5, "revised_to": 99.97},
        ),
    ],
)
def test_person_reads_once_about_what_has_no_duration_and_a_program_gets_both(event: DivergenceEvent) -> None:
    webhook = subscription()
    mail = subscription(name="ann", channel=Channel.EMAIL, receiver="ann@a.example")
    begun = replace(event, type=Transition.OPEN)

    assert len(plan(begun, webhook, mail).deliveries) == 2
    ended = plan(event, webhook, mail, history=RoutingHistory(notified=frozenset({"desk", "ann"})))

    assert [delivery.subscription for delivery in ended.deliveries] == ["desk"]
    assert [(each.subscription, each.reason.value) for each in ended.suppressed] == [("ann", "instant_end")]


@pytest.mark.parametrize(
    ("kind", "direction", "values"),
    [
        (Kind.RATIO_STRETCH, Direction.RISK_OFF, {"z_90": 0.5, "revised_to": 1.0}),
        (Kind.DATA_FAULT, Direction.LEAD, {"lasted_seconds": 60.0}),
    ],
)
def test_person_reads_the_end_of_what_has_a_duration(
    kind: Kind, direction: Direction, values: dict[str, float]
) -> None:
    mail = subscription(name="ann", channel=Channel.EMAIL, receiver="ann@a.example")
    event = divergence_of(kind, direction, type=Transition.CLOSED, values=values)

    assert len(plan(event, mail).deliveries) == 1


def test_filter_of_kinds_is_the_reason_before_an_end_that_needs_no_mail() -> None:
    mail = subscription(channel=Channel.EMAIL, receiver="ann@a.example", kinds=frozenset({"ratio_stretch"}))
    event = divergence_of(Kind.REGIME_CHANGE, Direction.RISK_OFF, type=Transition.CLOSED)

    assert [each.reason.value for each in plan(event, mail).suppressed] == ["other_kind"]


def test_data_fault_goes_to_every_subscription_that_does_not_choose_kinds() -> None:
    assert len(plan(divergence_of(Kind.DATA_FAULT, Direction.LEAD), subscription()).deliveries) == 1


# 2014-05-02T16:35:10Z, from `date -u -d @1399048510`.
NOT_AFTER_NS = 1_399_048_510_000_000_000
FIRST_SEEN_NS = 1_700_000_000_000_000_000
FOUR_HOURS_NS = 4 * 3_600 * 1_000_000_000


def test_live_event_expires_at_its_not_after() -> None:
    deadline = deadline_ns(divergence(), first_seen_ns=FIRST_SEEN_NS, time_base=TimeBase.LIVE)

    assert deadline == NOT_AFTER_NS


def test_replayed_event_is_valid_as_long_after_receipt_as_it_was_then() -> None:
    deadline = deadline_ns(divergence(), first_seen_ns=FIRST_SEEN_NS, time_base=TimeBase.REPLAY)

    assert deadline == FIRST_SEEN_NS + FOUR_HOURS_NS
