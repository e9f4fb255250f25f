from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.deliveries import PendingDelivery, Replaced
from services.notifier.core.ready_queue import ReadyQueue
from services.notifier.core.receiver_health import HealthPolicy
from shared.domain.deliveries import Outcome
from tests.support.pending_deliveries import pending

POLICY = HealthPolicy(max_in_flight=4)


class Desk:
    """A queue, and what it lets start."""

    def __init__(
        self, *, per_receiver: int = 10, policy: HealthPolicy = POLICY, max_in_flight: int = 100
    ) -> None:
        self.queue = ReadyQueue(policy, per_receiver=per_receiver, max_in_flight=max_in_flight)
        self.in_flight: dict[str, PendingDelivery] = {}

    def add(self, name: str, *, due: float = 0.0, expires: float = 1e9, **changes: Any) -> bool:
        number = int(changes.get("sequence", 1))
        fields = {"receiver_id": "rc_1", "divergence_id": f"dv_{name}", "received_at_ns": number}
        return self.queue.add(pending(name, **(fields | changes)), due=due, expires=expires)

    def start(self, now: float = 0.0, room: int = 100) -> list[str]:
        taken = self.queue.take(now, room=room)
        self.in_flight |= {each.delivery_id: each for each in taken.start}
        return [each.delivery_id for each in taken.start]

    def answer(self, name: str, now: float = 0.0, *, ok: bool = True, **more: Any) -> None:
        delivery = self.in_flight.pop(name)
        health = self.queue.health_of(delivery.receiver_id)
        if ok:
            health.succeed()
        else:
            health.fail(now, draw=0.0, **more)
        self.queue.answered(delivery)
        self.queue.free(delivery)


def test_delivery_starts_when_it_is_due() -> None:
    desk = Desk()
    desk.add("a", due=5.0)

    assert desk.start(4.9) == []
    assert desk.queue.next_at() == 5.0
    assert desk.start(5.0) == ["a"]
    assert len(desk.queue) == 0


def test_receiver_gets_one_until_it_has_answered() -> None:
    desk = Desk()
    for name in "abcd":
        desk.add(name)

    assert desk.start() == ["a"]
    assert desk.start() == []
    desk.answer("a")
    assert desk.start() == ["b", "c"]


def test_receivers_take_turns_whatever_the_length_of_their_queues() -> None:
    desk = Desk()
    for number in range(9):
        desk.add(f"long{number}", receiver_id="rc_long")
    desk.add("short", receiver_id="rc_short")

    assert desk.start(room=2) == ["long0", "short"]


def test_there_is_no_more_in_flight_than_there_is_room() -> None:
    desk = Desk()
    for number in range(5):
        desk.add(f"d{number}", receiver_id=f"rc_{number}")

    assert desk.start(room=2) == ["d0", "d1"]
    assert desk.start(room=0) == []
    assert desk.start(room=9) == ["d2", "d3", "d4"]


def test_messages_of_a_divergence_start_one_after_the_other_in_order() -> None:
    desk = Desk()
    desk.add("closed", divergence_id="dv", sequence=2, due=0.0)
    desk.add("opened", divergence_id="dv", sequence=1, due=1.0)
    desk.add("other", sequence=3, due=2.0)

    assert desk.start(2.0) == ["opened"]
    desk.answer("opened")
    assert desk.start(2.0) == ["closed", "other"]


def test_next_message_of_a_divergence_waits_until_the_result_of_the_last_is_stored() -> None:
    desk = Desk()
    desk.add("opened", divergence_id="dv", sequence=1)
    desk.add("closed", divergence_id="dv", sequence=2)
    (name,) = desk.start()
    delivery = desk.in_flight[name]
    desk.queue.health_of("rc_1").succeed()
    desk.queue.answered(delivery)

    assert desk.start() == []
    # Another delivery of the lane ending frees nothing.
    desk.queue.free(pending("earlier", receiver_id="rc_1", divergence_id="dv"))
    assert desk.start() == []
    desk.queue.free(delivery)
    assert desk.start() == ["closed"]


