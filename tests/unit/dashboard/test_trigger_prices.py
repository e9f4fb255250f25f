"""Trigger prices are grouped by divergence, both times side by side, with their distance from the price."""

from services.dashboard.core.trigger_prices import TriggerPrice, trigger_groups
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.snapshots import Trigger, TriggerAt
from tests.support.snapshot_builder import leg, other_leg, snapshot


def trigger(
    price: float,
    *,
    kind: Kind = Kind.RATIO_STRETCH,
    direction: Direction = Direction.RISK_OFF,
    transition: Transition = Transition.OPEN,
    at: TriggerAt = TriggerAt.CLOSE,
) -> Trigger:
    return Trigger(kind=kind, direction=direction, transition=transition, lead_price=price, at=at)


def test_each_divergence_is_a_group_in_the_order_of_the_kinds_whatever_the_order_of_the_snapshot() -> None:
    groups = trigger_groups(
        snapshot(
            triggers=(
                trigger(1400.0, kind=Kind.HEDGE_LOST),
                trigger(1400.0, direction=Direction.RISK_ON),
                trigger(1600.0, transition=Transition.CLOSED),
                trigger(1500.0),
            )
        )
    )

    assert [(group.kind, [row.what for row in group.rows]) for group in groups] == [
        ("Ratio stretch, risk-off", ["opens", "closes"]),
        ("Ratio stretch, risk-on", ["opens"]),
        ("Hedge lost", ["opens"]),
    ]


def test_prices_of_both_times_stand_in_one_row_with_their_distance_the_lower_one_first() -> None:
    present = snapshot(legs=(leg(price=1500.0), other_leg()))
    (group,) = trigger_groups(
        snapshot(
            legs=present.legs,
            triggers=(trigger(1530.0), trigger(1470.0), trigger(1515.0, at=TriggerAt.LIVE)),
        )
    )

    (row,) = group.rows
    assert row.live == (TriggerPrice(price="1,515.00", distance="+1.0%"),)
    assert row.close == (
        TriggerPrice(price="1,470.00", distance="−2.0%"),
        TriggerPrice(price="1,530.00", distance="+2.0%"),
    )


def test_without_a_price_there_is_no_distance_and_without_triggers_no_group() -> None:
    for legs in ((), (leg(price=None), other_leg())):
        (group,) = trigger_groups(snapshot(legs=legs, triggers=(trigger(1530.0),)))
        assert group.rows[0].close == (TriggerPrice(price="1,530.00", distance=""),)
        assert group.rows[0].live == ()
    assert trigger_groups(snapshot()) == ()
