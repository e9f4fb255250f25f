"""Several processes share one lease on Apache Kafka: never two at once, and soon another when one is gone."""

import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from services.ingestor.kafka.lease import SESSION_SECONDS, VALID_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.kafka]
# What the issue of two ingestors allows.
TAKE_OVER_SECONDS = 10.0


class Member:
    """A process that wants the lease."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.ingestor.lease_process", bootstrap, name],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.seen: list[tuple[bool, float]] = []
        self._reading = threading.Thread(target=self._read, args=(name,), daemon=True)
        self._reading.start()

    @property
    def may_publish(self) -> bool:
        return bool(self.seen) and self.seen[-1][0]

    def end(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        self._reading.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def spans(self, until: float) -> list[tuple[float, float]]:
        """Return when it could publish, by the monotonic clock that all processes share."""
        ends = [*[at for _, at in self.seen[1:]], until]
        return [(at, end) for (may, at), end in zip(self.seen, ends, strict=True) if may]

    def _read(self, name: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(f"{name} "):
                _, may, _, at = line.split()
                self.seen.append((may == "1", float(at)))


@contextmanager
def members(bootstrap: str) -> Iterator[Callable[[str], Member]]:
    started: list[Member] = []

    def start(name: str) -> Member:
        started.append(Member(bootstrap, name))
        return started[-1]

    try:
        yield start
    finally:
        for member in started:
            member.end()


def until(condition: Callable[[], bool], *, seconds: float) -> float:
    """Wait for a condition; return how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "did not happen in time"
        time.sleep(0.02)
    return time.monotonic() - began


def test_another_takes_over_within_ten_seconds_and_one_that_stood_still_does_not_publish_beside_it(
    fresh_kafka: str,
) -> None:
    with members(fresh_kafka) as start:
        first = start("first")
        until(lambda: first.may_publish, seconds=15)
        second = start("second")
        until(lambda: bool(second.seen), seconds=15)
        time.sleep(3)
        assert (first.may_publish, second.may_publish) == (True, False), "joining takes the lease from nobody"

        first.process.kill()
        killed_at = time.monotonic()
        until(lambda: second.may_publish, seconds=TAKE_OVER_SECONDS)

        third = start("third")
        until(lambda: bool(third.seen), seconds=15)
        time.sleep(3)
        second.process.send_signal(signal.SIGSTOP)
        stopped_at = time.monotonic()
        until(lambda: third.may_publish, seconds=TAKE_OVER_SECONDS)
        second.process.send_signal(signal.SIGCONT)
        until(lambda: len(second.seen) > 2, seconds=5)
        now = time.monotonic()

        spans = sorted(
            [
                *((begin, min(end, killed_at)) for begin, end in first.spans(now)),
                # It stood still: it could not even have noticed that its time was over.
                *((begin, min(end, stopped_at)) for begin, end in second.spans(now)),
                *third.spans(now),
            ]
        )
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans)), spans


def test_a_holder_that_leaves_in_order_is_followed_at_once(fresh_kafka: str) -> None:
    with members(fresh_kafka) as start:
        first = start("first")
        until(lambda: first.may_publish, seconds=15)
        second = start("second")
        until(lambda: bool(second.seen), seconds=15)
        time.sleep(3)
        first.process.send_signal(signal.SIGINT)
        assert until(lambda: second.may_publish, seconds=TAKE_OVER_SECONDS) < SESSION_SECONDS - 1
        assert VALID_SECONDS < SESSION_SECONDS