def test_paused_receiver_is_probed_with_the_newest_whatever_its_schedule_says() -> None:
    desk = Desk()
    for name, sequence in (("a", 1), ("b", 2)):
        desk.add(name, sequence=sequence)
        desk.start(0.0)
        desk.answer(name, 0.0, ok=False)
    desk.add("old", sequence=3, due=9_000.0)
    desk.add("new", sequence=4, due=9_000.0)

    assert desk.start(4.9) == []
    assert desk.queue.next_at() == 5.0
    assert desk.start(5.0) == ["new"]
    assert desk.start(5.0) == []


def test_receiver_that_is_well_again_gets_everything_at_once_the_newest_first() -> None:
    desk = Desk()
    for number in range(1, 6):
        desk.add(f"d{number}", sequence=number, due=9_000.0)
    desk.queue.recovered("rc_1", 7.0)

    order = []
    while names := desk.start(7.0):
        for name in names:
            order.append(name)
            desk.answer(name, 7.0)
    assert order == ["d5", "d4", "d3", "d2", "d1"]
    # After that, in order again.
    for name, sequence, due in (("e1", 7, 7.5), ("e2", 6, 7.0)):
        desk.add(name, sequence=sequence, due=due)
    assert desk.start(8.0) == ["e2", "e1"]


def test_recovery_of_what_all_are_reached_by_makes_everything_due() -> None:
    desk = Desk()
    desk.add("a", receiver_id="rc_a", due=9_000.0)
    desk.add("b", receiver_id="rc_b", due=9_000.0)
    desk.queue.health_of("rc_idle")
    desk.queue.recovered_all(3.0)

    assert desk.start(3.0) == ["a", "b"]


def test_newest_of_a_divergence_takes_the_place_of_the_older_ones_at_a_receiver_that_was_not_well() -> None:
    desk = Desk()
    desk.add("opened", divergence_id="dv", sequence=1)
    desk.add("escalated", divergence_id="dv", sequence=2)
    desk.add("closed", divergence_id="dv", sequence=3)
    desk.queue.recovered("rc_1", 0.0)

    taken = desk.queue.take(0.0, room=9)

    assert [each.delivery_id for each in taken.start] == ["closed"]
    assert [each.delivery_id for each in taken.superseded] == ["opened", "escalated"]
    assert len(desk.queue) == 0


def test_newest_that_is_not_due_yet_does_not_hold_up_the_others() -> None:
    desk = Desk()
    desk.queue.recovered("rc_1", 0.0)
    desk.add("old", sequence=1, due=1.0)
    desk.add("new", sequence=2, due=500.0)

    assert desk.start(1.0) == ["old"]


def test_what_expires_is_given_back_even_where_there_is_no_room() -> None:
    desk = Desk()
    desk.add("a", due=0.0, expires=10.0)
    desk.add("b", due=0.0, expires=20.0)

    assert desk.queue.take(9.9, room=0).expired == ()
    assert [each.delivery_id for each in desk.queue.take(10.0, room=0).expired] == ["a"]
    assert [each.delivery_id for each in desk.queue.take(20.0, room=0).expired] == ["b"]
    assert desk.start(21.0) == []


def test_what_expired_while_it_had_no_turn_is_not_started() -> None:
    desk = Desk()
    desk.add("a", expires=10.0)
    desk.add("b", expires=30.0)
    desk.start(0.0)

    desk.answer("a")
    taken = desk.queue.take(31.0, room=9)

    assert taken.start == ()
    assert [each.delivery_id for each in taken.expired] == ["b"]


def test_long_queue_keeps_the_newest_in_memory_and_asks_for_the_rest() -> None:
    desk = Desk(per_receiver=4)
    kept = [desk.add(f"d{number}", sequence=number, due=0.0) for number in (3, 4, 5, 6, 1, 7)]

    assert kept == [True, True, True, True, False, True]
    assert [name for name in ("d1", "d3", "d4", "d7") if name in desk.queue] == ["d4", "d7"]
    assert desk.queue.count_of("rc_1") == 4
    refills = []
    for _ in range(4):
        taken = desk.queue.take(0.0, room=1)
        desk.in_flight |= {each.delivery_id: each for each in taken.start}
        refills.append(taken.refill)
        for name in list(desk.in_flight):
            desk.answer(name)
    # When a quarter is left.
    assert refills == [(), (), (), ("rc_1",)]
    desk.queue.store_has_more("rc_1")
    assert desk.queue.take(0.0, room=1).refill == ("rc_1",)


