"""Everything that signals workers have written, held against what the engines make of the log."""

import json
from collections import defaultdict

from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import DivergenceEvent, Transition
from shared.kafka import topics
from tests.support.direct_engine import Direct
from tests.support.paced_feed import PARTITIONS
from tests.support.whole_topic import read_whole


async def assert_output_is(expected: Direct, bootstrap: str) -> int:
    """Hold every topic that workers write against what is expected; return how many events came twice."""
    entries = await read_whole(bootstrap, topics.DIVERGENCES.name, partitions=PARTITIONS)
    values: dict[str, set[bytes]] = defaultdict(set)
    logs: dict[str, list[bytes]] = defaultdict(list)
    for entry in entries:
        event_id = json.loads(entry.value)["event_id"]
        if event_id not in values:
            logs[entry.key].append(entry.value)
        values[event_id].add(entry.value)
    assert [each for each in values.values() if len(each) > 1] == [], "a repeat has the same bytes"

    wanted: dict[str, list[bytes]] = defaultdict(list)
    for value in expected.events:
        wanted[json.loads(value)["pair"]].append(value)
    known = {json.loads(value)["event_id"]: value for value in expected.events}
    lost, doubled = known.keys() - values.keys(), values.keys() - known.keys()
    assert not lost, f"{len(lost)} lost, such as {known[min(lost)]!r}"
    assert not doubled, f"{len(doubled)} doubled with another identity, such as {values[min(doubled)]}"
    other = [(known[name], *each) for name, each in values.items() if each != {known[name]}]
    assert not other, f"{len(other)} events have other bytes than the engine gives them, such as {other[0]}"
    assert {pair: _sequences(log) for pair, log in logs.items()} == {
        pair: _sequences(log) for pair, log in wanted.items()
    }
    for values_of_pair in logs.values():
        _assert_tells_a_story([DIVERGENCES.decode(value) for value in values_of_pair])

    bars = await read_whole(bootstrap, topics.BARS.name, partitions=PARTITIONS)
    assert {entry.value for entry in bars} == set(expected.sampled)
    letters = await read_whole(bootstrap, topics.DEADLETTERS.name, partitions=PARTITIONS)
    assert len({entry.value for entry in letters}) == expected.unreadable
    published: dict[str, dict[bytes, None]] = defaultdict(dict)
    for entry in await read_whole(bootstrap, topics.PROOFS.name, partitions=PARTITIONS):
        published[entry.key][entry.value] = None
    assert {key: list(each) for key, each in published.items()} == expected.proofs
    return len(entries) - len(values)


def _sequences(log: list[bytes]) -> list[int]:
    return [json.loads(value)["sequence"] for value in log]


def _assert_tells_a_story(events: list[DivergenceEvent]) -> None:
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    is_open: dict[str, bool] = defaultdict(bool)
    for event in events:
        assert is_open[event.fingerprint] == (event.type is not Transition.OPEN)
        is_open[event.fingerprint] = not event.type.is_final
