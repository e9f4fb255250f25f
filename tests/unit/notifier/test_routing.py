from dataclasses import replace
from typing import Any

import pytest

from services.notifier.core.message_ids import receiver_id_of
from services.notifier.core.repeat_interval import LastNotified
from services.notifier.core.routing import (
    DeliveryPlan,
    RoutingHistory,
    Subscription,
    TimeBase,
    deadline_ns,
    plan_deliveries,
    receivers_with_interval,
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
        ({"types": frozenset({"closed", "test"})}, "other_type"),
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
        {"types": frozenset({"open"})},
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
    first, second = plan(
        divergence(), subscription(), subscription(name="other", receiver="https://other.example/")
    ).deliveries

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


def test_receiver_that_acts_on_what_it_gets_can_be_kept_from_tests() -> None:
    event = divergence(type=Transition.TEST)
    trader, tester = (
        subscription(name=name, receiver=f"https://{name}.example/", types=frozenset({name}))
        for name in ("open", "test")
    )

    made = plan(event, trader, tester)

    assert [delivery.subscription for delivery in made.deliveries] == ["test"]
    assert [each.reason.value for each in made.suppressed] == ["other_type"]


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


def mail(name: str, address: str, **changes: Any) -> Subscription:
    return subscription(name=name, channel=Channel.EMAIL, receiver=address, **changes)


def chosen(made: DeliveryPlan) -> list[str]:
    return [delivery.subscription for delivery in made.deliveries]


def reasons(made: DeliveryPlan) -> dict[str, str]:
    return {each.subscription: each.reason.value for each in made.suppressed}


def test_one_person_in_two_subscriptions_gets_one_mail() -> None:
    """Would have caught: ``ann@`` and ``Ann@`` got two mails with one Message-ID."""
    made = plan(divergence(), mail("ann", "ann@example.com"), mail("desk", "Ann@Example.COM"))

    assert chosen(made) == ["ann"]
    assert reasons(made) == {"desk": "same_receiver"}


def test_url_in_two_subscriptions_gets_one_message() -> None:
    made = plan(divergence(), subscription(), subscription(name="again"))

    assert chosen(made) == ["desk"]
    assert reasons(made) == {"again": "same_receiver"}
    assert [each.channel for each in made.suppressed] == [Channel.WEBHOOK]


def test_subscriptions_of_one_url_with_different_keys_are_two_receivers() -> None:
    made = plan(divergence(), subscription(dedupe_key="1"), subscription(name="again", dedupe_key="2"))

    assert chosen(made) == ["desk", "again"]
    assert len({delivery.receiver_id for delivery in made.deliveries}) == 1


def test_three_subscriptions_of_one_receiver_still_get_one_message() -> None:
    made = plan(divergence(), *(mail(name, "ann@example.com") for name in ("a", "b", "c")))

    assert chosen(made) == ["a"]
    assert reasons(made) == {"b": "same_receiver", "c": "same_receiver"}


def test_subscription_that_is_filtered_out_does_not_take_the_message_from_the_other() -> None:
    critical = mail("critical", "ann@example.com", min_severity=Severity.CRITICAL)

    made = plan(divergence(), critical, mail("all", "ann@example.com"))

    assert chosen(made) == ["all"]
    assert reasons(made) == {"critical": "below_severity"}


def test_later_events_of_a_divergence_go_through_the_subscription_that_had_the_first() -> None:
    """Otherwise its opening and its end would be in two lanes, and the end could arrive first."""
    first, second = (
        mail("critical", "ann@example.com", min_severity=Severity.CRITICAL),
        mail("all", "ann@example.com"),
    )
    event = divergence(type=Transition.ESCALATED, severity=Severity.CRITICAL)

    made = plan(event, first, second, history=RoutingHistory(notified=frozenset({"all"})))

    assert chosen(made) == ["all"]
    assert reasons(made) == {"critical": "same_receiver"}


def test_first_of_the_file_goes_first_when_both_were_notified() -> None:
    event = divergence(type=Transition.CLOSED)
    both = RoutingHistory(notified=frozenset({"desk", "again"}))

    assert chosen(plan(event, subscription(), subscription(name="again"), history=both)) == ["desk"]


def test_test_message_reaches_a_receiver_once() -> None:
    event = divergence(type=Transition.TEST)

    assert chosen(plan(event, subscription(), subscription(name="again"))) == ["desk"]


def test_receiver_keeps_its_id_from_earlier_versions() -> None:
    """The store knows by this id which receivers are gone."""
    assert subscription().receiver_id == receiver_id_of(channel="webhook", receiver="https://desk.example/")
    # From `printf '8:receiver7:webhook21:https://desk.example/' | sha256sum`.
    assert subscription().receiver_id == "rc_d93042d5be601971a3e840e0a23650a6"


def test_receivers_behind_one_url_are_told_apart_by_their_variant() -> None:
    plain, first, second = (
        subscription(variant=variant) for variant in ((), ("pagerduty", "TEAM_A"), ("pagerduty", "TEAM_B"))
    )

    assert len({plain.receiver_id, first.receiver_id, second.receiver_id}) == 3


def test_mail_receiver_has_one_id_in_every_spelling() -> None:
    assert mail("a", "Ann@Example.com").receiver_id == mail("b", "ann@example.com").receiver_id


def test_dedupe_key_is_not_shown() -> None:
    assert "sesame" not in repr(subscription(dedupe_key="sesame"))


HOUR_NS = 3_600 * 10**9
# 2014-05-02T12:35:10Z, when the builder's divergence occurs, from `date -u -d @1399034110`.
OCCURRED_NS = 1_399_034_110 * 10**9


def notified_before(
    subscriber: Subscription,
    *,
    hours_ago: float,
    severity: Severity = Severity.WARNING,
    notified: frozenset[str] = frozenset(),
) -> RoutingHistory:
    last = LastNotified(occurred_at_ns=OCCURRED_NS - round(hours_ago * HOUR_NS), severity=severity)
    return RoutingHistory(notified=notified, last_notified={subscriber.receiver_id: last})


@pytest.mark.parametrize(
    ("hours_ago", "is_sent"),
    [
        (2.0, True),
        (1.999_999, False),
        (0.5, False),
        (0.0, False),
        # Event time that runs backwards: out of order, or a replay of an older log.
        (-0.5, False),
        (-2.0, True),
        (-87_600.0, True),
    ],
)
def test_second_divergence_within_the_interval_is_left_out(hours_ago: float, is_sent: bool) -> None:
    desk = subscription(repeat_interval_ns=2 * HOUR_NS)

    made = plan(divergence(), desk, history=notified_before(desk, hours_ago=hours_ago))

    assert chosen(made) == (["desk"] if is_sent else [])
    assert reasons(made) == ({} if is_sent else {"desk": "repeat_interval"})


def test_without_an_interval_everything_is_sent() -> None:
    assert chosen(
        plan(divergence(), subscription(), history=notified_before(subscription(), hours_ago=0.0))
    ) == ["desk"]


def test_receiver_that_was_notified_of_nothing_gets_the_first() -> None:
    assert chosen(plan(divergence(), subscription(repeat_interval_ns=HOUR_NS))) == ["desk"]


@pytest.mark.parametrize(
    ("severity", "last", "is_sent"),
    [
        (Severity.CRITICAL, Severity.WARNING, True),
        (Severity.CRITICAL, Severity.CRITICAL, False),
        (Severity.WARNING, Severity.CRITICAL, False),
    ],
)
def test_only_what_is_more_severe_breaks_the_interval(
    severity: Severity, last: Severity, is_sent: bool
) -> None:
    desk = subscription(repeat_interval_ns=2 * HOUR_NS)

    made = plan(
        divergence(severity=severity), desk, history=notified_before(desk, hours_ago=1, severity=last)
    )

    assert chosen(made) == (["desk"] if is_sent else [])


@pytest.mark.parametrize("transition", [Transition.CLOSED, Transition.ESCALATED, Transition.REVISED])
def test_divergence_that_the_receiver_knows_is_followed_to_its_end(transition: Transition) -> None:
    desk = subscription(repeat_interval_ns=2 * HOUR_NS)
    history = notified_before(desk, hours_ago=0.1, notified=frozenset({"desk"}))

    assert chosen(plan(divergence(type=transition), desk, history=history)) == ["desk"]


@pytest.mark.parametrize("hours_ago", [0.1, 50.0])
def test_end_of_a_divergence_whose_beginning_was_left_out_is_left_out(hours_ago: float) -> None:
    desk = subscription(repeat_interval_ns=2 * HOUR_NS)

    made = plan(divergence(type=Transition.CLOSED), desk, history=notified_before(desk, hours_ago=hours_ago))

    assert reasons(made) == {"desk": "repeat_interval"}


def test_divergence_that_lasts_longer_than_the_interval_is_sent_after_it() -> None:
    desk = subscription(repeat_interval_ns=2 * HOUR_NS)

    made = plan(divergence(type=Transition.REVISED), desk, history=notified_before(desk, hours_ago=3))

    assert chosen(made) == ["desk"]


def test_test_message_breaks_the_interval() -> None:
    desk = subscription(repeat_interval_ns=2 * HOUR_NS)

    made = plan(divergence(type=Transition.TEST), desk, history=notified_before(desk, hours_ago=0.1))

    assert chosen(made) == ["desk"]


def test_interval_of_one_subscription_leaves_the_message_to_the_other_of_the_receiver() -> None:
    quiet = mail("quiet", "ann@example.com", repeat_interval_ns=2 * HOUR_NS)

    made = plan(
        divergence(), quiet, mail("all", "ann@example.com"), history=notified_before(quiet, hours_ago=1)
    )

    assert chosen(made) == ["all"]
    assert reasons(made) == {"quiet": "repeat_interval"}


def test_interval_of_one_receiver_does_not_concern_another() -> None:
    ann = mail("ann", "ann@example.com", repeat_interval_ns=2 * HOUR_NS)
    bob = mail("bob", "bob@example.com", repeat_interval_ns=2 * HOUR_NS)

    assert chosen(plan(divergence(), ann, bob, history=notified_before(ann, hours_ago=1))) == ["bob"]


def test_history_of_repeats_is_needed_for_those_with_an_interval_only() -> None:
    quiet = mail("quiet", "ann@example.com", repeat_interval_ns=1)

    assert receivers_with_interval([quiet, subscription()]) == {quiet.receiver_id}


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