def test_delivery_that_is_added_again_waits_once_and_takes_its_new_time() -> None:
    desk = Desk(per_receiver=1)
    desk.add("a", due=50.0)
    desk.add("a", due=3.0)

    assert len(desk.queue) == 1
    assert desk.start(3.0) == ["a"]


def test_removed_delivery_does_not_start() -> None:
    desk = Desk()
    desk.add("a", due=4.0)

    assert desk.queue.remove("a") is not None
    assert desk.queue.remove("a") is None
    assert "a" not in desk.queue
    assert desk.start(4.0) == []


def test_waiting_delivery_learns_what_it_replaces() -> None:
    desk = Desk()
    desk.add("a")
    replaced = (Replaced(endpoint_sequence=3, outcome=Outcome.EXPIRED),)

    assert desk.queue.update("a", replaced)
    assert not desk.queue.update("b", replaced)
    assert desk.queue.take(0.0, room=1).start[0].replaces == replaced


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "take", "ok", "fail", "recover"]),
        st.integers(0, 3),
        st.integers(0, 2),
        st.floats(0.0, 20.0),
    ),
    max_size=80,
)


@given(_STEPS)
def test_whatever_happens_a_lane_has_one_in_flight_and_nothing_starts_twice(
    steps: list[tuple[str, int, int, float]],
) -> None:
    desk, now, count = Desk(per_receiver=5), 0.0, 0
    started: list[str] = []
    for step, receiver, lane, passed in steps:
        now += passed
        names = list(desk.in_flight)
        if step == "add":
            count += 1
            desk.add(
                f"d{count}",
                receiver_id=f"rc_{receiver}",
                subscription=f"s{receiver}",
                divergence_id=f"dv_{lane}",
                sequence=count,
                due=now + passed,
                expires=now + 50.0,
            )
        elif step == "take":
            started += desk.start(now, room=5)
        elif step == "recover":
            desk.queue.recovered(f"rc_{receiver}", now)
        elif names:
            desk.answer(names[receiver % len(names)], now, ok=step == "ok")
        lanes = [each.lane for each in desk.in_flight.values()]
        assert len(lanes) == len(set(lanes))
    assert len(started) == len(set(started))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=40))
def test_everything_that_waits_starts_or_is_superseded_if_its_receiver_answers(
    added: list[tuple[int, int]],
) -> None:
    desk = Desk(per_receiver=100)
    for number, (receiver, lane) in enumerate(added):
        desk.add(
            f"d{number}",
            receiver_id=f"rc_{receiver}",
            subscription=f"s{receiver}",
            divergence_id=f"dv_{lane}",
            sequence=number,
        )
    order: list[PendingDelivery] = []
    while taken := desk.queue.take(0.0, room=3).start:
        for delivery in taken:
            order.append(delivery)
            desk.in_flight[delivery.delivery_id] = delivery
            desk.answer(delivery.delivery_id)

    assert sorted(each.sequence for each in order) == list(range(len(added)))
    for busy in {each.lane for each in order}:
        of_lane = [each.sequence for each in order if each.lane == busy]
        assert of_lane == sorted(of_lane)


def test_new_delivery_may_begin_at_once_if_its_receiver_is_well_and_nothing_waits_for_it() -> None:
    desk = Desk()
    assert desk.queue.may_begin("rc_1", 0.0)

    desk.queue.begin(pending("first", receiver_id="rc_1", divergence_id="dv"))
    assert not desk.queue.may_begin("rc_1", 0.0)
    # Counted like one that was taken: the next of its lane waits for it.
    desk.add("next", divergence_id="dv", sequence=2)
    desk.queue.health_of("rc_1").succeed()
    assert desk.start() == []
    desk.queue.free(pending("first", receiver_id="rc_1", divergence_id="dv"))
    assert not desk.queue.may_begin("rc_1", 0.0)
    assert desk.start() == ["next"]
    assert desk.queue.may_begin("rc_1", 0.0)
    desk.queue.store_has_more("rc_1")
    assert not desk.queue.may_begin("rc_1", 0.0)


