"""What is held of what was read, and who is woken."""

import asyncio
from datetime import UTC, datetime

import orjson

from services.dashboard.api import PairSource
from services.dashboard.core.reader_status import Phase, ReaderStatus
from services.dashboard.streams import event_bytes
from services.dashboard.view import PairsView, PublishedEvent, PublishedSnapshot
from shared.contracts.records import DIVERGENCES, SIGNALS
from tests.support.snapshot_builder import PAIR, event, snapshot

NAME = PAIR.name


def view(kept_events: int = 100) -> PairsView:
    status = ReaderStatus(servers="k", phase=Phase.CONNECTING, since=datetime(2020, 1, 1, tzinfo=UTC))
    return PairsView((PAIR,), reader_status=status, kept_events=kept_events)


def published(sequence: int) -> PublishedEvent:
    one = event(sequence=sequence, event_id=f"ev_{sequence}")
    return PublishedEvent(event=one, value=DIVERGENCES.encode(one))


def shown(price: float = 1.0) -> PublishedSnapshot:
    one = snapshot()
    return PublishedSnapshot(snapshot=one, value=SIGNALS.encode(one), published_ms=int(price))


def names(stream: bytes) -> list[str]:
    return [line.removeprefix("event: ") for line in stream.decode().splitlines() if line.startswith("event")]


def test_events_are_kept_in_sequence_whatever_the_order_they_come_in() -> None:
    held = view()
    for sequence in (2, 1, 3, 2):
        held.add(published(sequence))
    assert [one.event.sequence for one in held.events(NAME)] == [1, 2, 3]
    assert held.last_sequence(NAME) == 3


def test_an_event_that_comes_again_changes_nothing() -> None:
    held = view()
    held.add(published(1))
    version = held.version(NAME)
    held.add(published(1))
    assert held.version(NAME) == version


def test_the_oldest_events_go_first() -> None:
    held = view(kept_events=2)
    for sequence in (1, 2, 3):
        held.add(published(sequence))
    assert [one.event.sequence for one in held.events_after(NAME, 0, limit=9)] == [2, 3]


def test_a_page_of_events_is_bounded_and_goes_on_where_it_ended() -> None:
    held = view()
    for sequence in range(1, 6):
        held.add(published(sequence))
    assert [one.event.sequence for one in held.events_after(NAME, 1, limit=2)] == [2, 3]
    assert [one.event.sequence for one in held.events_after(NAME, 3, limit=2)] == [4, 5]
    assert held.events_after(NAME, 5, limit=2) == ()


def test_a_removed_snapshot_is_not_shown() -> None:
    held = view()
    held.show(NAME, shown())
    held.show(NAME, None)
    assert held.latest(NAME) is None


def test_subscribers_are_woken_until_they_leave() -> None:
    held, wake = view(), asyncio.Event()
    held.subscribe(NAME, wake)
    held.show(NAME, shown())
    assert wake.is_set()
    wake.clear()
    held.unsubscribe(NAME, wake)
    held.show(NAME, shown())
    assert not wake.is_set()


def test_only_news_about_the_reading_wakes() -> None:
    held, wake = view(), asyncio.Event()
    held.subscribe(NAME, wake)
    held.set_reader_status(held.reader_status, wakes_pages=False)
    assert not wake.is_set()
    held.set_reader_status(held.reader_status, wakes_pages=True)
    assert wake.is_set()


def test_a_stream_tells_each_event_once_and_the_latest_snapshot_only() -> None:
    held = view()
    source = PairSource(held, NAME, after=0)
    held.add(published(1))
    held.show(NAME, shown(1))
    held.show(NAME, shown(2))
    assert names(source.pending()) == ["divergence", "snapshot"]
    assert source.pending() == b""
    held.add(published(2))
    assert names(source.pending()) == ["divergence"]


def test_a_new_client_is_reported_the_coming_events_only() -> None:
    held = view()
    held.add(published(1))
    source = PairSource(held, NAME, after=None)
    assert source.pending() == b""
    held.add(published(2))
    assert b"id: 2\n" in source.pending()


def test_a_client_that_comes_back_too_late_is_reported_of_the_gap() -> None:
    held = view(kept_events=2)
    for sequence in range(1, 6):
        held.add(published(sequence))
    stream = PairSource(held, NAME, after=1).pending()
    assert names(stream) == ["gap", "divergence", "divergence"]
    assert b'event: gap\ndata: {"after":1,"next":4}\n\n' in stream


def test_values_are_passed_on_byte_for_byte() -> None:
    held = view()
    held.add(published(1))
    assert b"data: " + published(1).value + b"\n\n" in PairSource(held, NAME, after=0).pending()


def test_a_line_break_in_a_value_does_not_break_the_event() -> None:
    pretty = orjson.dumps({"a": "x\ny"}, option=orjson.OPT_INDENT_2)
    assert event_bytes("snapshot", pretty) == b'event: snapshot\ndata: {"a":"x\\ny"}\n\n'
