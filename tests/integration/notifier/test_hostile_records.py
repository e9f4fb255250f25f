"""Records that nobody should publish: each becomes a dead letter, and the partition goes on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.config import KafkaSettings
from shared.contracts.records import DEADLETTERS, DIVERGENCES
from shared.kafka.publisher import Publisher
from tests.integration.notifier.conftest import email, notifier_settings, running_notifier, webhook
from tests.integration.notifier.test_events_to_receivers import publish, read
from tests.support.builders import divergence
from tests.support.receivers import MailSink, WebhookReceiver


@pytest.fixture
async def kafka(embedded_kafka: KafkaSettings) -> AsyncIterator[Publisher]:
    async with Publisher(embedded_kafka, client_id="test") as publisher:
        yield publisher


def changed(number: int, **fields: Any) -> bytes:
    """Return the bytes of an event with fields that no builder would let through."""
    event = divergence(onset=f"odd {number}", sequence=number)
    return orjson.dumps(orjson.loads(DIVERGENCES.encode(event)) | fields)


def with_integer(number: int, text: bytes) -> bytes:
    """Return the bytes of an event whose sequence is written as ``text``."""
    body = changed(number, sequence=77_777)
    assert body.count(b"77777") == 1
    return body.replace(b"77777", text)


ODD = {
    "sequence of 2^63": with_integer(1, b"9223372036854775808"),
    "sequence of 2^64": with_integer(2, b"18446744073709551616"),
    "sequence of a thousand digits": with_integer(3, b"9" * 1_000),
    "negative sequence": with_integer(4, b"-1"),
    "sequence of -2^63 - 1": with_integer(5, b"-9223372036854775809"),
    "sequence that is a fraction": with_integer(6, b"1.5"),
    "sequence that is a float beyond the integers": with_integer(7, b"1e400"),
    "sequence that is true": with_integer(8, b"true"),
    "sequence that is not a number": with_integer(9, b"NaN"),
    "end of validity in the year 9999": changed(10, not_after="9999-12-31T23:59:59.999999Z"),
    "end of validity in the year 1": changed(11, not_after="0001-01-01T00:00:00.000000Z"),
    "NUL in the id": changed(12, event_id="ev_\x00"),
    "line break in the divergence": changed(13, divergence_id="dv_1\r\nX-Evil: 1"),
    "empty id": changed(14, event_id=""),
    "id of ten thousand characters": changed(15, event_id="e" * 10_000),
    "lone surrogate": changed(16).replace(b'"gold-iwm"', b'"\\ud800"'),
    "direction mark in the pair": changed(17, pair="gold\u202eiwm"),
    "unknown severity": changed(18, severity="apocalyptic"),
    "null for everything": orjson.dumps(dict.fromkeys(orjson.loads(changed(19)))),
    "list": b"[" * 100_000 + b"]" * 100_000,
    "empty": b"",
    "nothing but zeros": b"\x00" * 1_000,
    "too large": b'{"v":1,"x":"' + b"a" * 400_000 + b'"}',
}


async def test_partition_goes_on_after_each_record_that_cannot_be_handled(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    good = [divergence(onset=f"good {number}", sequence=number) for number in range(len(ODD))]
    async with WebhookReceiver() as receiver, MailSink() as sink:
        settings = notifier_settings(
            tmp_path, webhook("desk", receiver.url), email("ann", "ann@example.com"), mail_port=sink.port
        )
        async with running_notifier(embedded_kafka, settings) as task:
            for odd, event in zip(ODD.values(), good, strict=True):
                await kafka.publish("divergences.v1", key="gold-iwm", value=odd)
                await publish(kafka, event)
            await receiver.wait_for(len(good))
            await sink.wait_for(len(good))
            assert not task.done()

    assert set(receiver.ids) == {event.event_id for event in good}
    letters = [DEADLETTERS.decode(value) for value in await read(embedded_kafka, "deadletters.v1", len(ODD))]
    assert [letter.offset for letter in letters] == [2 * number for number in range(len(ODD))]
    assert "internal" not in {letter.reason for letter in letters}


async def test_largest_sequence_is_delivered_like_any_other(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    largest = divergence(sequence=2**63 - 1)
    async with WebhookReceiver() as receiver:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url))
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, largest, divergence(onset="next", sequence=0))
            await receiver.wait_for(2)

    assert receiver.ids[0] == largest.event_id


async def test_record_without_a_value_and_odd_headers_and_keys_are_passed(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    event = divergence()
    last = divergence(onset="last", sequence=2)
    odd_headers = [("traceparent", b"\xff\x00"), ("", b""), ("n" * 10_000, b"v" * 10_000)]
    async with WebhookReceiver() as receiver:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url))
        async with running_notifier(embedded_kafka, settings):
            await kafka.publish("divergences.v1", key="gold-iwm", value=None)
            await kafka.publish(
                "divergences.v1", key="gold-iwm", value=DIVERGENCES.encode(event), headers=odd_headers
            )
            await publish(kafka, last)
            await receiver.wait_for(2)

    assert receiver.ids == [event.event_id, last.event_id]
