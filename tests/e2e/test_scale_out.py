"""Several signals workers share the partitions: whoever joins, leaves or dies, the output is the same."""

import asyncio
import os
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.direct_engine import Direct, run_directly
from tests.support.market_log import LEADS, RULES, Market, Written, cut, pairs, pairs_toml
from tests.support.paced_feed import PARTITIONS, Progress, partition_of, write_log
from tests.support.signals_fleet import SignalsFleet
from tests.support.whole_output import assert_output_is

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.chaos]

# Another seed is another market, other records, other moments: SCALE_OUT_SEED=7.
_SEED = int(os.environ.get("SCALE_OUT_SEED", "1"))
_FIRST, _SECOND = "worker-1", "worker-2"
_Step = Callable[[SignalsFleet, random.Random], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settings")
    (folder / "pairs.toml").write_text(pairs_toml())
    (folder / "rules.toml").write_text(RULES)
    return folder


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(_SEED, count=6)


@pytest.fixture(scope="module")
def written(market: Market) -> list[Written]:
    return cut(market.told, seed=_SEED, most=40)


@pytest.fixture(scope="module")
def expected(folder: Path, written: list[Written]) -> Direct:
    direct = _direct(folder, written)
    assert len(direct.events) >= 1_000
    assert {partition_of(lead) for lead in LEADS} == set(range(PARTITIONS))
    return direct


def _direct(folder: Path, written: Sequence[Written]) -> Direct:
    return run_directly(written, pairs=pairs(), rules=folder / "rules.toml", partition_of=partition_of)


async def test_join_leave_and_ten_kills_of_two_workers_change_no_byte(
    fresh_kafka: str, tmp_path: Path, folder: Path, written: list[Written], expected: Direct
) -> None:
    progress = Progress(expected, {pair.name: pair.lead for pair in pairs()})
    fleet = _fleet(fresh_kafka, tmp_path, folder)
    async with fleet, progress.following(fresh_kafka):
        await fleet.start(_FIRST)
        await fleet.start(_SECOND)
        await fleet.until(
            lambda: all(len(fleet.owned(name) or ()) == 2 for name in fleet.running), what="an even start"
        )
        try:
            async with asyncio.timeout(600), asyncio.TaskGroup() as tasks:
                tasks.create_task(write_log(fresh_kafka, written, expected=expected, progress=progress))
                tasks.create_task(_disturb(fleet, progress, random.Random(_SEED)))
        except TimeoutError:
            raise AssertionError(f"{progress.whole:.3f} of it, and no more\n{fleet.tails()}") from None
        await fleet.until_no_lag()
        await fleet.leave(_FIRST)
        await fleet.leave(_SECOND)

    assert fleet.kills >= 10
    assert fleet.ended_by_themselves() == [], fleet.tails()
    repeats = await assert_output_is(expected, fresh_kafka)
    print(f"\n{len(expected.events)} events, {fleet.kills} kills, {repeats} repeats")


async def test_one_undisturbed_worker_gives_the_same_bytes(
    fresh_kafka: str, tmp_path: Path, folder: Path, written: list[Written], expected: Direct
) -> None:
    await _run_undisturbed(fresh_kafka, _fleet(fresh_kafka, tmp_path, folder), written)
    assert await assert_output_is(expected, fresh_kafka) == 0


async def test_same_log_in_records_of_other_sizes_gives_the_same_bytes(
    fresh_kafka: str, tmp_path: Path, folder: Path, market: Market, written: list[Written], expected: Direct
) -> None:
    recut = cut(market.told, seed=_SEED + 1, most=400)
    assert recut != written
    of_recut = _direct(folder, recut)
    assert sorted(of_recut.events) == sorted(expected.events)
    await _run_undisturbed(fresh_kafka, _fleet(fresh_kafka, tmp_path, folder), recut)
    # A proof has the digests of the records themselves, so other records have other proofs.
    assert await assert_output_is(replace(expected, proofs=of_recut.proofs), fresh_kafka) == 0


async def _run_undisturbed(bootstrap: str, fleet: SignalsFleet, written: list[Written]) -> None:
    async with fleet:
        await write_log(bootstrap, written)
        await fleet.start(_FIRST)
        await fleet.until_no_lag()
        await fleet.leave(_FIRST)


def _fleet(bootstrap: str, logs: Path, folder: Path) -> SignalsFleet:
    return SignalsFleet(
        bootstrap,
        logs,
        {
            "CONVEX_PAIRS": str(folder / "pairs.toml"),
            "CONVEX_SIGNALS_RULES_FILE": str(folder / "rules.toml"),
            "CONVEX_SIGNALS_SESSION_TIMEOUT_SECONDS": "4",
            # Restarts begin in quiet stretches of the log, too.
            "CONVEX_SIGNALS_CHECKPOINT_EVERY_RECORDS": "25",
        },
    )


async def _disturb(fleet: SignalsFleet, progress: Progress, rng: random.Random) -> None:
    """Do everything that must not matter, each thing at a random place of the output."""
    steps: list[_Step] = [*[_restart] * 3, *[_fail_over] * 3, _kill_while_restoring, _kill_both, _freeze]
    rng.shuffle(steps)
    # One works alone for a while, and dies meanwhile.
    steps[4:4] = [_leave, _restart, _join]
    slot = 1 / (len(steps) + 1)
    for number, step in enumerate(steps):
        # Something has come since the step before, and something is left to come during this one.
        share = max((number + rng.uniform(0.1, 0.9)) * slot, progress.whole + 0.2 * slot)
        await progress.allow(max(number + 1.5, share / slot + 0.5) * slot)
        await progress.until(lambda so_far, share=share: so_far.whole >= share)  # type: ignore[misc]  # bound now
        assert progress.whole < 1, "in mid-stream"
        print(f"{progress.whole:.3f} {step.__name__}")
        await step(fleet, rng)
    await progress.allow(1)


async def _restart(fleet: SignalsFleet, rng: random.Random) -> None:
    """Come back at once: within the session the partitions do not move."""
    name = rng.choice(fleet.running)
    await fleet.kill(name)
    await fleet.start(name)


async def _fail_over(fleet: SignalsFleet, rng: random.Random) -> None:
    """Stay away until the other has taken everything, then take a part back."""
    name = rng.choice(fleet.running)
    await fleet.kill(name)
    (survivor,) = fleet.running
    await fleet.until(
        lambda: len(fleet.owned(survivor) or ()) == PARTITIONS, what=f"everything taken over by {survivor}"
    )
    await fleet.start(name)


async def _kill_while_restoring(fleet: SignalsFleet, rng: random.Random) -> None:
    """Die again while, or soon after, the state is read back."""
    name = rng.choice(fleet.running)
    await fleet.kill(name)
    await fleet.start(name)
    await fleet.until(lambda: bool(fleet.said(name, "service_started")), what=f"{name} started")
    await asyncio.sleep(rng.uniform(0, 1))
    await fleet.kill(name)
    await fleet.start(name)


async def _kill_both(fleet: SignalsFleet, rng: random.Random) -> None:
    """Die together, as in a power cut."""
    names = rng.sample(fleet.running, 2)
    for name in names:
        await fleet.kill(name)
    for name in names:
        await fleet.start(name)


async def _freeze(fleet: SignalsFleet, rng: random.Random) -> None:
    """Stand still until the other has taken everything, then go on with what is no longer its own."""
    name = rng.choice(fleet.running)
    (other,) = set(fleet.running) - {name}
    fleet.freeze(name)
    await fleet.until(lambda: len(fleet.owned(other) or ()) == PARTITIONS, what=f"everything with {other}")
    fleet.thaw(name)


async def _leave(fleet: SignalsFleet, _: random.Random) -> None:
    """Go in order, as for an update; the other takes everything."""
    await fleet.leave(_SECOND)
    await fleet.until(lambda: len(fleet.owned(_FIRST) or ()) == PARTITIONS, what=f"everything with {_FIRST}")


async def _join(fleet: SignalsFleet, _: random.Random) -> None:
    """Come again while the other works, and get a part."""
    await fleet.start(_SECOND)
    await fleet.until(lambda: bool(fleet.owned(_SECOND)), what=f"a part for {_SECOND}")
