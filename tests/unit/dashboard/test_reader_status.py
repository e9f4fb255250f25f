"""Every phase says why there is nothing, with what was seen and what to look at."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.dashboard.core.reader_status import (
    Phase,
    ReaderStatus,
    TopicProgress,
    kafka_problem,
    why_no_snapshot,
)

AT = datetime(2020, 3, 18, 12, 3, 11, tzinfo=UTC)


def why(phase: Phase, *, of_others: int = 0, **facts: Any) -> str:
    status = ReaderStatus(servers="kafka:9092", phase=phase, since=AT, **facts)
    text = why_no_snapshot(status, pair="gold-iwm", topic="signals.v1", of_others=of_others)
    head = "Waiting for the first snapshot of gold-iwm: "
    assert text.startswith(head)
    return text.removeprefix(head)


def test_before_the_first_answer_of_kafka() -> None:
    assert why(Phase.CONNECTING) == (
        "not connected to Kafka at kafka:9092 (0 attempts since 12:03:11 UTC). This takes a moment."
    )


def test_kafka_that_cannot_be_reached_is_named_with_its_error() -> None:
    assert why(Phase.CONNECTING, attempts=1, error="connection refused") == (
        "not connected to Kafka at kafka:9092 (1 attempt since 12:03:11 UTC; the last one failed with: "
        "connection refused). Is Kafka running?"
    )


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (("signals.v1",), "signals.v1 does not exist"),
        (("signals.v1", "divergences.v1"), "signals.v1 and divergences.v1 do not exist"),
    ],
)
def test_missing_topics_are_named_with_the_command_that_makes_them(
    missing: tuple[str, ...], words: str
) -> None:
    text = why(Phase.NO_TOPIC, missing=missing)
    assert words in text
    assert text.endswith("convex topics create")


def test_catching_up_says_how_far() -> None:
    topics = {"signals.v1": TopicProgress(records=1204, remaining=3796)}
    assert why(Phase.CATCHING_UP, topics=topics) == (
        "connected to Kafka, reading signals.v1: 1,204 records, 3,796 to go."
    )


def test_an_empty_topic_was_read_to_its_end_and_the_service_is_asked_for() -> None:
    assert why(Phase.FOLLOWING, caught_up_at=AT) == (
        "connected to Kafka, read signals.v1 to its end at 12:03:11 UTC, 0 snapshots. "
        "The signals service has not published yet: is it running?"
    )


def test_snapshots_of_other_pairs_only_point_to_the_configuration() -> None:
    assert why(Phase.FOLLOWING, caught_up_at=AT, of_others=7) == (
        "connected to Kafka, read signals.v1 to its end at 12:03:11 UTC, 0 snapshots of this pair and 7 of "
        "others. Does the signals service run with the same CONVEX_PAIRS?"
    )


def test_records_that_could_not_be_used_are_reported_with_the_reason() -> None:
    topics = {"signals.v1": TopicProgress(records=2, rejected=2, last_rejection="it is not JSON")}
    text = why(Phase.FOLLOWING, caught_up_at=AT, topics=topics)
    assert "2 of its records could not be used, the last one: it is not JSON." in text


def test_a_lost_kafka_is_reported_with_the_time() -> None:
    assert why(Phase.LOST, error="timed out") == (
        "Kafka at kafka:9092 has not answered since 12:03:11 UTC: timed out. Is Kafka running?"
    )


@pytest.mark.parametrize("phase", list(Phase))
def test_a_problem_is_shown_exactly_while_kafka_is_not_followed(phase: Phase) -> None:
    text = kafka_problem(
        ReaderStatus(servers="kafka:9092", phase=phase, since=AT, error="e", missing=("signals.v1",))
    )
    assert (text == "") is (phase in (Phase.FOLLOWING, Phase.CATCHING_UP))
    assert text == "" or "12:03:11 UTC" in text
