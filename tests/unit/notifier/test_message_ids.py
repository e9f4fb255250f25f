from services.notifier.core.message_ids import (
    delivery_id_of,
    mail_message_id,
    receiver_id_of,
    thread_references,
)
from shared.domain.divergences import Transition
from tests.support.builders import divergence


def test_message_id_repeats_and_does_not_show_the_address() -> None:
    first = mail_message_id(event_id="ev_1", recipient="ann@example.com", domain="convex.example")
    again = mail_message_id(event_id="ev_1", recipient="Ann@Example.com", domain="convex.example")

    assert first == again
    assert "ann" not in first
    assert "example.com" not in first


def test_message_id_differs_by_event_and_by_recipient() -> None:
    ids = {
        mail_message_id(event_id=event_id, recipient=recipient, domain="convex.example")
        for event_id in ("ev_1", "ev_2")
        for recipient in ("ann@example.com", "bob@example.com")
    }

    assert len(ids) == 4


def test_opening_answers_to_nothing_and_the_rest_to_it() -> None:
    opening, closing = divergence(), divergence(type=Transition.CLOSED)
    opening_id = mail_message_id(
        event_id=opening.event_id, recipient="ann@example.com", domain="convex.example"
    )

    assert thread_references(opening, recipient="ann@example.com", domain="convex.example") == ()
    assert thread_references(closing, recipient="ann@example.com", domain="convex.example") == (opening_id,)


def test_test_message_is_no_part_of_a_thread() -> None:
    event = divergence(type=Transition.TEST)

    assert thread_references(event, recipient="ann@example.com", domain="convex.example") == ()


def test_delivery_and_receiver_ids_depend_on_each_part() -> None:
    assert delivery_id_of(event_id="a", subscription="bc") != delivery_id_of(event_id="ab", subscription="c")
    assert receiver_id_of(channel="email", receiver="x") != receiver_id_of(channel="webhook", receiver="x")
    assert receiver_id_of(channel="webhook", receiver="x", variant=("a",)) != receiver_id_of(
        channel="webhook", receiver="x", variant=("b",)
    )
