import json

import pytest

from shared.contracts.records import DEADLETTERS
from shared.domain.deliveries import DeadLetter
from tests.integration.convex.conftest import Broker, Convex


def letter(
    *, origin: str = "ticks.v1", partition: int | None = 0, offset: int | None = 0, reason: str = "not_json"
) -> bytes:
    return DEADLETTERS.encode(
        DeadLetter(
            origin=origin,
            partition=partition,
            offset=offset,
            reason=reason,
            message="a ticks value must be JSON: [odd]",
            first_bytes="e30=",
        )
    )


def test_dead_letters_of_all_partitions_are_listed_by_time(broker: Broker, convex: Convex) -> None:
    broker.put("deadletters.v1", letter(offset=7), partition=3, timestamp_ms=1_400_000_002_000)
    broker.put("deadletters.v1", letter(offset=5), partition=0, timestamp_ms=1_400_000_001_000)
    broker.put("deadletters.v1", letter(offset=6), partition=0, timestamp_ms=1_400_000_003_000)

    ran = convex("deadletters", "list", "--json")

    listed = [json.loads(line) for line in ran.out.splitlines()]
    assert [each["offset"] for each in listed] == [5, 7, 6]
    assert listed[0] == {
        "at": "2014-05-13T16:53:21.000000Z",
        "origin": "ticks.v1",
        "partition": 0,
        "offset": 5,
        "reason": "not_json",
        "message": "a ticks value must be JSON: [odd]",
        "first_bytes": "e30=",
    }
    assert ran.code == 0


def test_table_shows_place_and_reason_and_takes_messages_as_text(broker: Broker, convex: Convex) -> None:
    broker.put("deadletters.v1", letter(partition=2, offset=41), timestamp_ms=1_400_000_002_000)
    broker.put("deadletters.v1", letter(origin="feed:kraken", partition=None, offset=None))

    out = convex("deadletters", "list").out

    row = next(line for line in out.splitlines() if "ticks.v1" in line)
    for cell in ("2014-05-13 16:53:22", " 2 ", " 41 ", "not_json", "must be JSON: [odd]"):
        assert cell in row
    assert "feed:kraken" in out
    assert out.splitlines()[-1] == "2 dead letters"


def test_limit_keeps_the_newest_and_says_what_it_left_out(broker: Broker, convex: Convex) -> None:
    for number in range(3):
        broker.put("deadletters.v1", letter(offset=100 + number), timestamp_ms=1_400_000_000_000 + number)

    out = convex("deadletters", "list", "--limit", "1").out

    assert "102" in out
    assert "101" not in out
    assert out.splitlines()[-1] == "3 dead letters, 2 older ones not shown (--limit)"


def test_value_that_is_no_dead_letter_is_counted_and_passed(broker: Broker, convex: Convex) -> None:
    broker.put("deadletters.v1", b"\xff")
    broker.put("deadletters.v1", letter())

    assert convex("deadletters", "list").out.splitlines()[-1] == (
        "1 dead letter, 1 not readable by this version"
    )


def test_missing_topic_is_an_empty_list_and_is_not_created(broker: Broker, convex: Convex) -> None:
    ran = convex("deadletters", "list")

    assert (ran.code, ran.out) == (0, "0 dead letters\n")
    assert "deadletters.v1" not in broker._producer.list_topics(timeout=5).topics


def test_unreachable_kafka_is_one_clear_line(nowhere: str, convex: Convex) -> None:
    ran = convex("deadletters", "list")

    assert ran.code == 1
    assert ran.err.startswith(f"convex: {nowhere}: ")
    assert ran.err.count("\n") == 1


