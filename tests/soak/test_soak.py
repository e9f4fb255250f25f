"""A minute of the soak: `make soak` is the long one."""

from pathlib import Path

import pytest

from tests.soak.campaign import TAKE_OVER_SECONDS, run

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.chaos]
SECONDS = 90.0


def test_every_tick_of_failing_venues_is_published_once_while_ingestors_are_killed_and_stopped(
    tmp_path: Path,
) -> None:
    verdicts, _, facts = run(seconds=SECONDS, rate=1_500.0, seed=1, fault_seconds=4.0, folder=tmp_path)

    assert all(verdict.is_good for verdict in verdicts), (verdicts, facts)
    # Nobody else sends these: that the fault was played is what makes the rest mean something.
    assert all(verdict.published > 1_000 for verdict in verdicts if verdict.feed != "coinbase")
    # A take-over, and a venue that refuses connections while it is going on.
    assert max(verdict.longest_silence_seconds for verdict in verdicts) < 3 * TAKE_OVER_SECONDS
    assert facts["exit codes"] == [0, 0]
    assert all(count < 60 for count in facts["handshakes a minute"].values()), facts
    # In so short a time windows are still being filled; `make soak` shows whether memory stays flat.
    assert max(facts["memory, later over earlier"]) < 1.5
