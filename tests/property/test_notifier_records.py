"""Whatever a record contains, it is an event that can be stored and sent, or a dead letter."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.event_validation import check_event, check_size
from services.notifier.core.record_metadata import header_texts, published_at_ns
from services.notifier.core.routing import RoutingHistory, Subscription, TimeBase, plan_deliveries
from services.notifier.metrics import DEAD_LETTER_REASONS
from services.notifier.render.renderer import Renderer
from shared.contracts.records import DIVERGENCES
from shared.domain.deliveries import Channel
from shared.domain.divergences import DivergenceEvent
from shared.errors import DataError
from tests.property.test_contracts import values_of
from tests.support.builders_kinds import KINDS_AND_DIRECTIONS, divergence_of

MAX_COLUMN = (1 << 63) - 1
RENDERER = Renderer(public_url="https://convex.example")
SUBSCRIPTIONS = (
    Subscription(name="desk", channel=Channel.WEBHOOK, receiver="https://desk.example/"),
    Subscription(name="ann", channel=Channel.EMAIL, receiver="ann@example.com", repeat_interval_ns=1),
)
# What JSON can say, and more than it should.
odd_numbers = st.sampled_from([0, -1, 1 << 63, (1 << 64) - 1, 1 << 64, 10**400, 1e308, -1e308, 5e-324])
odd_texts = st.sampled_from(
    ["", "\x00", "\ud800", "a\r\nb", "x" * 65, "9" * 5_000, "日本", "2014-05-02T12:35:60Z"]
)
odd_values = st.one_of(
    st.none(),
    st.booleans(),
    odd_numbers,
    odd_texts,
    st.just([]),
    st.just({}),
    st.integers(),
    st.text(max_size=9),
)


def admitted(value: bytes) -> DivergenceEvent | None:
    """Return the event of a record, or None if it is dead-lettered for one of the known reasons."""
    try:
        check_size(value)
        event = DIVERGENCES.decode(value)
        check_event(event)
    except DataError as error:
        reason = error.reason
    else:
        return event
    assert reason in DEAD_LETTER_REASONS
    return None


def planned_and_rendered(event: DivergenceEvent) -> None:
    for time_base in TimeBase:
        plan = plan_deliveries(
            event,
            subscriptions=SUBSCRIPTIONS,
            history=RoutingHistory(),
            first_seen_ns=1_790_000_000 * 10**9,
            time_base=time_base,
            mail_domain="convex.example",
        )
        for delivery in plan.deliveries:
            assert abs(delivery.expires_at_ns) <= MAX_COLUMN
            assert 0 <= delivery.sequence <= MAX_COLUMN
            assert delivery.message_id.isascii()
            assert delivery.message_id.isprintable()
            assert len(delivery.message_id) <= 320


@given(st.binary(max_size=200) | st.text(max_size=50).map(str.encode))
def test_any_bytes_are_an_event_or_a_dead_letter(value: bytes) -> None:
    assert admitted(value) is None


@given(values_of(DivergenceEvent))
def test_any_event_of_the_schema_is_admitted_or_dead_lettered(event: DivergenceEvent) -> None:
    event_read = admitted(DIVERGENCES.encode(event))

    if event_read is not None:
        planned_and_rendered(event_read)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a JSON document."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        found += paths_of(each, (*path, key))
    return found


@given(st.sampled_from(KINDS_AND_DIRECTIONS), odd_values, st.data())
def test_usual_event_with_one_odd_value_is_admitted_or_dead_lettered(
    kind_and_direction: Any, odd: Any, data: st.DataObject
) -> None:
    document = orjson.loads(DIVERGENCES.encode(divergence_of(*kind_and_direction)))
    *parents, last = data.draw(st.sampled_from(paths_of(document)))
    inner = document
    for key in parents:
        inner = inner[key]
    inner[last] = odd

    # The standard library's JSON writes what orjson refuses: lone surrogates, and numbers beyond 64 bits.
    event = admitted(json.dumps(document).encode())

    if event is not None:
        planned_and_rendered(event)


@given(st.sampled_from(KINDS_AND_DIRECTIONS), st.data())
def test_every_number_that_is_admitted_can_be_rendered(kind_and_direction: Any, data: st.DataObject) -> None:
    numbers = st.floats(allow_nan=False, allow_infinity=False)
    usual = divergence_of(*kind_and_direction)
    event = divergence_of(
        *kind_and_direction,
        values={name: data.draw(st.none() | numbers) for name in usual.values},
        thresholds={name: data.draw(numbers) for name in usual.thresholds},
    )

    read = admitted(DIVERGENCES.encode(event))

    assert read is not None
    assert RENDERER.render(read).subject.isprintable()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
def test_number_that_json_may_not_contain_is_dead_lettered(number: str) -> None:
    value = DIVERGENCES.encode(divergence_of(*KINDS_AND_DIRECTIONS[0])).replace(b"2.31", number.encode())

    assert number.encode() in value
    assert admitted(value) is None


@given(
    st.integers(-(1 << 63), MAX_COLUMN), st.lists(st.tuples(st.text(), st.none() | st.binary()), max_size=50)
)
def test_any_metadata_can_be_stored(timestamp_ms: int, headers: list[tuple[str, bytes | None]]) -> None:
    assert 0 <= published_at_ns(timestamp_ms, received_at_ns=7) <= MAX_COLUMN
    assert "\\u0000" not in json.dumps(header_texts(headers))
