"""The same input gives the same output, byte for byte, as it did when the digests were written.

Check a tree with ``python -m pytest -q tests/golden``, which takes two to four minutes; ``-m "not slow"``
leaves out the backtests. When a test fails, ``python -m tests.golden.write_golden --out build/golden`` writes
every output whole; the same command in a worktree of an earlier commit gives what to ``diff`` it with.

``structured.json`` has the digests of what programs read: events, statistics, sampled closes, snapshots,
webhooks, the dashboard's JSON. They are those of the commit before this folder was added, and they change
only together with an entry of the changelog that says which behaviour changed.

The other files are about what people read: mails, pages and reports. After a text was changed on purpose,
``python -m tests.golden.write_golden --words`` writes them again.
"""

from collections.abc import Callable

import pytest

from tests.golden import engine, outputs
from tests.golden.outputs import STRUCTURED, Outputs
from tests.support.data import shared_data


@pytest.mark.parametrize("make", [outputs.of_engine, outputs.of_notifier, outputs.of_dashboard])
def test_the_output_about_six_pairs_is_the_golden_one(make: Callable[[], Outputs]) -> None:
    assert_golden(make())


def test_forty_restarts_change_nothing() -> None:
    assert engine.run(restarts=engine.restarts()) == outputs.run_of_six_pairs()


@pytest.mark.slow
def test_the_backtest_of_the_real_pair_is_the_golden_one() -> None:
    shared_data("pair_gold_daily_20121114_20210331.csv")
    assert_golden(outputs.of_shared_pair())


@pytest.mark.slow
def test_the_backtest_of_two_million_ticks_is_the_golden_one() -> None:
    assert_golden(outputs.of_ticks(shared_data("xauusd_ticks_oanda_lean_20140501_20140515.csv.gz")))


def test_the_market_of_the_six_pairs_has_every_kind() -> None:
    """A golden output of a quiet market would prove nothing."""
    lines = (outputs.FOLDER / "six_pairs_events.txt").read_text().splitlines()
    kinds = {line.split()[3] for line in lines}

    assert len(kinds) == 6
    assert len(lines) > 500


def assert_golden(made: Outputs) -> None:
    """Hold digests first, then the texts, whose differences can be read."""
    for path, values in ((STRUCTURED, made.structured), *made.words.items()):
        known = outputs.committed(path)
        different = [name for name, value in values.items() if known.get(name) != outputs.digest(value)]
        assert not different, f"not as in {path.name}: {different}; see the docstring of {__name__}"
    for name, text in made.readable.items():
        assert text == (outputs.FOLDER / name).read_text()
