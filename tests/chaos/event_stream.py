"""Publish events of many divergences for as long as a campaign runs: openings, changes and ends."""

import asyncio
from collections.abc import Iterator
from random import Random
from typing import Final

from shared.config import KafkaSettings
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import DivergenceEvent, Severity, Transition
from shared.kafka.publisher import Publisher
from tests.support.builders import divergence

_PAIRS: Final = 8
_OCCURRED: Final = "2014-05-02T12:35:10.000000Z"
# Most are valid for long, some for a moment: they expire while they wait.
_NOT_AFTER: Final = (
    *["2014-05-02T16:35:10.000000Z"] * 8,
    "2014-05-02T12:35:10.400000Z",
    "2014-05-02T12:35:13.000000Z",
)


class EventStream:
    """Publish at a steady rate and keep what was published, by event id."""

    def __init__(self, bootstrap: str, draw: Random, *, events_per_second: float) -> None:
        self._kafka = KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10)
        self._draw = draw
        self._pause_seconds = 1.0 / events_per_second
        self.published: dict[str, bytes] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until asked to stop."""
        stories = [_story(f"pair-{number}", self._draw) for number in range(_PAIRS)]
        async with Publisher(self._kafka, client_id="campaign") as publisher:
            while not stop.is_set():
                event = next(self._draw.choice(stories))
                value = DIVERGENCES.encode(event)
                self.published[event.event_id] = value
                await publisher.publish("divergences.v1", key=event.pair, value=value)
                await asyncio.sleep(self._pause_seconds)


def _story(pair: str, draw: Random) -> Iterator[DivergenceEvent]:
    sequence = 0
    while True:
        steps = [Transition.OPEN]
        steps += draw.choices(
            (Transition.ESCALATED, Transition.EASED, Transition.REVISED), k=draw.randrange(3)
        )
        steps += [Transition.CLOSED]
        severity = draw.choice(tuple(Severity))
        onset = f"{pair}-{sequence}"
        for occurrence, step in enumerate(steps, 1):
            sequence += 1
            yield divergence(
                pair=pair,
                type=step,
                onset=onset,
                occurrence=occurrence,
                sequence=sequence,
                severity=severity,
                occurred_at=_OCCURRED,
                not_after=draw.choice(_NOT_AFTER),
            )