def test_replay_publishes_the_whole_original_with_key_and_headers(broker: Broker, convex: Convex) -> None:
    # Longer than what a dead letter keeps.
    original = b"{" + b"x" * 5_000
    key = b"XAU/USD.SIM"
    partition, offset = broker.put("ticks.v1", original, key=key, headers=(("trace", b"t1"),))
    broker.put("deadletters.v1", letter(partition=partition, offset=offset))

    ran = convex(
        "deadletters",
        "replay",
        "--origin",
        "ticks.v1",
        "--partition",
        str(partition),
        "--offset",
        str(offset),
    )

    again = broker.records("ticks.v1")[-1]
    assert (again.value, again.key, again.partition, again.offset) == (original, key, partition, offset + 1)
    assert again.headers == (("trace", b"t1"), ("replayed_from", f"ticks.v1/{partition}/{offset}".encode()))
    assert ran.out.splitlines() == [
        f"ticks.v1/{partition}/{offset}: replayed as ticks.v1/{partition}/{offset + 1}",
        "1 of 1 replayed",
    ]
    assert ran.code == 0


def test_record_without_a_key_stays_in_its_partition(broker: Broker, convex: Convex) -> None:
    for _ in range(3):
        broker.put("ticks.v1", b"{", partition=3)
    broker.put("deadletters.v1", letter(partition=3, offset=1))

    convex("deadletters", "replay", "--origin", "ticks.v1", "--all")

    assert [(each.key, each.partition, each.offset) for each in broker.records("ticks.v1")][-1] == (
        None,
        3,
        3,
    )


def test_dry_run_publishes_nothing(broker: Broker, convex: Convex) -> None:
    partition, offset = broker.put("ticks.v1", b"{", key=b"k")
    broker.put("deadletters.v1", letter(partition=partition, offset=offset))

    ran = convex("deadletters", "replay", "--origin", "ticks.v1", "--all", "--dry-run")

    assert len(broker.records("ticks.v1")) == 1
    assert ran.out.splitlines() == [
        f"ticks.v1/{partition}/{offset}: would be replayed (1 bytes)",
        "1 of 1 would be replayed",
    ]


def test_all_replays_each_record_once_and_no_replays(broker: Broker, convex: Convex) -> None:
    partition, offset = broker.put("ticks.v1", b"{", key=b"k")
    # The worker died between dead letter and acknowledgement, so the record was parked twice.
    for _ in range(2):
        broker.put("deadletters.v1", letter(partition=partition, offset=offset))
    broker.put("deadletters.v1", letter(origin="divergences.v1", partition=partition, offset=offset))
    convex("deadletters", "replay", "--origin", "ticks.v1", "--all")
    # The replayed one was as bad as its original.
    broker.put("deadletters.v1", letter(partition=partition, offset=offset + 1))

    ran = convex("deadletters", "replay", "--origin", "ticks.v1", "--all")

    assert len(broker.records("ticks.v1")) == 3
    was, now = f"ticks.v1/{partition}/{offset}", f"ticks.v1/{partition}/{offset + 1}"
    assert ran.out.splitlines()[1:] == [
        f"{now}: not replayed: is a replay of {was} itself",
        "1 of 2 replayed",
    ]


def test_record_that_is_gone_says_why_and_fails(broker: Broker, convex: Convex) -> None:
    partition, offset = broker.put("ticks.v1", b"{", key=b"k")
    broker.put("deadletters.v1", letter(partition=partition, offset=offset + 9))

    ran = convex(
        *("deadletters", "replay", "--origin", "ticks.v1"),
        *("--partition", str(partition), "--offset", str(offset + 9)),
    )

    assert ran.code == 1
    assert ran.err == (
        f"convex: ticks.v1/{partition}/{offset + 9}: the topic ends before it, at {offset + 1}; "
        "was it created anew?\n"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--origin", "feed:kraken", "--all"], "came from a feed and never was a record"),
        (["--origin", "ticks.v1"], "name one record"),
        (["--origin", "ticks.v1", "--partition", "0"], "name one record"),
        (["--origin", "ticks.v1", "--all", "--partition", "0", "--offset", "0"], "name one record"),
        (["--origin", "ticks.v1", "--partition", "0", "--offset", "0"], "ticks.v1/0/0: has no dead letter"),
        (["--origin", "ticks.v1", "--all"], "ticks.v1: has no dead letter"),
    ],
)
def test_replay_of_what_cannot_be_replayed_is_refused(
    broker: Broker, convex: Convex, arguments: list[str], complaint: str
) -> None:
    ran = convex("deadletters", "replay", *arguments)

    assert ran.code == 2
    assert complaint in ran.err