def test_receivers_that_hang_leave_room_for_one_that_is_well() -> None:
    desk = Desk(max_in_flight=8)
    desk.add("first", receiver_id="rc_well")
    desk.start()
    desk.answer("first")
    for number in range(20):
        desk.add(f"new{number}", receiver_id=f"rc_{number}")
    desk.add("second", receiver_id="rc_well")

    assert desk.start(room=8) == [*(f"new{number}" for number in range(4)), "second"]
    assert desk.start(room=3) == []


def test_receivers_that_fail_leave_room_for_those_that_are_new() -> None:
    desk = Desk(max_in_flight=8, policy=HealthPolicy(max_in_flight=4, pause_after=None))
    for number in range(4):
        desk.add(f"a{number}", receiver_id=f"rc_{number}")
    for name in desk.start():
        desk.answer(name, ok=False)
    for number in range(4):
        desk.add(f"b{number}", receiver_id=f"rc_{number}")
    desk.add("new", receiver_id="rc_new")

    assert desk.start(room=8) == ["b0", "b1", "new"]
    desk.answer("b0", ok=True)
    assert desk.start(room=6) == ["b2"]


def test_one_attempt_at_a_time_is_given_to_any_receiver() -> None:
    desk = Desk(max_in_flight=1)
    desk.add("a")

    assert desk.start(room=1) == ["a"]


def test_new_delivery_may_not_begin_at_once_where_too_many_receivers_are_new() -> None:
    desk = Desk(max_in_flight=4)
    for number in range(2):
        desk.queue.begin(pending(f"a{number}", receiver_id=f"rc_{number}"))

    assert not desk.queue.may_begin("rc_9", 0.0)
    desk.queue.health_of("rc_0").succeed()
    desk.queue.answered(pending("a0", receiver_id="rc_0"))
    assert desk.queue.may_begin("rc_9", 0.0)


def test_long_outage_leaves_no_timers_behind() -> None:
    desk = Desk()
    desk.add("a", expires=300_000.0)
    now, sizes = 0.0, []
    for _ in range(400):
        assert desk.start(now) == ["a"]
        desk.answer("a", now, ok=False)
        desk.add("a", due=now + 1_000.0, expires=300_000.0)
        assert desk.start(now) == []
        sizes.append(len(desk.queue._timers))
        at = desk.queue.next_at()
        assert at is not None
        now = at

    assert now < 300_000.0
    assert max(sizes) <= 8


def test_newest_of_a_divergence_is_that_of_the_newest_event_however_they_were_received() -> None:
    desk = Desk()
    desk.add("closed", divergence_id="dv", sequence=9, received_at_ns=1)
    desk.add("opened", divergence_id="dv", sequence=2, received_at_ns=5)
    desk.queue.recovered("rc_1", 0.0)

    taken = desk.queue.take(0.0, room=9)

    assert [each.delivery_id for each in taken.start] == ["closed"]
    assert [each.delivery_id for each in taken.superseded] == ["opened"]


def test_others_of_a_lane_wait_until_it_is_stored_what_becomes_of_an_interrupted_one() -> None:
    desk = Desk()
    opened = pending("opened", receiver_id="rc_1", divergence_id="dv", sequence=1)
    desk.queue.hold(opened)
    desk.add("closed", divergence_id="dv", sequence=2)

    assert desk.start() == []
    desk.queue.free(opened)
    desk.add("opened", divergence_id="dv", sequence=1)
    assert desk.start() == ["opened"]


def test_timer_that_was_replaced_changes_nothing() -> None:
    desk = Desk()
    desk.add("a", due=50.0, expires=100.0)
    assert desk.start(0.0) == []
    assert desk.start(50.0) == ["a"]
    desk.add("b", due=150.0, expires=200.0)

    assert desk.start(100.0) == []
    assert desk.start(150.0) == []
    desk.answer("a", 150.0)
    assert desk.start(150.0) == ["b"]
